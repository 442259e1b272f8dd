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

function networkPanel(net) {
  const {radius, width, height, names, columns} = net, {neurons, lines} = structure(net), end = columns.length - 1;
  const svg = put(byId("network"), "svg", {viewBox: `0 0 ${width} ${height}`, role: "img", "aria-labelledby": "inside_title sentence"});
  const halo = put(svg, "line", {class: "halo", visibility: "hidden"}), label = {}, screen = byId("heat");
  const isNamed = layer => layer === end && classes.length === columns[end].length;
  let weights = [], pointed = null;
  Object.assign(screen, {width: 2 * width, height: 2 * height});

  function nameOf({layer, i}) {
    if (!layer) return say("input_named", {name: features[i]});
    return isNamed(layer) ? say("output_named", {name: classes[i]}) : say("neuron_named", {at: layer - 1, i});
  }
  const weight = number => say("weight_told", {name: names[number], number: short(weights[number])});
  function told(neuron) {
    const all = Array.from(neuron.values, unsquashed);
    const text = say("neuron_told", {name: nameOf(neuron), low: rough(Math.min(...all)), high: rough(Math.max(...all))});
    return names[neuron.bias] ? say("and_bias", {text, bias: weight(neuron.bias)}) : text;
  }
  const tell = () => { byId("told").textContent = pointed ? pointed() : say("point_at"); };
  function headings() {
    const top = Math.min(...neurons.map(({y}) => y)) - radius;
    columns.forEach(([[x]], layer) => {
      put(svg, "text", {class: "middle", x, y: top - 22}, layer ? say(layer === end ? "output" : "layer", {at: layer - 1}) : say("inputs"));
      if (layer && net.activations[layer - 1]) put(svg, "text", {class: "middle", x, y: top - 7}, say("activation", {name: net.activations[layer - 1]}));
    });
  }
  // Below the squares of the first and the last column, where there is room.
  function caption({layer, i, x, y}) {
    const name = layer ? isNamed(layer) && classes[i] : features[i], [first, second] = columns[layer];
    if (!name || second && second[1] - first[1] < 2 * radius + 13) return;
    put(svg, "text", {class: "middle", x, y: y + radius + 13}, name.length > 14 ? name.slice(0, 13) + "…" : name);
  }
  function build() {
    headings();
    for (const line of lines) {
      const ends = {x1: line.from.x + radius, y1: line.from.y, x2: line.to.x - radius, y2: line.to.y};
      line.drawn = put(svg, "line", {class: "weight", ...ends});
      put(svg, "line", {class: "reach", ...ends}).told = () => weight(line.number);
    }
    for (const neuron of neurons) {
      const {x, y} = neuron;
      if (!isPlane) put(svg, "path", {class: "tick", d: `M${x - radius} ${y}h${2 * radius}`});
      neuron.wave = put(svg, "path", {class: "wave"});
      put(svg, "rect", {class: "neuron", x: x - radius, y: y - radius, width: 2 * radius, height: 2 * radius}).told = () => told(neuron);
      caption(neuron);
    }
    label.drawn = put(svg, "text", {class: "followed middle"});
    svg.addEventListener("pointerover", event => { pointed = event.target.told; tell(); });
    byId("all").addEventListener("toggle", list);
  }
  function list() {
    if (!byId("all").open) return;
    byId("weights").replaceChildren();
    for (const neuron of neurons.filter(({layer}) => layer)) {
      const numbers = names.slice(neuron.first, neuron.bias + 1).flatMap((name, k) => name ? [weight(neuron.first + k)] : []);
      write(byId("weights"), "li", say("neuron_weights", {name: nameOf(neuron), numbers: numbers.join(", ")}));
    }
  }
  function draw({drawn, number}, at = weights[number]) {
    drawn.setAttribute("stroke-width", thickness(at).toFixed(2));
    drawn.classList.toggle("negative", at < 0);
  }
  function show(frame) {
    const all = [...bytes(net.inputs), ...bytes(frame.neurons)].map(squashed), count = all.length / neurons.length;
    weights = new Float32Array(bytes(frame.weights).buffer);
    neurons.forEach((neuron, k) => {
      const values = neuron.values = all.slice(k * count, (k + 1) * count), corner = at => Math.round(2 * (at - radius));
      if (isPlane) screen.getContext("2d").putImageData(heat(values, net.side, Math.round(4 * radius)), corner(neuron.x), corner(neuron.y));
      else neuron.wave.setAttribute("d", wave(values, radius, neuron));
    });
    lines.forEach(line => draw(line));
    list();
    tell();
  }
  // The weight of one line, told beside it; nothing where there is no text.
  function follow(number, text, at) {
    const line = lines.find(line => line.number === number), isShown = line && text;
    for (const part of [halo, label.drawn]) part.setAttribute("visibility", isShown ? "visible" : "hidden");
    if (!line) return;
    draw(line, isShown ? at : weights[number]);
    const {from, to} = line, middle = {x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 - 8};
    for (const name of ["x1", "y1", "x2", "y2"]) halo.setAttribute(name, line.drawn.getAttribute(name));
    halo.setAttribute("stroke-width", thickness(at) + 6);
    for (const name in middle) label.drawn.setAttribute(name, middle[name]);
    label.drawn.textContent = text;
  }
  build();
  return {show, follow};
}
const network = data.network && networkPanel(data.network);
byId("inside").hidden = !network;
document.body.classList.toggle("with-network", !!network);
