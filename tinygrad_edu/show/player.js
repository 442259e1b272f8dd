// The player.  A place of the slider is how far both passes have come: events 0 to place - 1 are done.
const {nodes, events, boxes, views} = data;
const MARK = 0xE000, SVG = "http://www.w3.org/2000/svg", graph = byId("graph"), stage = byId("stage");
const drawn = [...byId("boxes").children], escaped = text => text.replace(/[&<>"]/g, c => `&#${c.charCodeAt()};`);
const turn = events.findIndex(e => e[0] === "s");
let view = null, boxOf = [], links = [], state = null, active = [], pointed = -1;
let frame = [0, 0, 1];     // left, top, pixels per point
const measured = () => [stage.clientWidth || 800, stage.clientHeight || 400];
let size = measured();                  // kept, since asking for it in every step would lay out the page anew

// ---- what is known at a place

function stateAt(place) {
  const done = nodes.map(n => !n.parents), grads = {}, heard = {};
  for (const [kind, n, k, after, behind] of events.slice(0, place)) {
    if (kind === "f") done[n] = true;
    else if (kind === "s") grads[n] = k;
    else if (kind === "z") for (const node of behind) grads[node] = after;
    else {
      const parent = nodes[n].parents[k], before = grads[parent] ?? "0";
      grads[parent] = after;
      (heard[parent] ??= []).push({before, up: grads[n], local: nodes[n].local[k]});
    }
  }
  return {place, done, grads, heard, event: events[place - 1]};
}
const expected = {};                    // how many contributions each node gets
for (const [kind, n, k] of events) {
  const to = nodes[n].parents?.[k];
  if (kind === "b") expected[to] = (expected[to] ?? 0) + 1;
}

// ---- formulas as MathML, in which each node is a term that can be lit

const number = (text, kind) => `<mn class="${kind}">${text}</mn>`;
const inParentheses = maths => `<mo>(</mo>${maths}<mo>)</mo>`;
const equals = maths => `<mo>=</mo>${maths}`;
const term = (n, maths) => `<mrow class="term" data-node="${n}">${maths}</mrow>`;
const grad = n => `${name(n)}<mtext class="grad">.grad</mtext>`;
const partial = (of, by) => `<mfrac><mrow><mo>∂</mo>${name(of)}</mrow><mrow><mo>∂</mo>${name(by)}</mrow></mfrac>`;
const localDerivative = (n, k) => partial(n, nodes[n].parents[k]);

// A number as a factor: a negative one is in parentheses.
function factor(text, kind) {
  const maths = number(text, kind);
  return text[0] === "−" ? inParentheses(maths) : maths;
}
// What a node goes by; a formula of operators is in parentheses.
function name(n) {
  const {maths, loose} = nodes[n];
  return term(n, loose ? inParentheses(maths) : maths);
}
// In a formula a mark stands for a node: here `write(n)` is put in its place.
function fill(formula, write) {
  return formula.replace(/[\ue000-\uf8ff]/g, mark => write(mark.charCodeAt() - MARK));
}
// Formulas come with the parentheses that names need, and again where numbers need others.
function inSymbols([forNames]) {
  return fill(forNames, n => term(n, nodes[n].maths));
}
function inNumbers([forNames, forNumbers = forNames]) {
  return fill(forNumbers, n => term(n, number(nodes[n].data, "data")));
}
// Which arrow is meant, where a node is two inputs of another or reaches it along other ways too.
function whichArrow(n, k) {
  const {parents, again = []} = nodes[n];
  if (parents.filter(parent => parent === parents[k]).length > 1) return ` (input ${k + 1})`;
  return again.includes(k) ? " (along this arrow)" : "";
}
// A selecting operation passes nothing on along an edge that it did not choose; a product would be nan there.
function notChosen([kind, , , after, taken], up) {
  const isNamed = kind === "b" && !taken && /inf|nan/.test(up);
  return isNamed ? `${after}, since this edge was not chosen` : "";
}
const indent = "<mspace width='1em'/>", withoutTags = maths => maths?.replace(/<[^>]*>/g, "");
function forwardLines(n) {
  const {call, name: own, made, data, maths, numbers: put} = nodes[n];
  const result = (put ? equals(inNumbers(call)) : "") + equals(number(data, "data"));
  if (own === made) return [inSymbols(call), result];
  return [term(n, maths) + equals(inSymbols(call)), indent + result];
}
// A local gradient in symbols and with numbers put in, as far as that says more than its value.
function reasonFor(n, k) {
  const reason = nodes[n].why[k], value = nodes[n].local[k];
  const told = reason ? [inSymbols(reason), inNumbers(reason)].filter(maths => withoutTags(maths) !== value) : [];
  return told.filter((maths, i) => withoutTags(maths) !== withoutTags(told[i - 1])).map(equals).join("");
}
function backwardLines(n, k, after) {
  const to = nodes[n].parents[k], {before, up, local} = state.heard[to].at(-1), silence = notChosen(state.event, up);
  const product = `${factor(up, "grad")}<mo>×</mo>${factor(local, "grad")}`;
  const sum = `${number(before, "grad")}<mo>+</mo>${product}${equals(number(after, "grad"))}`;
  const because = `<mtext class="quiet">because</mtext><mspace width='.4em'/>`;
  return [
    `${grad(to)}<mo>+=</mo>${grad(n)}<mo>×</mo>${localDerivative(n, k)}<mtext>${whichArrow(n, k)}</mtext>`,
    indent + (silence ? `<mtext>${silence}</mtext>` : sum),
    because + localDerivative(n, k) + reasonFor(n, k) + equals(number(local, "grad")),
  ];
}
// Where nothing is passed on: all that is behind has the gradient 0.
function stoppedLines(after, behind) {
  const few = behind.length > 8 ? behind.slice(0, 7) : behind;
  const all = few.map(grad).join("<mo>,</mo>") + (few === behind ? "" : "<mo>,</mo><mo>…</mo>");
  return [all + equals(number(after, "grad"))];
}

// ---- sentences

const asText = n => nodes[n].factor ?? nodes[n].name;
const bold = n => `<b><bdi>${escaped(nodes[n].name)}</bdi></b>`;
const what = {
  f: n => `computes ${bold(n)} from its inputs`,
  s: (n, k, why) => `starts at ${bold(n)}: ${escaped(why)}`,
  b: (n, k, _, taken) => `${bold(n)} passes ${taken ? "its gradient" : "nothing"} on to ${bold(nodes[n].parents[k])}`
    + (nodes[n].words ? `: ${escaped(nodes[n].words[k])}` : ""),
  z: (n, k, _, behind, words) => `${escaped(words)}: ${zeros}`,
};
const zeros = "what arrives is 0, so everything behind it gets 0";
const signed = (text, i) => i && text[0] === "−" ? `(${text})` : text;
function heardSoFar(to) {
  const parts = state.heard[to], all = expected[to];
  if (all < 2) return "";
  const shown = parts.slice(-6).map((p, i) => `${signed(p.up, i)} × ${signed(p.local, 1)}`).join(" + ");
  if (parts.some(p => /inf|nan/.test(p.up))) return "";
  const sum = (parts.length > 6 ? "… + " : "") + `${shown} = ${state.grads[to]}`;
  return `${asText(to)} is used ${all} times, so its gradient is a sum; ${parts.length} of ${all} so far: ${sum}`;
}
function sentence(place) {
  if (!place) return "start: the leaves have their numbers, nothing is computed yet";
  const [kind, n, k, after, behind, words] = events[place - 1];
  const {made, name: own, numbers: put, data, parents, local} = nodes[n];
  if (kind === "f") return `${made === own ? made : `${own} = ${made}`}${put ? ` = ${put}` : ""} = ${data}`;
  if (kind === "s") return `${k === "1" ? `∂${asText(n)}/∂${asText(n)}` : `${asText(n)}.grad`} = ${k}`;
  if (kind === "z") return `${words}: ${zeros}: ${behind.map(node => `${asText(node)}.grad`).join(", ")} = ${after}`;
  const {heard} = place === state.place ? state : stateAt(place), to = asText(parents[k]);
  const {before, up} = heard[parents[k]].at(-1);
  const sum = notChosen(events[place - 1], up) || `${before} + ${up} × ${local[k]} = ${after}`;
  return `${to}.grad += ${asText(n)}.grad × ∂${asText(n)}/∂${to}${whichArrow(n, k)} → ${sum}`;
}
function showPanel() {
  const [kind, n, k, after, taken, words] = state.event ?? [];
  const lines = kind === "f" ? forwardLines(n) : kind === "b" ? backwardLines(n, k, after)
    : kind === "s" ? [(k === "1" ? partial(n, n) : grad(n)) + equals(number(k, "grad"))] : kind === "z" ? stoppedLines(after, taken) : [];
  const count = `<span class="count">step ${state.place} of ${events.length}</span>`;
  const pass = `<span class="pass ${kind === "z" ? "b" : kind}">${kind === "f" ? "forward" : "backward"}</span> `;
  byId("what").innerHTML = count + (kind ? pass + what[kind](n, k, after, taken, words)
    : "Before the first step: the leaves have their numbers. Press ▶ or →.");
  byId("lines").innerHTML = lines.map(line => `<div><math displaystyle="true">${line}</math></div>`).join("");
  byId("heard").textContent = kind === "b" ? heardSoFar(nodes[n].parents[k]) : "";
  byId("say").textContent = `Step ${state.place}: ${sentence(state.place)}`;
  for (const box of byId("boxes").querySelectorAll(".lit")) box.classList.remove("lit");
  if (pointed >= 0) lightTerms(pointed, true);
  markLine();
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
  const [kind, n, k, , behind] = state.event ?? [], from = kind === "b" || kind === "z";
  const receives = boxOf[from ? nodes[n].parents[k] : n], zeroed = kind === "z" ? behind.map(i => boxOf[i]) : [];
  for (const [b] of view.boxes) {
    const {shows, name: title, nodes: members, origin} = boxes[b], one = shows >= 0 && nodes[shows];
    const known = one && state.done[shows];
    const value = known ? one.data : "—", gradient = state.grads[shows] ?? "—";
    if (one) write(value, texts[b].data), write(gradient, texts[b].grad);
    const words = `${title}${known ? `: ${value}` : ""}${gradient === "—" ? "" : `, gradient ${gradient}`}`;
    const told = origin ? `${words}, made at ${origin}` : words;
    if (texts[b].title.textContent !== told) {
      texts[b].title.textContent = told;
      drawn[b].setAttribute("aria-label", told);
    }
    const inputs = kind === "f" ? nodes[n].parents : from ? [n] : [];
    drawn[b].classList.toggle("now", b === receives && kind === "f");
    drawn[b].classList.toggle("gains", kind === "z" ? zeroed.includes(b) : b === receives && !!kind && kind !== "f");
    drawn[b].classList.toggle("from", b !== receives && inputs.some(i => boxOf[i] === b));
    drawn[b].classList.toggle("later", !members.some(i => state.done[i]));
  }
  for (const link of links) showLink(link, kind, n, k);
  active = [receives, ...zeroed, ...(kind === "b" ? [boxOf[n]] : [])].filter(b => b !== undefined);
  rove(active[0] ?? view.boxes[0][0]);
  follow(active);
}
function showLink({tail, head, node, i, group, text}, kind, n, k) {
  const single = i >= 0, inside = single ? node === n : head === boxOf[n];
  const back = kind === "b" && inside && (single ? i === k : tail === boxOf[nodes[n].parents[k]]);
  const {local, parents} = nodes[node], last = back && state.heard[nodes[n].parents[k]].at(-1);
  group.classList.toggle("back", back);
  const feeds = kind === "f" && inside && (single || nodes[n].parents.some(p => boxOf[p] === tail));
  group.classList.toggle("now", back || feeds);
  const silent = !single || !local || nodes[parents[i]].constant || !state.done[node];
  const carried = back && (notChosen(state.event, last.up) ? "not chosen" : `${last.up} × ${last.local}`);
  write(silent ? "" : carried || `∂ ${local[i]}`, text);
}

// ---- zoom, pan, find

const fitting = () => Math.min(...size.map((length, axis) => length / view.size[axis]));
function moveTo([left, top, scale]) {
  const [w, h] = size.map(length => length / scale);
  const room = (at, length, shown) =>
    shown > length - 1 ? (length - shown) / 2 : Math.max(-40, Math.min(at, length - shown + 40));
  frame = [room(left, view.size[0], w), room(top, view.size[1], h), scale];
  const box = {x: frame[0] - 12, y: frame[1] - 12, width: w, height: h};
  graph.setAttribute("viewBox", Object.values(box).join(" "));
  for (const key in box) byId("ground").setAttribute(key, box[key]);
}
function zoom(scale, [x, y] = size.map(length => length / 2)) {
  const [left, top, old] = frame, to = Math.max(Math.min(0.1, fitting()), Math.min(4, scale));
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
let dragged = false;
function drag(event) {
  const [left, top, scale] = frame, {clientX, clientY} = event;
  const move = e => {
    dragged ||= Math.hypot(e.clientX - clientX, e.clientY - clientY) > 4;
    if (dragged) moveTo([left - (e.clientX - clientX) / scale, top - (e.clientY - clientY) / scale, scale]);
  };
  const end = () => { removeEventListener("pointermove", move); removeEventListener("pointerup", end); };
  if (event.button) return;
  dragged = false;
  addEventListener("pointermove", move);
  addEventListener("pointerup", end);
}
let matches = [];
function find() {
  const wanted = byId("find").value.trim().toLowerCase(), has = text => text.toLowerCase().includes(wanted);
  const hit = b => has(boxes[b].name) || boxes[b].nodes.some(n => has(`${nodes[n].name} ${nodes[n].made ?? ""}`));
  matches = wanted ? view.boxes.map(([b]) => b).filter(hit) : [];
  drawn.forEach((box, b) => box.classList.toggle("found", matches.includes(b)));
  byId("found").textContent = wanted ? `${matches.length} found` : "";
  if (matches.length) follow([matches[0]]);
}

// ---- the user

function concerns([kind, node, k, , behind], n) {
  return kind === "b" ? nodes[node].parents[k] === n : kind === "z" ? behind.includes(n) : node === n;
}
function jump(b) {
  const isHere = e => boxes[b].nodes.some(n => concerns(e, n)), now = steps.at;
  const next = events.findIndex((e, i) => i >= now && isHere(e)), first = events.findIndex(isHere);
  if (first >= 0) steps.go((next >= 0 ? next : first) + 1);
  else byId("say").textContent = `${boxes[b].name} is a constant: no step is its own`;
}
function openLayer(b) {
  const k = boxes[b]?.opens;
  if (k !== undefined) showView(views[k] === view ? data.folded : k);
}
// One box at a time can be reached with Tab: the one of this step; [ and ] go to its neighbours.
function rove(b) {
  for (const box of byId("boxes").querySelectorAll("[tabindex='0']")) box.setAttribute("tabindex", -1);
  drawn[b].setAttribute("tabindex", 0);
}
function neighbour(by) {
  const shown = view.boxes.map(([b]) => b), at = shown.findIndex(b => drawn[b].getAttribute("tabindex") === "0");
  const b = shown[(at + by + shown.length) % shown.length];
  rove(b);
  drawn[b].focus();
}
function light(node, on) {
  const box = drawn[boxOf[node]];
  box?.classList.toggle("lit", on);
}
function lightTerms(b, on) {
  const inside = term => boxes[b].nodes.includes(+term.dataset.node);
  for (const term of document.querySelectorAll(".term")) term.classList.toggle("lit", on && inside(term));
}
drawn.forEach((box, b) => {
  box.setAttribute("role", "button");
  box.setAttribute("tabindex", -1);
  box.addEventListener("click", event => dragged || (event.detail > 1 ? openLayer(b) : jump(b)));
  box.addEventListener("keydown", event => {
    if (event.key === "Enter" || event.key === " ") { jump(b); event.preventDefault(); event.stopPropagation(); }
    if (event.key === "o") { openLayer(b); event.stopPropagation(); }
  });
  for (const [kind, on] of [["mouseenter", true], ["mouseleave", false], ["focus", true], ["blur", false]]) {
    box.addEventListener(kind, () => { pointed = on ? b : -1; lightTerms(b, on); });
  }
  box.addEventListener("focus", () => follow([b]));
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
  follow(active);
}).observe(stage);
addEventListener("beforeprint", () => fit());
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
  if (event.key === "Enter" && matches.length) {
    matches.push(matches.shift());
    jump(matches.at(-1));
    follow([matches.at(-1)]);
  }
};
const keys = {
  f: () => steps.go(turn), "[": () => neighbour(-1), "]": () => neighbour(1), "/": () => byId("find").focus(),
  "+": larger, "=": larger, "-": smaller, "0": fit,
  ArrowLeft: () => pan(-80, 0), ArrowRight: () => pan(80, 0), ArrowUp: () => pan(0, -80), ArrowDown: () => pan(0, 80),
  o: () => openLayer(boxOf[state.event?.[1] ?? 0]),
};
document.addEventListener("keydown", event => {
  const typing = event.target.matches("input:not([type=range]),select");
  if (typing || event.ctrlKey || event.altKey || event.metaKey || !keys[event.key]) return;
  if (event.key.startsWith("Arrow") && !event.shiftKey) return;
  keys[event.key]();
  event.preventDefault();
});
byId("all").ontoggle = () => {
  for (let i = byId("list").children.length; i <= events.length; i++) {
    const button = byId("list").appendChild(document.createElement("li")).appendChild(document.createElement("button"));
    button.textContent = sentence(i);
    button.onclick = () => steps.go(i);
  }
  markLine();
};
function markLine() {
  byId("list").querySelector("[aria-current]")?.removeAttribute("aria-current");
  byId("list").children[state.place]?.firstChild.setAttribute("aria-current", "step");
}
showView(data.first);
const steps = transport(events.length + 1, place => {
  state = stateAt(place);
  showPanel();
  showPicture();
  return byId("say").textContent;
});
steps.go(0);
