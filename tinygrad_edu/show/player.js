// The player.  A place of the slider is how far both passes have come: events 0 to place - 1 are done.
const {nodes, events, boxes, views} = data;
const MARK = 0xE000, graph = byId("graph"), stage = byId("stage");
const drawn = [...byId("boxes").children], escaped = text => text.replace(/[&<>"]/g, c => `&#${c.charCodeAt()};`);
// At this scale, in pixels per point, letters are 11 pixels high; around the picture there is some room, in points.
const READABLE = .848, EDGE = 4;
// In the playground on a phone letters of 8 pixels will do, if then the whole picture is seen.
const PHONE = 500, SMALL = .62;
let view, state, boxOf = [], spots = [], links = [], active = [], pointed = -1, reached = 0, touched = false, fitted, shownAt;
// The lens is left, top, scale.  The size is kept, since asking for it in every step would lay out the page anew.
let lens = [0, 0, 1], size;

const equation = ({name, made}) => made ? `${name} = ${made}` : name;
// A box of one node shows that node and goes by its equation, where nothing else is said.
for (const box of boxes) {
  box.shows ??= box.nodes[0];
  box.name ??= equation(nodes[box.shows]);
}

// Other scripts may ask to be told of each step ("step") and of each view ("view") that is shown.
const listeners = {step: [], view: []};
const tellOthers = what => listeners[what].forEach(listener => listener());

// ---- what is known at a place

function stateAt(place) {
  const done = nodes.map(n => !n.parents), grads = {}, heard = {};
  for (const [kind, n, k, after, behind] of events.slice(0, place)) {
    if (kind === "f") done[n] = true;
    else if (kind === "s") grads[n] = k;
    else if (kind === "z") behind.forEach((node, i) => { grads[node] = after[i]; heard[node] = [{}]; });
    else {
      const parent = nodes[n].parents[k], before = grads[parent] ?? "0";
      grads[parent] = after;
      (heard[parent] ??= []).push({before, up: grads[n], local: nodes[n].local[k]});
    }
  }
  return {place, done, grads, heard, event: events[place - 1]};
}
// The same where its number is asked for, which nobody knows yet.
function askedAt(place) {
  const {done, grads} = stateAt(place - 1);
  return {...stateAt(place), done, grads, isAsked: true};
}
const unlessAsked = text => state.isAsked ? "?" : text;
// The nodes that a step brings a number or a gradient.
const receivers = ([kind, n, k, , behind]) => kind === "b" ? [nodes[n].parents[k]] : behind ?? [n];

// ---- formulas as MathML, in which each node is a term that can be lit
// A line is a list of pieces, and may break between them.

const number = (text, kind) => `<mn class="${kind}">${text}</mn>`;
const equals = maths => `<mo>=</mo>${maths}`;
const term = (n, maths) => `<mrow class="term" data-node="${n}">${maths}</mrow>`;
const grad = n => `${name(n)}<mtext class="grad">.grad</mtext>`;
const partial = (of, by) => `<mfrac><mrow><mo>∂</mo>${name(of)}</mrow><mrow><mo>∂</mo>${name(by)}</mrow></mfrac>`;
const localDerivative = (n, k) => partial(n, nodes[n].parents[k]);

function inParentheses(maths) {
  return `<mo>(</mo>${maths}<mo>)</mo>`;
}
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
// In a formula a mark stands for a node: here `write(n)` is put in its place.  In a live page a sign before it says
// when its number is in parentheses: where it is negative, or for the second sign also where it has a power of ten.
function fill(formula, write) {
  return formula.replace(/([\uf8f0\uf8f1]?)([\ue000-\uf8ef])/g, (_, when, mark) => {
    const n = mark.charCodeAt() - MARK;
    return inFence(write(n), when, nodes[n].data);
  });
}
function inFence(maths, when, number) {
  const isLoose = when && (number[0] === "−" || when === "\uf8f1" && number.includes("e"));
  return isLoose ? `<mrow>${inParentheses(maths)}</mrow>` : maths;
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
  if (parents.filter(parent => parent === parents[k]).length > 1) return " " + say("input", {number: k + 1});
  return again.includes(k) ? " " + say("along") : "";
}
// A selecting operation passes nothing on along an edge that it did not choose; a product would be nan there.
function notChosen([kind, , , after, taken], up) {
  return kind === "b" && !taken && /inf|nan/.test(up) ? say("not_chosen_so", {gradient: after}) : "";
}
const indent = "<mspace width='1em'/>", withoutTags = maths => maths?.replace(/<[^>]*>/g, "");
function forwardLines(n) {
  const {call, name: own, made = own, data, maths, numbers: put} = nodes[n];
  if (!call) return [];
  const result = [...put ? [equals(inNumbers(call))] : [], equals(number(unlessAsked(data), "data"))];
  return [own === made ? [inSymbols(call)] : [term(n, maths), equals(inSymbols(call))], result];
}
// A local gradient in symbols and with numbers put in, as far as that says more than its value.
function reasonFor(n, k) {
  const reason = nodes[n].why[k], value = nodes[n].local[k];
  const told = reason ? [inSymbols(reason), inNumbers(reason)].filter(maths => withoutTags(maths) !== value) : [];
  return told.filter((maths, i) => withoutTags(maths) !== withoutTags(told[i - 1])).map(equals);
}
function backwardLines(n, k, after) {
  const to = nodes[n].parents[k], {before, up, local} = state.heard[to].at(-1), silence = notChosen(state.event, up);
  const product = `${factor(up, "grad")}<mo>×</mo>${factor(local, "grad")}`;
  const sum = [`${indent}${number(before, "grad")}<mo>+</mo>${product}`, equals(number(unlessAsked(after), "grad"))];
  const because = `<mtext class="quiet">${escaped(say("because"))}</mtext><mspace width='.4em'/>`;
  return [
    [grad(to), `<mo>+=</mo>${grad(n)}`, `<mo>×</mo>${localDerivative(n, k)}`, `<mtext>${whichArrow(n, k)}</mtext>`],
    silence ? [`${indent}<mtext>${silence}</mtext>`] : sum,
    [because + localDerivative(n, k), ...reasonFor(n, k), equals(number(local, "grad"))],
  ];
}
// The gradients of all nodes behind a closed branch, or after a step of many examples.
function gradientLines(after, behind) {
  const told = behind.slice(0, 8).map((n, i) => grad(n) + equals(number(after[i], "grad")));
  if (behind.length > 8) told[7] = "<mo>…</mo>";
  return [told.map((one, i) => one + (told[i + 1] ? "<mo>,</mo>" : ""))];
}

// ---- sentences

const asText = n => nodes[n].factor ?? nodes[n].name;
const bold = n => `<b><bdi>${escaped(nodes[n].short ?? nodes[n].name)}</bdi></b>`;
function what(event) {
  if (state.isAsked) return predict.question(event, bold);
  const [kind, n, k, why, more, reason] = event;
  const node = bold(n), {parents, words: reasons} = nodes[n];
  if (kind === "f") return k ? escaped(k) : say("computes", {node});
  if (kind === "s") return say("starts", {node, reason: escaped(why)});
  if (kind === "z") return escaped(reason);
  const sentence = say(more ? "passes" : "keeps", {node, parent: bold(parents[k])});
  return reasons ? say("with_reason", {sentence, reason: escaped(reasons[k])}) : sentence;
}
const signed = (text, i) => i && text[0] === "−" ? `(${text})` : text;
function heardSoFar(to) {
  const parts = state.heard[to], all = events.filter(e => "bz".includes(e[0]) && receivers(e).includes(to)).length;
  if (!parts[0].up) return say("with_others", {node: asText(to), sum: state.grads[to]});
  if (all < 2 || parts.some(p => /inf|nan/.test(p.up))) return "";
  const shown = parts.slice(-6).map((p, i) => `${signed(p.up, i)} × ${signed(p.local, 1)}`).join(" + ");
  const sum = (parts.length > 6 ? "… + " : "") + `${shown} = ${state.grads[to]}`;
  return say("sum", {node: asText(to), all, count: parts.length, sum});
}
function sentence(place) {
  if (!place) return say("before");
  const [kind, n, k, after, behind, reason] = events[place - 1];
  const {numbers, data, parents, local} = nodes[n];
  if (kind === "f") return k ?? `${equation(nodes[n])}${numbers ? ` = ${numbers}` : ""} = ${data}`;
  if (kind === "s") return `${k === "1" ? `∂${asText(n)}/∂${asText(n)}` : `${asText(n)}.grad`} = ${k}`;
  if (kind === "z") return `${reason}: ${behind.map((i, at) => `${asText(i)}.grad = ${after[at]}`).join(", ")}`;
  const {heard} = place === state.place ? state : stateAt(place), to = asText(parents[k]);
  const {before, up} = heard[parents[k]].at(-1);
  const sum = notChosen(events[place - 1], up) || `${before} + ${up} × ${local[k]} = ${after}`;
  return `${to}.grad += ${asText(n)}.grad × ∂${asText(n)}/∂${to}${whichArrow(n, k)} → ${sum}`;
}
function linesOf([kind, n, k, after, behind]) {
  if (kind === "f") return forwardLines(n);
  if (kind === "b") return backwardLines(n, k, after);
  if (kind === "z") return gradientLines(after, behind);
  return [[k === "1" ? partial(n, n) : grad(n), equals(number(unlessAsked(k), "grad"))]];
}
function showPanel() {
  const {event, place} = state, [kind, n, k] = event ?? [], forward = kind === "f";
  const count = `<span class="count">${escaped(say("step_of", {at: place, count: events.length}))}</span>`;
  const pass = `<span class="pass ${forward ? "data" : "grad"}">${escaped(say(forward ? "forward" : "backward"))}</span> `;
  const math = piece => `<math displaystyle="true">${piece}</math>`;
  byId("what").innerHTML = count + (event ? pass + what(event) : escaped(say("before")));
  const lines = event ? predict.lines(linesOf(event)) : [];
  byId("lines").innerHTML = lines.map(line => `<div>${line.map(math).join(" ")}</div>`).join("");
  byId("heard").textContent = kind === "b" && !state.isAsked ? heardSoFar(nodes[n].parents[k]) : "";
  byId("say").textContent = say("said", {at: place, sentence: state.isAsked ? predict.question(event, asText) : sentence(place)});
  predict.showForm();
  for (const box of byId("boxes").querySelectorAll(".lit")) box.classList.remove("lit");
  if (pointed >= 0) lightTerms(pointed, true);
  fitFormulas(shownAt === place ? fitted : 18);
  listSteps();
}
const isLarge = () => document.body.matches(".present");
// Letters as large as lets all formulas be seen: the panel keeps its size, so that the picture stays where it is.
// While a number is dragged they only become smaller.
function fitFormulas(largest = 18) {
  const panel = byId("panel"), lines = byId("lines");
  const isWide = math => math.getBoundingClientRect().width > lines.clientWidth - 20;
  const wide = () => [...lines.querySelectorAll("math")].filter(isWide);
  for (const size of [18, 16, 14, 12, 11].filter(size => size <= largest)) {
    fitted = size;
    lines.style.fontSize = `${size * (isLarge() ? 1.7 : 1)}px`;
    wide().forEach(math => breakAfter(size > 11 ? "," : ",+−×·=", math));
    if (panel.scrollHeight <= panel.clientHeight && !wide().length) return;
  }
}
function breakAfter(signs, math) {
  for (const row of math.querySelectorAll(":scope > mrow:not(.term)")) row.replaceWith(...row.childNodes);
  const isEnd = part => part.matches("mo:not(:first-child,:last-child)") && signs.includes(part.textContent);
  const sign = [...math.children].find(isEnd);
  if (!sign) return;
  const rest = math.cloneNode();
  while (sign.nextSibling) rest.append(sign.nextSibling);
  math.after(" ", rest);
  breakAfter(signs, rest);
}

// ---- the list beside the graph: what every node comes to, and its gradient

const add = (parent, kind) => parent.appendChild(document.createElement(kind));
function put(parent, kind, text) {
  const made = add(parent, kind);
  made.textContent = made.title = text;
  return made;
}
function makeTrace() {
  const body = byId("trace").createTBody();
  return nodes.map(({constant, parents}, n) => {
    if (constant && !parents) return [];
    const row = body.insertRow(), slope = constant ? "" : `∂${data.output}/∂${asText(n)}`;
    return [put(row, "th", equation(nodes[n])), ...["", slope, ""].map(text => put(row, "td", text))];
  });
}
let here = [];
function showTrace() {
  const {event} = state, [kind, n] = event ?? [];
  trace.forEach(([, value, , gradient], i) => {
    write(state.done[i] ? nodes[i].data : "", value);
    write(state.grads[i] ?? "", gradient);
  });
  for (const cell of here) cell.classList.remove("here");
  here = !kind ? [] : receivers(event).flatMap(i => kind === "f" ? trace[i].slice(0, 2) : trace[i].slice(2));
  for (const cell of here) cell.classList.add("here");
  if (here.length && shownAt !== state.place) into(byId("beside"), here[0]);
  const line = program?.children[kind && nodes[n].line];
  if (line) mark(program, line), into(program, line);
}
// The program's own lines, where they are known: the one at which the node of a step was made is lit.
const program = byId("program");
function mark(list, part) {
  list.querySelector("[aria-current]")?.removeAttribute("aria-current");
  part?.setAttribute("aria-current", "step");
}
// Scrolls a list, and not the page, until a part of it is seen.
function into(list, part) {
  const {top, bottom} = list.getBoundingClientRect(), own = part.getBoundingClientRect();
  if (own.top < top + 24 || own.bottom > bottom) list.scrollTop += (own.top + own.bottom - top - bottom) / 2;
}

// ---- the picture

function element(parent, kind, attributes) {
  const made = parent.appendChild(document.createElementNS(graph.namespaceURI, kind));
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
  title: element(box, "title"), data: box.querySelector(".tg-data"), grad: box.querySelector(".tg-grad")}));
function showView(k, shown = views[k]) {
  view = shown;
  byId("view").value = k;
  byId("links").innerHTML = view.frames ?? "";
  for (const box of drawn) box.setAttribute("display", "none");
  boxOf = [];
  spots = drawn.map(() => []);
  for (const [b, x, y] of view.boxes) {
    drawn[b].setAttribute("transform", `translate(${x} ${y})`);
    drawn[b].removeAttribute("display");
    spots[b].push(spot(b, x, y));
    for (const n of boxes[b].nodes) boxOf[n] = b;
  }
  links = view.headings ? networkLinks() : view.links.map(makeLink);
  byId("ghosts").replaceChildren();
  for (const [b, x, y] of view.ghosts) {
    spots[b].push(spot(b, x, y));
    again("ghosts", spot(b, x, y));
  }
  start();
  if (state) showPicture();
  tellOthers("view");
}
// The whole picture where its letters can be read, and else as much as can be.
function start() {
  size = [stage.clientWidth || 800, stage.clientHeight || 400];
  graph.setAttribute("viewBox", `0 0 ${size.join(" ")}`);           // on paper, what was seen fits its width
  if (touched) moveTo(lens);
  else zoom(Math.max(least() * (isLarge() ? 1.4 : 1), Math.min(1.6, fitting())));
}
const least = () => data.framed && size[0] < PHONE && fitting() >= SMALL ? SMALL : READABLE;
// Where a box stands: its number and middle, and half its width and height.
function spot(b, x, y) {
  const {width, height} = drawn[b].firstChild;
  return {b, x, y, w: width.baseVal.value / 2, h: height.baseVal.value / 2};
}
// A box that stands somewhere once more, as it is at each step.
function again(where, {b, x, y}) {
  const [own] = spots[b], move = `translate(${x - own.x} ${y - own.y})`;
  element(byId(where), "use", {href: `#b${b}`, transform: move}).onclick = () => dragged || jump(b);
}
// Of a thousand boxes few change in a step, and what each shows is known without asking it.
function write(text, element) {
  if (element && element.shown !== text) element.textContent = element.shown = text;
}
function titleOf(b) {
  const {shows, name: box, origin, path} = boxes[b], one = nodes[shows];
  const value = one && state.done[shows] ? one.data : "", gradient = state.grads[shows];
  let told = value ? `${box}: ${value}` : box;
  if (gradient) told = say("with_gradient", {box: told, gradient});
  if (path) told = say("with_path", {box: told, path});
  return origin ? say("with_origin", {box: told, origin}) : told;
}
function showPicture() {
  const {event} = state, [kind, n, k] = event ?? [], received = event ? receivers(event).map(i => boxOf[i]) : [];
  const inputs = (kind === "f" ? nodes[n].parents ?? [] : event ? [n] : []).map(i => boxOf[i]);
  for (const [b] of view.boxes) {
    const {shows, nodes: members} = boxes[b], {classList} = drawn[b];
    const title = titleOf(b), receives = received.includes(b);
    if (shows >= 0) {
      write(state.done[shows] ? boxes[b].data ?? nodes[shows].data : "—", texts[b].data);
      write(state.grads[shows] ?? "—", texts[b].grad);
    }
    if (texts[b].title.shown !== title) drawn[b].setAttribute("aria-label", title);
    write(title, texts[b].title);
    classList.toggle("now", receives && kind === "f");
    classList.toggle("gains", receives && kind !== "f");
    classList.toggle("from", inputs.includes(b) && !receives);
    classList.toggle("later", !members.some(i => state.done[i]));
  }
  for (const link of links) (link.show ?? showLink.bind(0, link))(kind, n, k);
  active = [...new Set([...received.length > 8 ? [] : received, ...inputs])];
  rove(active[0] ?? view.boxes[0][0]);
  follow(active, boxOf[n]);
}
function showLink({tail, head, node, i, group, text}, kind, n, k) {
  const single = i >= 0, inside = single ? node === n : head === boxOf[n];
  const back = kind === "b" && inside && (single ? i === k : tail === boxOf[nodes[n].parents[k]]);
  const {local, parents} = nodes[node], last = back && state.heard[nodes[n].parents[k]].at(-1);
  const others = kind === "z" && nodes[n].constant && [head, tail].includes(boxOf[n]);
  group.classList.toggle("back", back || others);
  const feeds = kind === "f" && inside && (single || nodes[n].parents.some(p => boxOf[p] === tail));
  group.classList.toggle("now", back || feeds);
  const silent = !single || !local || nodes[parents[i]].constant || !state.done[node] || predict.isOn() && !back;
  const carried = back && !silent && (state.isAsked ? "?" : notChosen(state.event, last.up) ? say("not_chosen") : `${last.up} × ${last.local}`);
  write(silent ? "" : carried || `∂ ${local[i]}`, text);
  // A long product stands in two lines.
  const [one, other] = carried && carried.length > 9 ? carried.split(/(?<= )(?=×)/) : [], x = text.getAttribute("x");
  if (!other) return;
  text.textContent = "";
  element(text, "tspan", {x, dy: -8}).textContent = one;
  element(text, "tspan", {x, dy: 15}).textContent = other;
}

// ---- zoom, pan, find

const fitting = () => Math.min(...size.map((length, axis) => length / view.size[axis]));
function moveTo([left, top, scale]) {
  const [w, h] = size.map(length => length / scale);
  const room = (at, length, shown) =>
    shown > length - 1 ? (length - shown) / 2 : Math.max(-40, Math.min(at, length - shown + 40));
  lens = [room(left, view.size[0], w), room(top, view.size[1], h), scale];
  // Not the viewBox: a new one has the browser lay out every text again, even where it only moves the picture.
  byId("moved").setAttribute("transform", `scale(${scale}) translate(${EDGE - lens[0]} ${EDGE - lens[1]})`);
}
function zoom(scale, [x, y] = size.map(length => length / 2)) {
  const [left, top, old] = lens, to = Math.max(Math.min(0.1, fitting()), Math.min(4, scale));
  moveTo([left + x / old - x / to, top + y / old - y / to, to]);
}
// The boxes of a step come into view, with the frame around them if there is room.  Those too far apart for the window stand at its edge once more.
function follow(wanted, head = wanted[0]) {
  const [middle] = spots[head] ?? [], apart = s => Math.hypot(s.x - middle.x, s.y - middle.y);
  const nearest = list => list.toSorted((one, other) => apart(one) - apart(other));
  const [first, ...others] = wanted.map(b => nearest(spots[b])[0]), near = first ? [first, ...nearest(others)] : [];
  const [w, h] = size.map(length => length / lens[2]);
  let seen = first && sides(first);
  for (const s of first ? [...near, ...nearest(view.homes ?? []).slice(0, 1)] : []) {
    const own = sides(s), both = seen.map((side, i) => (i < 2 ? Math.min : Math.max)(side, own[i]));
    if (both[2] - both[0] < w - 2 * EDGE && both[3] - both[1] < h - 2 * EDGE) seen = both;
  }
  if (seen && !isSeen(seen)) moveTo([(seen[0] + seen[2] - w) / 2 + EDGE, (seen[1] + seen[3] - h) / 2 + EDGE, lens[2]]);
  byId("near").replaceChildren();
  const taken = near.filter(s => isSeen(sides(s)));
  for (const s of near) if (!taken.includes(s)) taken.push(atEdge(s, taken));
}
const sides = ({x, y, w, h}) => [x - w, y - h, x + w, y + h];
// What is seen, in points: left, top, right, bottom.
function seenNow() {
  const [left, top, scale] = lens, [w, h] = size;
  return [left - EDGE, top - EDGE, left - EDGE + w / scale, top - EDGE + h / scale];
}
const isSeen = box => seenNow().every((side, i) => i < 2 ? side <= box[i] : side >= box[i]);
// A copy of a box at the place in view that is nearest to it and free.
function atEdge(box, taken) {
  const [left, top, right, bottom] = seenNow(), {w, h} = box;
  let best = {x: left + w, y: top + h}, least = Infinity;
  for (let x = left + w + EDGE; x < right - w; x += 10) for (let y = top + h + EDGE; y < bottom - h; y += 10) {
    const apart = Math.hypot(x - box.x, y - box.y);
    const isFree = taken.every(t => Math.abs(x - t.x) > w + t.w + EDGE || Math.abs(y - t.y) > h + t.h + EDGE);
    if (isFree && apart < least) best = {x, y}, least = apart;
  }
  again("near", {...box, ...best});
  return {...box, ...best};
}
let dragged = false, finger;
function drag(event) {
  const [left, top, scale] = lens, {clientX, clientY} = event;
  dragged = false;
  if (event.pointerType === "touch") finger = event;
  else if (!event.button) window.onpointermove = e => {
    const x = e.clientX - clientX, y = e.clientY - clientY;
    dragged ||= Math.hypot(x, y) > 4;
    if (dragged) moveTo([left - x / scale, top - y / scale, scale]);
  };
}
// A finger that goes across makes a step; of one that goes up or down only the page hears, which scrolls.
window.onpointerup = event => {
  const across = event.clientX - finger?.clientX, along = event.clientY - finger?.clientY;
  window.onpointermove = finger = null;
  dragged ||= Math.abs(across) > 40 && Math.abs(across) > 2 * Math.abs(along);
  if (dragged && across) steps.go(steps.at + (across < 0 ? 1 : -1));
};
window.onpointercancel = () => { finger = null; };
// Two fingers hold the picture: what was between them stays there, and it grows as they part.
let held = null;
function hold(event) {
  if (event.touches.length !== 2) { held = null; return; }
  event.preventDefault();
  const {left, top} = stage.getBoundingClientRect(), [one, other] = event.touches;
  const now = {x: (one.clientX + other.clientX) / 2 - left, y: (one.clientY + other.clientY) / 2 - top,
    apart: Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY)};
  if (held) {
    pan(held.x - now.x, held.y - now.y);
    scaled(lens[2] * now.apart / held.apart, [now.x, now.y]);
  }
  finger = null;
  held = now;
}
let matches = [];
function find() {
  const wanted = byId("find").value.trim().toLowerCase(), has = text => text.toLowerCase().includes(wanted);
  const hit = b => has(boxes[b].name) || boxes[b].nodes.some(n => has(equation(nodes[n])));
  matches = wanted ? view.boxes.map(([b]) => b).filter(hit) : [];
  drawn.forEach((box, b) => box.classList.toggle("found", matches.includes(b)));
  byId("found").textContent = wanted ? say("found", {count: matches.length}) : "";
  if (matches.length) follow([matches[0]]);
}

// ---- the user

function jump(b) {
  const isHere = e => boxes[b].nodes.some(n => receivers(e).includes(n) || (e[0] === "z" && e[1] === n)), now = steps.at;
  const next = events.findIndex((e, i) => i >= now && isHere(e)), first = events.findIndex(isHere);
  if (first >= 0) steps.go((next >= 0 ? next : first) + 1);
  else byId("say").textContent = say("constant", {name: boxes[b].name});
  // A click offers the Python that reaches the box.
  offer.hidden = !boxes[b].path;
  offer.textContent = boxes[b].path;
}
const offer = byId("copy");
function copy(path) {
  if (!path) return;
  navigator.clipboard?.writeText(path);
  byId("found").textContent = say("copied", {path});
}
function openLayer(b) {
  const k = boxes[b]?.opens;
  if (view.headings) openNeuron(b);
  else if (k !== undefined) showView(views[k] === view ? data.folded : k);
}
// One box at a time can be reached with Tab: the one of this step; [ and ] go to its neighbours.
function rove(b) {
  drawn[reached].tabIndex = -1;
  drawn[reached = b].tabIndex = 0;
}
function neighbour(by) {
  const shown = view.boxes.map(([b]) => b), b = shown.at((shown.indexOf(reached) + by) % shown.length);
  rove(b);
  drawn[b].focus();
}
function lightTerms(b, on) {
  const inside = term => boxes[b].nodes.includes(+term.dataset.node);
  drawn[b].classList.toggle("lit", on);
  for (const term of document.querySelectorAll(".term")) term.classList.toggle("lit", on && inside(term));
}
drawn.forEach((box, b) => {
  box.setAttribute("role", "button");
  box.tabIndex = -1;
  const point = on => { pointed = on ? b : -1; lightTerms(b, on); };
  box.onclick = event => dragged || (event.detail > 1 ? openLayer(b) : jump(b));
  box.onmouseenter = () => point(true);
  box.onmouseleave = box.onblur = () => point(false);
  box.onfocus = () => { point(true); follow([b]); };
  box.onkeydown = event => {
    if (event.key === "Enter" || event.key === " ") { jump(b); event.preventDefault(); event.stopPropagation(); }
    if (event.key === "o") { openLayer(b); event.stopPropagation(); }
    if (event.key === "c" && !event.ctrlKey && !event.metaKey) copy(boxes[b].path);
  };
});
const lightBox = on => event => drawn[boxOf[event.target.closest(".term")?.dataset.node]]?.classList.toggle("lit", on);
byId("lines").onmouseover = lightBox(true);
byId("lines").onmouseout = lightBox(false);
stage.onpointerdown = drag;
for (const kind of ["touchstart", "touchmove", "touchend", "touchcancel"]) stage.addEventListener(kind, hold, {passive: false});
byId("panel").onpointerdown = event => event.pointerType === "touch" && drag(event);
stage.addEventListener("wheel", event => {
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  const {left, top} = stage.getBoundingClientRect();
  scaled(lens[2] * Math.exp(-event.deltaY / 300), [event.clientX - left, event.clientY - top]);
}, {passive: false});
new ResizeObserver(() => {
  start();
  follow(active, boxOf[state.event?.[1]]);
}).observe(stage);
addEventListener("resize", () => fitFormulas());
addEventListener("beforeprint", () => {
  byId("near").replaceChildren();
  byId("all").open = true;
  listSteps();
  fit();
});
// From then on the user's scale is kept.
function scaled(scale, at) {
  touched = true;
  zoom(scale, at);
}
const larger = () => scaled(lens[2] * 1.25), smaller = () => scaled(lens[2] / 1.25), fit = () => scaled(fitting());
const pan = (x, y) => moveTo([lens[0] + x / lens[2], lens[1] + y / lens[2], lens[2]]);
const ahead = () => steps.go(events.findIndex(e => e[0] === "s"));
function present() {
  document.body.classList.toggle("present");
  fitFormulas();
}
const clicks = {in: larger, out: smaller, fit, present, turn: ahead, copy: () => copy(offer.textContent)};
for (const id in clicks) byId(id).onclick = clicks[id];
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
const actions = {
  f: ahead, "[": () => neighbour(-1), "]": () => neighbour(1), "/": () => byId("find").focus(),
  g: () => byId("predict").click(), "+": larger, "=": larger, "-": smaller, 0: fit, p: present, o: () => openLayer(boxOf[state.event?.[1] ?? 0]),
  ShiftArrowLeft: () => pan(-80, 0), ShiftArrowRight: () => pan(80, 0),
  ShiftArrowUp: () => pan(0, -80), ShiftArrowDown: () => pan(0, 80),
};
const list = byId("list");
function listSteps() {
  if (!byId("all").open) return;
  for (let i = list.children.length; i <= predict.told(events.length); i++) {
    const button = add(add(list, "li"), "button");
    button.textContent = sentence(i);
    button.onclick = () => steps.go(i);
  }
  markStep();
}
byId("all").ontoggle = listSteps;
const markStep = () => mark(list, list.children[state.place]?.firstChild);
const trace = makeTrace();
showView(data.first);
const steps = transport(events.length + 1, place => {
  state = predict.isAsked(place) ? askedAt(place) : stateAt(place);
  showPanel();
  showPicture();
  showTrace();
  shownAt = place;
  tellOthers("step");
  predict.wait();
  return byId("say").textContent;
}, 1000, actions, predict.limit);
steps.begin();
if (data.predict) {
  predict.turn(true);
  steps.go(steps.at);
}
