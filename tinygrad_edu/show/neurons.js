// The network at one epoch: each neuron as a small picture of what it answers over the inputs, each weight as a line.
const short = at => known(at) ? String(+at.toPrecision(5)) : say("not_finite");
const rough = (at, digits = 2) => String(+at.toPrecision(digits));
const thickness = weight => .4 + 7 * Math.abs(weight) / (2 + Math.abs(weight));

// The neurons column by column, the inputs first, and the lines between them; numbers as those of the weights come.
function structure({sizes, columns}) {
  const neurons = [], lines = [];
  let number = 0;
  sizes.forEach((count, layer) => columns[layer].forEach(([x, y], i) => {
    const neuron = {layer, i, x, y, first: number};
    if (layer) {
      for (const from of neurons.filter(other => other.layer === layer - 1)) lines.push({number: number++, from, to: neuron});
      neuron.bias = number++;
    }
    neurons.push(neuron);
  }));
  return {neurons, lines};
}
// A byte is 127 · x / (1 + |x|), above 128.
const squashed = byte => (byte - 128) / 127;
const unsquashed = s => s / Math.max(1e-9, 1 - Math.abs(s));

// The stronger the colour the farther from 0, in stripes where it is negative.
function heat(values, side, size) {
  const image = new ImageData(size, size), inks = [ink(1), ink(0)];
  smooth(values, side, size).forEach((s, pixel) => {
    const isStripe = s < 0 && (pixel % size + Math.floor(pixel / size)) % 12 < 4;
    image.data.set(inks[+(s >= 0)], 4 * pixel);
    image.data[4 * pixel + 3] = 255 * Math.min(1, 1.6 * Math.abs(s)) * (isStripe ? .4 : 1);
  });
  return image;
}

// The height of a neuron along its one input, in a square of this half side: to scale where it goes beyond 1.
function wave(values, radius, {x, y}) {
  const heights = values.map(unsquashed), most = Math.max(1, ...heights.map(Math.abs));
  return path(heights.map((height, i) => [x - radius + 2 * radius * i / (heights.length - 1), y - .92 * radius * height / most]));
}

class NetworkPanel {
  constructor(net) {
    const {width, height} = net;
    Object.assign(this, net, structure(net), {end: net.columns.length - 1, now: [], pointed: null, screen: byId("heat")});
    Object.assign(this.screen, {width: 2 * width, height: 2 * height});
    this.svg = put(byId("network"), "svg", {viewBox: `0 0 ${width} ${height}`, role: "img", "aria-labelledby": "inside_title sentence"});
    this.headings();
    this.halo = put(this.svg, "line", {class: "halo"});
    this.lines.forEach(line => this.addLine(line));
    this.neurons.forEach(neuron => this.addNeuron(neuron));
    this.label = put(this.svg, "text", {class: "followed middle"});
    this.svg.addEventListener("pointerover", event => { this.pointed = event.target.told; this.tell(); });
    byId("all").addEventListener("toggle", () => this.list());
    key("M-8 0h16", "weight", say("positive"), "signs");
    key("M-8 0h16", "weight negative", say("negative"), "signs");
    if (isPlane) key("M-7 0 0-7M-7 7 7-7M0 7 7 0", "stripes", say("below_zero"), "signs");
    write(byId("signs"), "li", say("thicker"));
  }

  // ---- what stays

  headings() {
    const top = Math.min(...this.neurons.map(({y}) => y)) - this.radius;
    const above = (x, up, text) => put(this.svg, "text", {class: "middle", x, y: top - up}, text);
    this.columns.forEach(([[x]], layer) => {
      above(x, 22, layer ? say(layer === this.end ? "output" : "layer", {at: layer - 1}) : say("inputs"));
      if (this.activations[layer - 1]) above(x, 7, say("activation", {name: this.activations[layer - 1]}));
    });
  }
  addLine(line) {
    const {radius} = this, ends = {x1: line.from.x + radius, y1: line.from.y, x2: line.to.x - radius, y2: line.to.y};
    line.drawn = put(this.svg, "line", {class: "weight", ...ends});
    put(this.svg, "line", {class: "reach", ...ends}).told = () => this.weight(line.number);
  }
  addNeuron(neuron) {
    const {svg, radius} = this, {x, y} = neuron, size = 2 * radius;
    if (!isPlane) put(svg, "path", {class: "tick", d: `M${x - radius} ${y}h${size}`});
    neuron.wave = put(svg, "path", {class: "wave"});
    put(svg, "rect", {class: "neuron", x: x - radius, y: y - radius, width: size, height: size}).told = () => this.told(neuron);
    this.caption(neuron);
  }
  // Below the squares of the first and the last column, where there is room.
  caption({layer, i, x, y}) {
    const name = layer ? this.isOfClass(layer) && classes[i] : features[i], [first, second] = this.columns[layer];
    if (!name || second && second[1] - first[1] < 2 * this.radius + 13) return;
    put(this.svg, "text", {class: "caption middle", x, y: y + this.radius + 13}, name.length > 14 ? name.slice(0, 13) + "…" : name);
  }
  isOfClass(layer) {
    return layer === this.end && classes.length === this.columns[layer].length;
  }

  // ---- what is said

  nameOf({layer, i}) {
    if (!layer) return say("input_named", {name: features[i]});
    return this.isOfClass(layer) ? say("output_named", {name: classes[i]}) : say("neuron_named", {at: layer - 1, i});
  }
  weight(number) {
    return say("weight_told", {name: this.names[number], number: short(this.now[number])});
  }
  told(neuron) {
    const all = neuron.values.map(unsquashed), low = rough(Math.min(...all)), high = rough(Math.max(...all));
    const text = say("neuron_told", {name: this.nameOf(neuron), low, high});
    return this.names[neuron.bias] ? say("and_bias", {text, bias: this.weight(neuron.bias)}) : text;
  }
  tell() {
    byId("told").textContent = this.pointed ? this.pointed() : say("point_at");
  }
  list() {
    if (!byId("all").open) return;
    byId("weights").replaceChildren();
    for (const neuron of this.neurons.filter(({layer}) => layer)) {
      const its = this.names.slice(neuron.first, neuron.bias + 1), told = its.map((_, k) => this.weight(neuron.first + k));
      write(byId("weights"), "li", say("neuron_weights", {name: this.nameOf(neuron), numbers: told.filter((_, k) => its[k]).join(", ")}));
    }
  }

  // ---- what changes

  show(frame) {
    const all = [...bytes(this.inputs), ...bytes(frame.neurons)].map(squashed), count = all.length / this.neurons.length;
    this.now = new Float32Array(bytes(frame.weights).buffer);
    this.neurons.forEach((neuron, k) => {
      neuron.values = all.slice(k * count, (k + 1) * count);
      if (isPlane) this.paint(neuron);
      else neuron.wave.setAttribute("d", wave(neuron.values, this.radius, neuron));
    });
    this.lines.forEach(line => this.draw(line, this.now[line.number]));
    this.list();
    this.tell();
  }
  paint({values, x, y}) {
    const corner = at => Math.round(2 * (at - this.radius));
    this.screen.getContext("2d").putImageData(heat(values, this.side, Math.round(4 * this.radius)), corner(x), corner(y));
  }
  draw({drawn}, weight) {
    drawn.setAttribute("stroke-width", thickness(weight).toFixed(2));
    drawn.classList.toggle("negative", weight < 0);
  }
  // Point out the line of one weight, as large as given, with a text beside it; none without a text.
  follow(number, text = "", weight = this.now[number]) {
    const line = this.lines.find(line => line.number === number), {halo, label} = this;
    for (const part of [halo, label]) part.setAttribute("visibility", line && text ? "visible" : "hidden");
    if (!line) return;
    this.draw(line, weight);
    for (const name of ["x1", "y1", "x2", "y2"]) halo.setAttribute(name, line.drawn.getAttribute(name));
    halo.setAttribute("stroke-width", thickness(weight) + 6);
    label.setAttribute("x", (line.from.x + line.to.x) / 2);
    label.setAttribute("y", (line.from.y + line.to.y) / 2 - 8);
    label.textContent = text;
  }
}
