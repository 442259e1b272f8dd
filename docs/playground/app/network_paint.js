// Points painted into the picture, by mouse, touch or keys: they are a data set of their own.
const network_paint = (() => {
  const GRID = 40, LEFT = 68, {thousandth} = network_choices;
  const MOVES = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]};
  const word = (key, holes) => say("network." + key, holes), byId = id => document.getElementById("network_" + id);
  const within = share => Math.max(0, Math.min(1, share));
  const picture = () => byId("picture").querySelector("svg");
  // What a click does ("off", the number of a class, or "away"), where the cross is, what is shown, whom to tell.
  let brush = "off", cursor = [.5, .5], about = null, changed = null;

  function make(parent, onchange) {
    changed = onchange;
    const paint = element(parent, "fieldset", {id: "network_paint"});
    element(paint, "legend", {}, word("paint"));
    element(paint, "div", {id: "network_brushes"});
    const onclick = () => change(() => ({inputs: [], targets: []}));
    element(paint, "button", {type: "button", id: "network_clear", onclick}, word("clear"));
    element(paint, "p", {class: "network_quiet"}, word("paint_how"));
  }
  function showBrushes() {
    const place = byId("brushes"), {classes} = network_choices.examples();
    const all = ["off", ...Object.keys(classes), "away"];
    byId("paint").hidden = !classes.length;
    if (!all.includes(brush)) brush = "off";
    place.replaceChildren();
    for (const each of all) {
      const label = element(place, "label", {class: "network_brush"}), checked = each === brush;
      element(label, "input", {type: "radio", name: "network_brush", value: each, checked, onchange: () => {
        brush = each;
        showCross();
      }});
      label.append(classes[each] === undefined ? word("brush_" + each) : word("brush_class", {name: classes[each]}));
    }
  }

  // ---- painting

  // Painted points keep the range of what they were painted on.
  function change(to) {
    const before = network_choices.examples(), {across, up} = network_view.rangeOf(before), {classes, targets} = before;
    const inputs = before.inputs.map(row => row.map(thousandth));
    network_choices.use({name: "own", features: ["x", "y"], python: "", classes, ...to({inputs, targets}),
      range: {across: across.map(thousandth), up: up.map(thousandth)}});
    changed();
  }
  function nearest(inputs, [x, y]) {
    const far = inputs.map(row => (row[0] - x) ** 2 + (row[1] - y) ** 2);
    return far.indexOf(Math.min(...far));
  }
  function paintAt(point) {
    const isFull = network_choices.examples().inputs.length >= network_choices.MOST_POINTS;
    if (brush === "off" || about.kind !== "classes" || isFull && brush !== "away") return;
    change(({inputs, targets}) => {
      if (brush !== "away") return {inputs: [...inputs, point], targets: [...targets, Number(brush)]};
      const gone = nearest(inputs, point), stays = (_, i) => i !== gone;
      return {inputs: inputs.filter(stays), targets: targets.filter(stays)};
    });
    picture().focus({preventScroll: true});
  }
  function placeOf([u, v]) {
    const between = ([low, high], share) => thousandth(low + (high - low) * share);
    return [between(about.across, u), between(about.up, v)];
  }

  // ---- the picture

  function listen(shown) {
    about = shown;
    picture().addEventListener("click", event => {
      const {left, top, width, height} = picture().querySelector("svg").getBoundingClientRect();
      paintAt(placeOf([within((event.clientX - left) / width), within(1 - (event.clientY - top) / height)]));
    });
    picture().addEventListener("keydown", event => {
      const move = MOVES[event.key];
      if (brush === "off" || !(move || event.key === "Enter" || event.key === " ")) return;
      event.preventDefault();
      if (move) cursor = cursor.map((share, k) => within(share + move[k] / GRID));
      else paintAt(placeOf(cursor));
      showCross();
    });
    showCross();
  }
  // With a brush chosen, the picture can be walked by keys: a cross shows where.
  function showCross() {
    const svg = picture(), inside = svg.querySelector("svg"), {width, height} = inside.viewBox.baseVal, [u, v] = cursor;
    const isOn = brush !== "off" && about.kind === "classes", [x, y] = placeOf(cursor);
    inside.querySelector("#network_cross")?.remove();
    svg.setAttribute("role", isOn ? "application" : "img");
    svg.removeAttribute(isOn ? "aria-labelledby" : "aria-label");
    if (!isOn) {
      svg.removeAttribute("tabindex");
      svg.setAttribute("aria-labelledby", "network_what network_sentence");
      return;
    }
    svg.setAttribute("tabindex", "0");
    svg.setAttribute("aria-label", word("cursor", {x, y}));
    const cross = inside.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "path"));
    cross.id = "network_cross";
    cross.setAttribute("d", "M-9 0H9M0-9V9");
    cross.setAttribute("transform", `translate(${LEFT + width * u} ${height * (1 - v)})`);
  }
  return {listen, make, showBrushes};
})();
