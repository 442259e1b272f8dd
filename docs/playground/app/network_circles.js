// The network as `tg.draw` draws it: circles in the same places, lines as wide as their weights. In each circle is a picture of
// what its neuron answers over the inputs.
const {thinnest, dashes} = network_data.drawing;

// The pixels of a square that are outside the circle in it.
function corners(size) {
  const isOutside = pixel => Math.hypot(pixel % size + .5 - size / 2, Math.floor(pixel / size) + .5 - size / 2) > size / 2;
  return [...Array(size * size).keys()].filter(isOutside);
}

class NetworkOfCircles extends NetworkPanel {
  constructor(net) {
    super(net);
    this.svg.classList.add("tg-graph");
    byId("signs").lastElementChild.remove();        // how thick lines are is told with the largest weight
    key("M-8-.4 8-2.5v5L-8 .4z", "tg-wedge", "", "signs");
    this.scale = byId("signs").lastElementChild.appendChild(document.createElement("span"));
  }

  // ---- what stays

  headings() {
    this.above.forEach((texts, layer) => texts.forEach((text, i) =>
      this.text(this.columns[layer][0][0], 14 + 16 * i, i ? "tg-quiet" : "tg-name", text)));
  }
  text(x, y, kind, text, anchor = "middle") {
    put(this.svg, "text", {class: kind, x, y, "text-anchor": anchor}, text);
  }
  addLine(line) {
    const {radius} = this, ends = {x1: line.from.x + radius, y1: line.from.y, x2: line.to.x - radius, y2: line.to.y};
    line.drawn = put(this.svg, "line", {class: "tg-line", ...ends});
    put(this.svg, "line", {class: "reach", ...ends}).told = () => this.weight(line.number);
  }
  addNeuron(neuron) {
    const {svg, radius, before, after, end} = this, {layer, i, x, y} = neuron;
    if (!isPlane) put(svg, "path", {class: "tick", d: `M${x - radius} ${y}h${2 * radius}`});
    neuron.wave = put(svg, "path", {class: "wave", transform: `translate(${.3 * x} ${.3 * y}) scale(.7)`});     // within the circle
    put(svg, "circle", {class: "tg-box", cx: x, cy: y, r: radius}).told = () => this.told(neuron);
    if (!layer) this.text(x - radius - 5, y + 4.5, "tg-name", before[i], "end");
    else if (layer === end && after[i]) this.text(x + radius + 5, y + 4.5, "tg-name", after[i], "start");
  }

  // ---- what changes

  show(frame) {
    const weights = new Float32Array(bytes(frame.weights).buffer);
    this.most = Math.max(...this.lines.map(({number}) => Math.abs(weights[number])));
    super.show(frame);
    this.scale.textContent = say("widest", {number: rough(this.most, 3)});
  }
  paint({values, x, y}) {
    const size = Math.round(4 * this.radius), image = heat(values, this.side, size);
    this.outside ??= corners(size);
    for (const pixel of this.outside) image.data[4 * pixel + 3] = 0;
    this.screen.getContext("2d").putImageData(image, Math.round(2 * (x - this.radius)), Math.round(2 * (y - this.radius)));
  }
  // The width is relative to the largest weight.
  draw({drawn}, weight) {
    const share = this.most ? Math.min(1, Math.abs(weight) / this.most) : 0;
    drawn.setAttribute("stroke-width", (thinnest + (this.widest - thinnest) * share).toFixed(2));
    drawn.setAttribute("stroke-dasharray", weight < 0 ? dashes : "none");
    drawn.setAttribute("class", `tg-line tg-${weight ? weight < 0 ? "minus" : "plus" : "zero"}`);
  }
  // The list says of each neuron what a pointer reads in its circle.
  list() {
    super.list();
    const items = byId("weights").children, neurons = byId("all").open ? this.neurons.filter(({layer}) => layer) : [];
    neurons.forEach(({values}, i) => {
      const all = values.map(unsquashed), low = rough(Math.min(...all)), high = rough(Math.max(...all));
      items[i].append("; " + say("answers_between", {low, high}));
    });
  }
}
const network = new NetworkOfCircles(data.network);
document.body.classList.add("with-network");
