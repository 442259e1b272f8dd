// A network: its weights as lines, and a neuron that opens in place.

function networkLinks() {
  for (const [x, y, kind, text] of view.headings) {
    element(byId("links"), "text", {x, y, class: kind, "text-anchor": "middle"}).textContent = text;
  }
  return view.links.map(link => link[5] ? makeLine(link) : makeLink(link[4] ? link : withWay(link)));
}
// A straight arrow between two boxes, as points of a curve.
function withWay([tail, head, node, i]) {
  const [{x, y, w}] = spots[tail], [other] = spots[head], from = x + w, tip = other.x - other.w, to = other.y;
  const way = [from, y, from, y, tip - 9, to, tip - 9, to, tip, to, (from + tip) / 2, (y + to) / 2 - 9];
  return [tail, head, node, i, way.join(" ")];
}
// A line is as wide as its weight is large; a negative weight is dashed, one of 0 grey.  In an opened neuron it ends at its product.
function makeLine(link) {
  const [tail, head, weight, , way] = link;
  const [one] = spots[tail], [other] = spots[head], cells = drawn[head].querySelectorAll(".tg-product");
  const row = view.links.filter(link => link[5] && link[1] === head).findIndex(link => link[2] === weight);
  const to = cells[row] ? other.y + cells[row].y.baseVal[0].value - 4.5 : other.y;
  const line = element(byId("links"), "path", {
    d: way ? way.replace(/^(\S+ \S+)/, "M$1 C") : `M${one.x + one.w} ${one.y} L${other.x - other.w} ${to}`});
  const title = element(line, "title", {});
  line.onclick = () => { byId("found").textContent = title.textContent; };        // a finger points at nothing
  function show(kind, n, k) {
    const [, , , , , width, product] = link, {name, data} = nodes[weight];
    const sign = /^−?0$/.test(data) ? "zero" : width < 0 ? "minus" : "plus";
    line.setAttribute("class", `tg-line tg-${sign}`);
    line.setAttribute("stroke-width", Math.abs(width));
    line.toggleAttribute("stroke-dasharray", sign === "minus");
    if (sign === "minus") line.setAttribute("stroke-dasharray", "6 4");
    const isHere = head === boxOf[n], parent = nodes[n]?.parents?.[k], gradient = state.grads[weight];
    line.classList.toggle("now", kind === "f" && isHere);
    line.classList.toggle("back", kind === "b" && (parent === weight || isHere && tail === boxOf[parent]));
    const isFed = product && state.done[boxes[tail].shows] && (state.done[boxes[head].shows] || !predict.isOn());
    const told = isFed ? say("product", {weight: name, data, product}) : `${name} = ${data}`;
    write(gradient ? say("with_gradient", {box: told, gradient}) : told, title);
    write(product, cells[row]);
    cells[row]?.setAttribute("visibility", isFed && state.done[boxes[head].shows] ? "visible" : "hidden");
  }
  return {tail, head, show};
}
// A neuron opens to what it computes, and folds again.
function openNeuron(b) {
  const base = views.findIndex(v => v.headings), {opened} = view;
  if (opened === undefined && !boxes[b]?.inside) return;
  showView(base, opened === undefined ? withOpened(b, views[base]) : views[base]);
  const here = boxOf[state.event?.[1]], own = boxes[b].inside?.boxes.map(([inner]) => inner);
  const to = opened ?? (own.includes(here) ? here : own[0]);
  follow([to]);
  drawn[to].focus();
}
const innerBox = (b, n) => boxes[b].inside.boxes.map(([inner]) => inner).find(inner => boxes[inner].nodes.includes(n));
// What stands behind the neuron makes room to the right, what stands in its column up and down.
function withOpened(b, base) {
  const {size, boxes: own, links} = boxes[b].inside, {x: left, y: middle, w, h} = spots[b][0];
  const right = size[0] - 2 * w, down = Math.max(0, size[1] / 2 - h);
  const moved = (x, y) => [
    x > left + 1 ? x + right : x, y + down * (Math.abs(x - left) < 1 ? 1 + Math.sign(y - middle) : 1)];
  const inside = (x, y) => [x + left - w, y + middle + down - size[1] / 2];
  const along = (way, move) => way.match(/\S+ \S+/g).map(pair => move(...pair.split(" ").map(Number)).join(" ")).join(" ");
  const isBehind = tail => spots[tail][0].x > left + 1;
  return {
    ...base, opened: b, size: [base.size[0] + right, base.size[1] + 2 * down],
    headings: base.headings.map(([x, y, ...text]) => [moved(x, 0)[0], y, ...text]),
    boxes: [...base.boxes.filter(([other]) => other !== b).map(([other, x, y]) => [other, ...moved(x, y)]),
      ...own.map(([inner, x, y]) => [inner, ...inside(x, y)])],
    links: [...links, ...base.links.map(([tail, head, n, i, way, ...line]) => [
        tail === b ? innerBox(b, boxes[b].shows) : tail, head === b ? innerBox(b, n) ?? own[0][0] : head, n, i,
        way && isBehind(tail) && head !== b ? along(way, moved) : "", ...line])],
  };
}
