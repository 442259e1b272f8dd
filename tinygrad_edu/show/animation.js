// A training, epoch by epoch: what the network answers, the examples, and the losses beside them.
const {frames, points, shapes, across, up, classes, features, levels, resolution} = data;
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
const LEFT = 68, ROOM = 466, WIDE = LEFT + ROOM + 8, isPlane = data.kind === "classes";
const HEIGHT = Math.round(ROOM * (isPlane ? Math.min(data.network ? .8 : .9, Math.max(.55, (up[1] - up[0]) / (across[1] - across[0]))) : .62));

function put(parent, name, attributes = {}, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  made.textContent = text;
  return parent.appendChild(made);
}
function write(parent, name, text) {
  const made = parent.appendChild(document.createElement(name));
  made.textContent = text;
  return made;
}
const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
const known = x => x !== null && x !== undefined;
const path = spots => spots.map(([x, y], i) => (i ? "L" : "M") + x.toFixed(1) + " " + y.toFixed(1)).join("");

// ---- axes

function ticks(low, high) {
  const rough = (high - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find(by => by * power >= rough), found = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) found.push(+(i * step).toPrecision(6));
  return found;
}
const raised = power => [...power].map(digit => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit] ?? "⁻").join("");
const inFew = at => !/e|.{7}/.test(at) ? at : at.toExponential().replace("+", "").replace(/^1e(.*)/, (_, power) => "10" + raised(power));
function axes(svg, width, height, xs, ys, x, y, names) {
  for (const at of xs) {
    put(svg, "line", {class: "tick", x1: x(at), x2: x(at), y1: height, y2: height + 5});
    put(svg, "text", {class: "middle", x: x(at), y: height + 18}, inFew(at));
  }
  for (const at of ys) {
    put(svg, "line", {class: "tick", x1: LEFT - 5, x2: LEFT, y1: y(at), y2: y(at)});
    put(svg, "text", {class: "up", x: LEFT - 8, y: y(at) + 4}, inFew(at));
  }
  put(svg, "text", {class: "middle", x: LEFT + width / 2, y: height + 35}, names[0]);
  put(svg, "text", {class: "middle", transform: `translate(8 ${height / 2}) rotate(-90)`}, names[1]);
  put(svg, "rect", {class: "frame", x: LEFT, y: 0, width, height});
}
const linear = (low, high, from, to) => x => from + (to - from) * (x - low) / (high - low);

// ---- the examples, and what the network answers

const picture = put(byId("picture"), "svg", {viewBox: `0 0 ${WIDE} ${HEIGHT + 40}`, role: "img", "aria-labelledby": "what sentence"});
const x = linear(...across, LEFT, LEFT + ROOM), y = linear(...up, HEIGHT, 0);
const inside = put(picture, "svg", {x: LEFT, y: 0, width: ROOM, height: HEIGHT, viewBox: `${LEFT} 0 ${ROOM} ${HEIGHT}`});
axes(picture, ROOM, HEIGHT, ticks(...across), ticks(...up), x, y, features);
const border = isPlane && put(inside, "path", {class: "border"});
const examples = points.map(([a, b, kind]) => put(inside, "path", {d: shapes[kind % 8], transform: `translate(${x(a)} ${y(b)})`}));
const curve = !isPlane && put(inside, "path", {class: "curve"});
const exampleClass = (kind, wrong) => "example c" + kind % 8 + (wrong ? " wrong" : "");

const canvas = byId("answers");
Object.assign(canvas.style, {left: 100 * LEFT / WIDE + "%", top: 0, width: 100 * ROOM / WIDE + "%", height: 100 * HEIGHT / (HEIGHT + 40) + "%"});

// By how much each class is ahead at each point of the grid: positive where it wins.
function fields(cells) {
  return classes.map((_, kind) => Float32Array.from(cells, byte => {
    const level = (byte % levels + .5) / levels, margin = 4 * level / (1 - level);
    return Math.floor(byte / levels) === kind ? margin : -margin;
  }));
}
const ink = kind => getComputedStyle(document.documentElement).getPropertyValue("--c" + kind).trim().slice(1).match(/../g).map(hex => parseInt(hex, 16));
// Between the points of the grid a field is a mean of its four neighbours; rows of pixels from above.
function smooth(field, side, size) {
  const pixels = new Float32Array(size * size), last = side - 1;
  for (let row = 0, at = 0; row < size; row++) {
    const v = last * (1 - (row + .5) / size), j = Math.min(Math.floor(v), last - 1), above = v - j;
    for (let column = 0; column < size; column++, at++) {
      const u = last * (column + .5) / size, i = Math.min(Math.floor(u), last - 1), right = u - i, corner = j * side + i;
      pixels[at] = (1 - above) * ((1 - right) * field[corner] + right * field[corner + 1])
        + above * ((1 - right) * field[corner + side] + right * field[corner + side + 1]);
    }
  }
  return pixels;
}
// The class ahead colours the pixel.
function paint(all) {
  const size = canvas.width, image = new ImageData(size, size), inks = classes.map((_, kind) => ink(kind % 8)), heights = all.map(field => smooth(field, resolution, size));
  for (let pixel = 0, at = 0; pixel < size * size; pixel++, at += 4) {
    let best = -Infinity, winner = 0;
    heights.forEach((height, kind) => { if (height[pixel] > best) { best = height[pixel]; winner = kind; } });
    image.data.set(inks[winner], at);
    image.data[at + 3] = 30 + 90 * Math.tanh(Math.max(0, best) / 2);
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}
// The lines where a class comes ahead, square by square of the grid.
function borders(all) {
  const spots = [], last = resolution - 1;
  const place = (i, j) => [LEFT + ROOM * i / last, HEIGHT * (1 - j / last)];
  for (const f of all.length === 2 ? all.slice(1) : all) {
    for (let j = 0; j < last; j++) for (let i = 0; i < last; i++) {
      const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]], crossed = [];
      corners.forEach(([a, b], k) => {
        const [c, d] = corners[(k + 1) % 4], one = f[b * resolution + a], two = f[d * resolution + c], t = one / (one - two);
        if (one > 0 !== two > 0) crossed.push(place(a + t * (c - a), b + t * (d - b)));
      });
      for (let k = 0; k + 1 < crossed.length; k += 2) spots.push(path(crossed.slice(k, k + 2)));
    }
  }
  return spots.join("");
}
function answer(frame) {
  if (isPlane) {
    const all = fields(bytes(frame.cells)), wrong = bytes(frame.wrong);
    paint(all);
    border.setAttribute("d", borders(all));
    examples.forEach((mark, i) => mark.setAttribute("class", exampleClass(points[i][2], wrong[i >> 3] >> i % 8 & 1)));
    return examples.filter(mark => mark.classList.contains("wrong")).length;
  }
  const apart = linear(0, frame.curve.length - 1, LEFT, LEFT + ROOM);
  const far = at => Math.max(-HEIGHT, Math.min(2 * HEIGHT, at));
  curve.setAttribute("d", path(frame.curve.flatMap((height, i) => known(height) ? [[apart(i), far(y(height))]] : [])));
  examples.forEach(mark => mark.setAttribute("class", exampleClass(0)));
}
function key(shape, style, text, list = "key") {
  const item = byId(list).appendChild(document.createElement("li"));
  put(put(item, "svg", {viewBox: "-8 -8 16 16", "aria-hidden": "true"}), "path", {d: shape, class: style});
  item.append(text);
}
document.body.classList.add("kind-" + data.kind);
byId("what").textContent = say(isPlane ? "answers" : "curve");
classes.forEach((name, kind) => key(shapes[kind % 8], exampleClass(kind), name));
if (isPlane) key(shapes[0], "example wrong c6", say("outlined"));
if (isPlane) write(byId("key"), "li", say("surer")).className = "quiet";
if (!isPlane) key(shapes[0], "example c0", say("examples")), key("M-8 0h16", "curve", say("network"));

// ---- losses

const last = frames.at(-1).epoch, ACROSS = 320, LOW = 170, lines = {};
const losses = put(byId("losses"), "svg", {viewBox: `0 -8 ${LEFT + ACROSS + 8} ${LOW + 48}`, role: "img", "aria-label": say("losses_of_epochs")});
const drawn = [...data.loss, ...data.validation_loss].filter(known);
const isLog = Math.min(...drawn) > 0 && Math.max(...drawn) >= 100 * Math.min(...drawn);
const scaled = isLog ? Math.log10 : at => at;
const lowest = isLog ? Math.log10(Math.min(...drawn)) : Math.min(0, ...drawn), highest = scaled(Math.max(...drawn));
const epochAt = linear(0, Math.max(1, data.loss.length - 1), LEFT, LEFT + ACROSS);
const lossAt = at => linear(lowest, highest > lowest ? highest : lowest + 1, LOW, 8)(scaled(at));
function lossTicks() {
  if (!isLog) return ticks(lowest, highest > lowest ? highest : lowest + 1);
  return ticks(lowest, highest).filter(Number.isInteger).map(power => +(10 ** power).toPrecision(1));
}
axes(losses, ACROSS, LOW, ticks(0, Math.max(1, data.loss.length - 1)).filter(Number.isInteger), lossTicks(), epochAt, lossAt, [say("epoch"), say(isLog ? "loss_logarithmic" : "loss")]);
const now = put(losses, "line", {class: "now", y1: 0, y2: LOW});
const table = byId("numbers"), head = table.createTHead().insertRow();
for (const name of ["examples", "loss", ...data.accuracy.length ? ["accuracy"] : []]) write(head, "th", say(name)).scope = "col";
for (const [name, list, rights] of [["training", data.loss, data.accuracy], ["validation", data.validation_loss, data.validation_accuracy]]) {
  if (!list.length) continue;
  const spots = to => path(list.slice(0, to + 1).flatMap((at, i) => known(at) ? [[epochAt(i), lossAt(at)]] : []));
  put(losses, "path", {class: `loss ahead ${name}`, d: spots(list.length)});
  const row = table.appendChild(table.tBodies[0] || document.createElement("tbody")).insertRow(), heading = write(row, "th", "");
  put(put(heading, "svg", {viewBox: "0 -7 28 14", "aria-hidden": "true"}), "path", {class: "loss " + name, d: "M0 0H28"});
  heading.scope = "row";
  heading.append(say(name));
  lines[name] = {list, rights, spots, drawn: put(losses, "path", {class: "loss " + name}), dot: put(losses, "circle", {class: name, r: 4.5}),
    cells: [row.insertCell(), ...rights.length ? [row.insertCell()] : []]};
}
const decimals = at => known(at) ? at !== 0 && Math.abs(at) < .001 ? at.toExponential(2) : at.toFixed(4) : say("not_finite");
const percent = at => known(at) ? say("percent", {number: (100 * at).toFixed(1)}) : "—";
function measure(epoch) {
  now.setAttribute("x1", epochAt(epoch));
  now.setAttribute("x2", epochAt(epoch));
  for (const {list, rights, spots, drawn, dot, cells} of Object.values(lines)) {
    drawn.setAttribute("d", spots(epoch));
    dot.setAttribute("visibility", known(list[epoch]) ? "visible" : "hidden");
    if (known(list[epoch])) dot.setAttribute("cx", epochAt(epoch)), dot.setAttribute("cy", lossAt(list[epoch]));
    cells[0].textContent = decimals(list[epoch]);
    if (cells[1]) cells[1].textContent = percent(rights[epoch]);
  }
}
