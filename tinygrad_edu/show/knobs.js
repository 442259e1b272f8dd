// Sliders and fields for the leaves, and their numbers in the picture, which can be dragged.
const knobs = (() => {
  const refused = byId("refused"), rows = new Map(), MOST = 12;      // so many leaves have their sliders at once
  const pending = new Map();                          // {leaf: number} of what was refused
  let wanted = null;                                  // and of what the next frame is to show

  // A step: a tenth of the power of ten in which the number is; a slider has finer ones.
  const stepOf = x => 10 ** (Math.max(-1, Math.floor(Math.log10(Math.abs(x) || 1))) - 1);
  const onGrid = (x, step) => +(Math.round(x / step) * step).toPrecision(12);
  const asText = x => String(+x.toPrecision(15));

  // ---- another number, from wherever it comes

  // Numbers that were refused wait in `pending`, since with others they may do.
  function put(pairs) {
    for (const [node, number] of pairs) pending.set(node, number);
    const sentence = live.put([...pending]);
    if (!sentence) return "";
    for (const [node, number] of pending) {
      const field = rows.get(node)?.number;
      field?.setAttribute("aria-invalid", true);
      if (field && +field.value !== number) field.value = asText(number);
    }
    refuse(sentence);
    return sentence;
  }
  function refuse(sentence) {
    steps.again(events.length + 1, true);
    refused.textContent = sentence;
  }
  // The first event of a frame is shown at once; of the others that come before the next frame, the last.
  function soon(node, number) {
    if (wanted) return wanted.set(node, number);
    wanted = new Map();
    put([[node, number]]);
    requestAnimationFrame(() => {
      const pairs = [...wanted];
      wanted = null;
      if (pairs.length) put(pairs);
    });
  }
  function valid() {
    pending.clear();
    refused.textContent = "";
    for (const {number} of rows.values()) number.removeAttribute("aria-invalid");
  }
  live.onchange(() => {
    valid();
    if (view.opened !== undefined) live.tellLines(view);
    list.replaceChildren();
    steps.again(events.length + 1);
    listSteps();
  });

  // ---- a row for each leaf

  function makeRow({node, name, start}) {
    const row = add(byId("knobs"), "div"), label = add(row, "label"), step = stepOf(start) / 10, span = Math.max(2, 2 * Math.abs(start));
    const range = add(row, "input"), number = add(row, "input"), gradient = add(row, "output");
    add(label, "bdi").textContent = nodes[node].short ?? name;
    label.htmlFor = range.id = `knob${node}`;
    Object.assign(range, {type: "range", step, min: onGrid(start - span, step), max: onGrid(start + span, step)});
    Object.assign(number, {type: "number", step: "any", className: "data"});
    number.setAttribute("aria-label", say("as_number", {name}));
    number.setAttribute("aria-describedby", "refused");
    gradient.className = "grad";
    range.oninput = () => { number.value = range.value; soon(node, +range.value); };
    number.oninput = () => {
      if (number.validity.valid && number.value !== "") { show(range, number.value); soon(node, +number.value); }
      else refuseText(node, name);
    };
    rows.set(node, {range, number, gradient});
    showRow(node);
  }
  function refuseText(node, name) {
    rows.get(node).number.setAttribute("aria-invalid", true);
    refuse(say("needs_number", {name}));
  }
  // A slider reaches as far as its number.
  function show(range, text) {
    const x = +text;
    if (x < +range.min) range.min = x;
    if (x > +range.max) range.max = x;
    range.value = x;
  }
  function showRow(node) {
    const {range, number, gradient} = rows.get(node), x = live.number(node);
    if (!number.matches("[aria-invalid=true]")) {
      if (+number.value !== x || number.value === "") number.value = asText(x);
      if (+range.value !== x) show(range, x);
    }
    write(state.grads[node] ? say("gradient_is", {gradient: state.grads[node]}) : "", gradient);
  }
  function makeRows() {
    for (const leaf of live.leaves) if (!rows.has(leaf.node)) makeRow(leaf);
  }

  // ---- numbers in the picture

  const hands = element(byId("moved"), "g", {});
  const startOf = new Map(live.leaves.map(({node, start}) => [node, start]));
  const leafOf = b => boxes[b].nodes.length === 1 && startOf.has(boxes[b].nodes[0]) ? boxes[b].nodes[0] : -1;
  function makeHands() {
    hands.replaceChildren();
    for (const [b] of view.boxes) if (leafOf(b) >= 0 && texts[b].data) makeHand(b, leafOf(b));
    showHands();
  }
  function makeHand(b, node) {
    const [{x, y, w}] = spots[b], line = y + texts[b].data.y.baseVal[0].value;
    const hand = element(hands, "rect", {class: "hand", x: x - w + 4, y: line - 14, width: 2 * w - 8, height: 18, rx: 4,
      tabindex: live.leaves.length > MOST ? -1 : 0,
      role: "slider", "aria-label": nodes[node].name});
    hand.node = node;
    hand.onkeydown = event => {
      const way = {ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10}[event.key];
      if (way) moved(node, live.number(node), way * (event.shiftKey ? 10 : 1));
      else if (event.key === "Enter") type(node);
      else return;
      event.preventDefault();
      event.stopPropagation();
    };
    hand.onfocus = () => follow([b]);
  }
  const moved = (node, from, by) => put([[node, onGrid(from + by * stepOf(startOf.get(node)), stepOf(startOf.get(node)) / 10)]]);
  // A finger or the mouse that goes across a leaf changes its number, one step for four pixels; the picture stays.
  const dragNumber = node => event => {
    const from = live.number(node), step = stepOf(startOf.get(node)), box = event.currentTarget;
    if (event.button) return;
    event.stopPropagation();
    dragged = false;
    box.setPointerCapture(event.pointerId);
    box.onpointermove = e => {
      const way = e.clientX - event.clientX;
      dragged ||= Math.abs(way) > 4;
      if (dragged) soon(node, onGrid(from + Math.round(way / 4) * step, step / 10));
    };
    box.onpointerup = box.onpointercancel = () => { box.onpointermove = null; };
  };
  drawn.forEach((box, b) => {
    if (leafOf(b) < 0) return;
    box.classList.add("knob");
    box.onpointerdown = dragNumber(leafOf(b));
    box.ondblclick = () => type(leafOf(b));
  });
  // A field over the number in which it is typed.
  function type(node) {
    const hand = [...hands.children].find(one => one.node === node), {left, top, width, height} = hand.getBoundingClientRect();
    const around = byId("screen").getBoundingClientRect(), field = add(byId("screen"), "input");
    const close = () => { field.onblur = null; field.remove(); hand.focus(); };
    Object.assign(field, {id: "typed", value: asText(live.number(node)), inputMode: "decimal"});
    field.setAttribute("aria-label", say("as_number", {name: nodes[node].name}));
    for (const [key, pixels] of Object.entries({left: left - around.left, top: top - around.top, width: Math.max(90, width), height: Math.max(40, height)})) {
      field.style[key] = `${pixels}px`;
    }
    field.onkeydown = event => {
      if (event.key === "Escape") close();
      if (event.key === "Enter" && typed(node, field.value)) close();
    };
    field.onblur = () => typed(node, field.value) && field.remove();
    field.select();
    field.focus();
  }
  function typed(node, text) {
    const x = Number(text.trim().replace("−", "-"));
    if (text.trim() && Number.isFinite(x)) return !put([[node, x]]);
    refused.textContent = say("needs_number", {name: nodes[node].name});
    return false;
  }
  function showHands() {
    for (const hand of hands.children) {
      hand.setAttribute("aria-valuenow", live.number(hand.node));
      hand.setAttribute("aria-valuetext", nodes[hand.node].data);
    }
  }
  // A number that is longer than its room is written narrower.
  function squeeze() {
    for (const [b] of view.boxes) for (const text of [texts[b].data, texts[b].grad]) if (text?.getAttribute("text-anchor") === "end") {
      const room = drawn[b].firstChild.width.baseVal.value - 14, isLong = text.textContent.length * 7.9 > room + 1;
      if (isLong) text.setAttribute("textLength", room);
      else text.removeAttribute("textLength");
      if (isLong) text.setAttribute("lengthAdjust", "spacingAndGlyphs");
    }
  }

  // ---- a page around this one

  function post() {
    const numbers = Object.fromEntries(live.leaves.map(({node, name}) => [name, live.number(node)]));
    parent.postMessage({tinygrad_edu: "state", numbers, step: steps.at, height: document.body.offsetHeight}, "*");
  }
  function obey({source, data: told}) {
    if (source !== parent || told?.tinygrad_edu !== "go") return;
    const pairs = live.leaves.filter(({name}) => Number.isFinite(told.numbers?.[name])).map(({node, name}) => [node, told.numbers[name]]);
    if (pairs.length) put(pairs);
    if (Number.isInteger(told.step)) steps.go(told.step);
    post();
  }

  byId("reset").onclick = () => {
    valid();
    live.reset();
    for (const node of rows.keys()) showRow(node);
  };
  byId("reset").hidden = !live.leaves.length;
  if (live.leaves.length <= MOST) makeRows();
  else byId("more").onclick = () => { makeRows(); byId("more").hidden = true; };
  byId("more").hidden = live.leaves.length <= MOST;
  listeners.view.push(makeHands);
  listeners.step.push(() => { for (const node of rows.keys()) showRow(node); showHands(); squeeze(); });
  makeHands();
  squeeze();
  if (data.framed && parent !== window) {
    document.documentElement.classList.add("framed");
    addEventListener("message", obey);
    listeners.step.push(post);
    new ResizeObserver(post).observe(document.body);
  }
  return {put};
})();
