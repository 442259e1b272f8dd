// The player.  A place of the slider is how far both passes have come: events 0 to place - 1 are done.
const {nodes, events, boxes, views} = data;
const MARK = 0xE000, SVG = "http://www.w3.org/2000/svg", graph = byId("graph"), stage = byId("stage");
const drawn = [...byId("boxes").children], escaped = text => text.replace(/[&<>"]/g, c => `&#${c.charCodeAt()};`);
const turn = events.findIndex(e => e[0] === "s");
let view = null, boxOf = [], links = [], state = null, frame = [0, 0, 1];     // left, top, pixels per point
const measured = () => [stage.clientWidth || 800, stage.clientHeight || 400];
let size = measured();                  // kept, since asking for it in every step would lay out the page anew

// ---- what is known at a place

function stateAt(place) {
  const done = nodes.map(n => !n.parents), grads = {}, heard = {};
  for (const [kind, n, k, after, taken] of events.slice(0, place)) {
    if (kind === "f") done[n] = true;
    else if (kind === "s") grads[n] = k;
    else {
      const parent = nodes[n].parents[k], before = grads[parent] ?? "0";
      grads[parent] = after;
      (heard[parent] ??= []).push({from: n, before, up: grads[n], local: nodes[n].local[k], taken});
    }
  }
  return {place, done, grads, heard, event: events[place - 1]};
}
const expected = {};                    // how many contributions each node gets
for (const [kind, n, k] of events) if (kind === "b") expected[nodes[n].parents[k]] = (expected[nodes[n].parents[k]] ?? 0) + 1;

// ---- formulas

const number = (text, kind) => `<mn class="${kind}">${text}</mn>`;
const fence = (text, kind) => text[0] === "−" ? `<mo>(</mo>${number(text, kind)}<mo>)</mo>` : number(text, kind);
const term = (n, inside) => `<mrow class="term" data-node="${n}">${inside}</mrow>`;
const name = n => term(n, nodes[n].loose ? `<mo>(</mo>${nodes[n].maths}<mo>)</mo>` : nodes[n].maths);
const fill = (maths, inside) => maths.replace(/[\ue000-\uf8ff]/g, c => inside(c.charCodeAt() - MARK));
const symbols = both => fill(both[0], n => term(n, nodes[n].maths));
const numbers = both => fill(both[1] ?? both[0], n => term(n, number(nodes[n].data, "data")));
const grad = n => name(n) + '<mtext class="grad">.grad</mtext>';
const slope = (n, k) => `<mfrac><mrow><mo>∂</mo>${name(n)}</mrow><mrow><mo>∂</mo>${name(nodes[n].parents[k])}</mrow></mfrac>`;
const asText = n => nodes[n].loose ? `(${nodes[n].name})` : nodes[n].name;
const twice = (n, k) => nodes[n].parents.filter(p => p === nodes[n].parents[k]).length > 1 ? ` (input ${k + 1})` : "";

function forwardLines(n) {
  const {call, name: own, made, data, maths} = nodes[n], result = `<mo>=</mo>${number(data, "data")}`;
  const left = own === made ? "" : `${term(n, maths)}<mo>=</mo>`;
  return [left + symbols(call), `${left && "<mspace width='1em'/>"}<mo>=</mo>${numbers(call)}${result}`];
}
function backwardLines(n, k, after, taken) {
  const {before, up, local} = state.heard[nodes[n].parents[k]].at(-1), {why, parents} = nodes[n], to = parents[k];
  const reason = why.length ? why[Math.min(k, why.length - 1)] : [], because = reason.length && /[<\ue000-\uf8ff]/.test(reason[0]);
  const inserted = because && /[\ue000-\uf8ff]/.test(reason[0]) ? `<mo>=</mo>${numbers(reason)}` : "";
  const same = reason.length && symbols(reason).replace(/<[^>]*>/g, "") === local;
  const plain = inserted && numbers(reason).replace(/<[^>]*>/g, "") === local;
  return [
    `${grad(to)}<mo>+=</mo>${grad(n)}<mo>×</mo>${slope(n, k)}<mtext>${twice(n, k)}</mtext>`,
    `<mspace width='1em'/>${number(before, "grad")}<mo>+</mo>${fence(up, "grad")}<mo>×</mo>${fence(local, "grad")}<mo>=</mo>${number(after, "grad")}`,
    `<mtext class="quiet">because</mtext><mspace width='.4em'/>${slope(n, k)}${same || !because ? "" : `<mo>=</mo>${symbols(reason)}`}${plain ? "" : inserted}<mo>=</mo>${number(local, "grad")}`,
  ];
}
const what = {
  f: n => `computes <b>${escaped(nodes[n].name)}</b> from its inputs`,
  s: n => `starts at <b>${escaped(nodes[n].name)}</b>: its own derivative`,
  b: (n, k, _, taken) => taken ? `<b>${escaped(nodes[n].name)}</b> passes its gradient on to <b>${escaped(nodes[nodes[n].parents[k]].name)}</b>`
    : `<b>${escaped(nodes[n].name)}</b> did not choose <b>${escaped(nodes[nodes[n].parents[k]].name)}</b>: nothing is passed on`,
};
const signed = (text, i) => i && text[0] === "−" ? `(${text})` : text;
function heardSoFar(to) {
  const parts = state.heard[to], all = expected[to];
  if (all < 2) return "";
  const shown = parts.slice(-6).map((p, i) => `${signed(p.up, i)} × ${signed(p.local, 1)}`).join(" + ");
  return `${asText(to)} is used ${all} times, so its gradient is a sum; ${parts.length} of ${all} so far: ${parts.length > 6 ? "… + " : ""}${shown} = ${state.grads[to]}`;
}
function sentence(place) {
  if (!place) return "start: the leaves have their numbers, nothing is computed yet";
  const [kind, n, k, after] = events[place - 1], {made, name: own, numbers: put, data, parents, local} = nodes[n];
  if (kind === "f") return `${made === own ? made : `${own} = ${made}`} = ${put} = ${data}`;
  if (kind === "s") return `∂${asText(n)}/∂${asText(n)} = ${k}`;
  const {before, up} = (place === state.place ? state : stateAt(place)).heard[parents[k]].at(-1), to = asText(parents[k]);
  return `${to}.grad += ${asText(n)}.grad × ∂${asText(n)}/∂${to}${twice(n, k)} → ${before} + ${up} × ${local[k]} = ${after}`;
}
function showPanel() {
  const [kind, n, k, after, taken] = state.event ?? [];
  const lines = kind === "f" ? forwardLines(n) : kind === "b" ? backwardLines(n, k, after, taken)
    : kind === "s" ? [`<mfrac><mrow><mo>∂</mo>${name(n)}</mrow><mrow><mo>∂</mo>${name(n)}</mrow></mfrac><mo>=</mo>${number(k, "grad")}`] : [];
  byId("what").innerHTML = kind ? `<span class="pass ${kind}">${kind === "f" ? "forward" : "backward"}</span> ${what[kind](n, k, after, taken)}`
    : "Before the first step: the leaves have their numbers. Press ▶ or →.";
  byId("lines").innerHTML = lines.map(line => `<div><math displaystyle="true">${line}</math></div>`).join("");
  byId("heard").textContent = kind === "b" ? heardSoFar(nodes[n].parents[k]) : "";
  byId("say").textContent = `Step ${state.place}: ${sentence(state.place)}`;
}

// ---- the picture

function element(parent, kind, attributes) {
  const made = parent.appendChild(document.createElementNS(SVG, kind));
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  return made;
}
function arrow(x, y, tipX, tipY) {
  const length = Math.hypot(x - tipX, y - tipY) || 1, dx = 3.5 * (y - tipY) / length, dy = 3.5 * (tipX - x) / length;
  return `${x + dx},${y + dy} ${tipX},${tipY} ${x - dx},${y - dy}`;
}
function backArrow([x, y], [nextX, nextY]) {
  const length = Math.hypot(nextX - x, nextY - y) || 1;
  return arrow(x + 9 * (nextX - x) / length, y + 9 * (nextY - y) / length, x, y);
}
function makeLink([tail, head, node, i, numbers]) {
  const all = numbers.split(" ").map(Number), points = [];
  while (all.length) points.push(all.splice(0, 2));
  const label = points.pop(), tip = points.pop(), group = element(byId("links"), "g", {class: "tg-edge"});
  element(group, "path", {d: `M${points[0].join(" ")} C${points.slice(1).join(" ")} L${tip}`});
  element(group, "polygon", {points: arrow(...points.at(-1), ...tip), class: "ahead"});
  element(group, "polygon", {points: backArrow(points[0], points[1]), class: "behind"});
  const text = element(group, "text", {class: "tg-local", "text-anchor": "middle", x: label[0], y: label[1] + 4});
  return {tail, head, node, i, group, text};
}
const texts = drawn.map(box => ({
  title: element(box, "title", {}), data: box.querySelector(".tg-data"), grad: box.querySelector(".tg-grad")}));
function showView(k) {
  view = views[k];
  byId("view").value = k;
  byId("links").replaceChildren();
  for (const box of drawn) box.setAttribute("display", "none");
  boxOf = [];
  for (const [b, x, y] of view.boxes) {
    drawn[b].setAttribute("transform", `translate(${x} ${y})`);
    drawn[b].removeAttribute("display");
    for (const n of boxes[b].nodes) boxOf[n] = b;
  }
  links = view.links.map(makeLink);
  stage.style.height = `min(56vh, ${Math.round(view.size[1] * Math.min(1.25, measured()[0] / view.size[0])) + 24}px)`;
  size = measured();
  zoom(fitting() < 0.55 ? 0.75 : Math.min(1.25, fitting()));
  if (state) showPicture();
}
function write(text, element) {
  if (element && element.textContent !== text) element.textContent = text;
}
function showPicture() {
  const [kind, n, k] = state.event ?? [], to = kind === "b" ? nodes[n].parents[k] : n, receives = boxOf[to];
  for (const [b] of view.boxes) {
    const {shows, name: title, nodes: members, origin} = boxes[b], one = shows >= 0 && nodes[shows], known = one && state.done[shows];
    const value = known ? one.data : "—", gradient = state.grads[shows] ?? "—";
    if (one) write(value, texts[b].data), write(gradient, texts[b].grad);
    const told = `${title}${known ? `: ${value}` : ""}${gradient === "—" ? "" : `, gradient ${gradient}`}${origin ? `, made at ${origin}` : ""}`;
    if (texts[b].title.textContent !== told) {
      texts[b].title.textContent = told;
      drawn[b].setAttribute("aria-label", told);
    }
    const inputs = kind === "f" ? nodes[n].parents : kind === "b" ? [n] : [];
    drawn[b].classList.toggle("now", b === receives && kind === "f");
    drawn[b].classList.toggle("gains", b === receives && !!kind && kind !== "f");
    drawn[b].classList.toggle("from", b !== receives && inputs.some(i => boxOf[i] === b));
    drawn[b].classList.toggle("later", !members.some(i => state.done[i]));
  }
  for (const link of links) showLink(link, kind, n, k);
  follow([receives, ...(kind === "b" ? [boxOf[n]] : [])].filter(b => b !== undefined));
}
function showLink({tail, head, node, i, group, text}, kind, n, k) {
  const single = i >= 0, inside = single ? node === n : head === boxOf[n];
  const back = kind === "b" && inside && (single ? i === k : tail === boxOf[nodes[n].parents[k]]);
  const {local, parents} = nodes[node], last = back && state.heard[nodes[n].parents[k]].at(-1);
  group.classList.toggle("back", back);
  group.classList.toggle("now", back || kind === "f" && inside && (single || nodes[n].parents.some(p => boxOf[p] === tail)));
  const silent = !single || !local || nodes[parents[i]].constant || !state.done[node];
  write(silent ? "" : back ? `${last.up} × ${last.local}` : `∂ ${local[i]}`, text);
}

// ---- zoom, pan, find

const fitting = () => Math.min(...size.map((length, axis) => length / view.size[axis]));
function moveTo([left, top, scale]) {
  const [w, h] = size, room = (at, length, shown) => shown >= length ? (length - shown) / 2 : Math.max(-40, Math.min(at, length - shown + 40));
  frame = [room(left, view.size[0], w / scale), room(top, view.size[1], h / scale), scale];
  graph.setAttribute("viewBox", `${frame[0] - 12} ${frame[1] - 12} ${w / scale} ${h / scale}`);
  for (const [key, x] of [["x", frame[0] - 12], ["y", frame[1] - 12], ["width", w / scale], ["height", h / scale]]) byId("ground").setAttribute(key, x);
}
function zoom(scale, [x, y] = size.map(length => length / 2)) {
  const [left, top, old] = frame, to = Math.max(0.1, Math.min(4, scale));
  moveTo([left + x / old - x / to, top + y / old - y / to, to]);
}
function follow(wanted) {
  const out = ([, x, y]) => {
    const [left, top, scale] = frame;
    return x < left + 60 || y < top + 30 || x > left + size[0] / scale - 90 || y > top + size[1] / scale - 50;
  };
  const centres = wanted.map(b => view.boxes.find(([other]) => other === b)), [, , scale] = frame;
  const centre = (x, y) => moveTo([x - size[0] / scale / 2, y - size[1] / scale / 2, scale]);
  const middle = axis => centres.reduce((sum, c) => sum + c[axis], 0) / centres.length;
  if (centres.some(out)) centre(middle(1), middle(2));
  if (centres.length && out(centres[0])) centre(centres[0][1], centres[0][2]);
}
function drag(event) {
  const [left, top, scale] = frame, {clientX, clientY} = event;
  const move = e => moveTo([left - (e.clientX - clientX) / scale, top - (e.clientY - clientY) / scale, scale]);
  const end = () => { removeEventListener("pointermove", move); removeEventListener("pointerup", end); };
  if (event.target.closest(".tg-node") || event.button) return;
  addEventListener("pointermove", move);
  addEventListener("pointerup", end);
}
let matches = [];
function find() {
  const wanted = byId("find").value.trim().toLowerCase(), hit = n => (nodes[n].name + " " + (nodes[n].made ?? "")).toLowerCase().includes(wanted);
  matches = wanted ? view.boxes.map(([b]) => b).filter(b => boxes[b].name.toLowerCase().includes(wanted) || boxes[b].nodes.some(hit)) : [];
  drawn.forEach((box, b) => box.classList.toggle("found", matches.includes(b)));
  byId("found").textContent = wanted ? `${matches.length} found` : "";
  if (matches.length) follow([matches[0]]);
}

// ---- the user

const concerns = (e, n) => e[0] === "b" ? nodes[e[1]].parents[e[2]] === n : e[1] === n;
function jump(b) {
  const isHere = e => boxes[b].nodes.some(n => concerns(e, n)), now = steps.at;
  const next = events.findIndex((e, i) => i >= now && isHere(e)), first = events.findIndex(isHere);
  if (first >= 0) steps.go((next >= 0 ? next : first) + 1);
  else byId("say").textContent = `${boxes[b].name} is a constant: no step is its own`;
}
function openLayer(b) {
  const layers = views.findIndex(v => v.name === "layers"), k = boxes[b]?.opens;
  if (k !== undefined && layers >= 0) showView(views[k] === view ? layers : k);
}
function light(node, on) {
  const box = drawn[boxOf[node]];
  box?.classList.toggle("lit", on);
}
function lightTerms(b, on) {
  for (const t of document.querySelectorAll(".term")) t.classList.toggle("lit", on && boxes[b].nodes.includes(+t.dataset.node));
}
drawn.forEach((box, b) => {
  box.setAttribute("role", "button");
  box.setAttribute("tabindex", 0);
  box.addEventListener("click", event => event.detail > 1 ? openLayer(b) : jump(b));
  box.addEventListener("keydown", event => {
    if (event.key === "Enter" || event.key === " ") { jump(b); event.preventDefault(); event.stopPropagation(); }
    if (event.key === "o") { openLayer(b); event.stopPropagation(); }
  });
  for (const [kind, on] of [["mouseenter", true], ["mouseleave", false], ["focus", true], ["blur", false]]) box.addEventListener(kind, () => lightTerms(b, on));
});
for (const [kind, on] of [["mouseover", true], ["mouseout", false]]) byId("lines").addEventListener(kind, event => {
  const found = event.target.closest(".term");
  if (found) light(+found.dataset.node, on);
});
stage.addEventListener("pointerdown", drag);
stage.addEventListener("wheel", event => {
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  const {left, top} = stage.getBoundingClientRect();
  zoom(frame[2] * Math.exp(-event.deltaY / 300), [event.clientX - left, event.clientY - top]);
}, {passive: false});
new ResizeObserver(() => {
  size = measured();
  moveTo(frame);
}).observe(stage);
const larger = () => zoom(frame[2] * 1.25), smaller = () => zoom(frame[2] / 1.25), fit = () => zoom(fitting());
const pan = (x, y) => moveTo([frame[0] + x / frame[2], frame[1] + y / frame[2], frame[2]]);
byId("in").onclick = larger; byId("out").onclick = smaller; byId("fit").onclick = fit;
byId("turn").onclick = () => steps.go(turn);
views.forEach((v, k) => byId("view").add(new Option(v.name, k)));
byId("views").hidden = views.length < 2;
byId("view").onchange = event => { showView(+event.target.value); find(); };
byId("find").oninput = find;
byId("find").onkeydown = event => {
  if (event.key === "Escape") { event.target.value = ""; find(); }
  if (event.key === "Enter" && matches.length) { matches.push(matches.shift()); jump(matches.at(-1)); follow([matches.at(-1)]); }
};
const keys = {f: () => steps.go(turn), "+": larger, "=": larger, "-": smaller, "0": fit, "/": () => byId("find").focus(),
  ArrowLeft: () => pan(-80, 0), ArrowRight: () => pan(80, 0), ArrowUp: () => pan(0, -80), ArrowDown: () => pan(0, 80),
  o: () => state.event && openLayer(boxOf[state.event[1]])};
document.addEventListener("keydown", event => {
  if (event.target.matches("input:not([type=range]),select") || event.ctrlKey || event.altKey || event.metaKey || !keys[event.key]) return;
  if (event.key.startsWith("Arrow") && !event.shiftKey) return;
  keys[event.key]();
  event.preventDefault();
});
byId("all").ontoggle = () => {
  if (byId("list").children.length) return;
  const write = text => { const b = document.createElement("button"); b.textContent = text; const li = document.createElement("li"); li.append(b); return li; };
  byId("list").append(...[...Array(events.length + 1).keys()].map(i => { const li = write(sentence(i)); li.firstChild.onclick = () => steps.go(i); return li; }));
};
showView(data.first);
const steps = transport(events.length + 1, place => {
  state = stateAt(place);
  showPanel();
  showPicture();
  return byId("say").textContent;
});
steps.go(0);
