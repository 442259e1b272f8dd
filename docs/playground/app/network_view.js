// What the network tab shows: by the scripts of the page of a training, `network_scene`, fed anew at each look.
const network_view = (() => {
  const RESOLUTION = 32, SIDE = 12, ALONG = 24, CURVE_POINTS = 81, MOST_POINTS = 2600, LARGEST = 1e30;
  const LEFT = 68, ACROSS = 320, LOW = 170, BESIDE = 5, LONGEST = 14, {drawing, layouts, shapes} = network_data;
  const base64 = bytes => btoa(String.fromCharCode(...bytes));
  const within = x => Number.isNaN(x) ? 0 : Math.max(-LARGEST, Math.min(LARGEST, x));
  const inByte = x => 128 + Math.round(127 * within(x) / (1 + Math.abs(within(x))));
  const spaced = ([low, high], count) => Array.from({length: count}, (_, i) => low + (high - low) * i / (count - 1));
  const gridOf = ({across, up}, side) => spaced(up, side).flatMap(y => spaced(across, side).map(x => [x, y]));

  function widened(column, share) {
    const low = Math.min(...column), high = Math.max(...column), margin = share * (high - low || 1);
    return [low - margin, high + margin];
  }
  // Where examples and answers are drawn.
  function rangeOf({inputs, targets, classes, range}) {
    const column = k => inputs.map(row => row[k]);
    if (range) return range;
    if (classes.length) return {across: widened(column(0), .1), up: widened(column(1), .1)};
    return {across: widened(column(0), .05), up: widened(targets, .25)};
  }

  // ---- what stays while a network trains

  const shortened = name => name.length > LONGEST ? name.slice(0, LONGEST - 1) + "…" : name;
  // What stands above each column, and beside each circle: names of inputs, and of outputs where each is a class.
  function textsOf({sizes, layers}, {features, classes}) {
    const above = sizes.map((_, k) => k ? [say("animation.layer", {at: k - 1}), layers[k - 1].name] : [say("animation.inputs")]);
    return {above, before: features.map(shortened), after: classes.length === sizes.at(-1) ? classes.map(shortened) : []};
  }
  // Where `tg.draw` has the circles, with room for the texts around them.
  function placesOf({sizes}, {above, before, after}) {
    const {radius, widest, across, heights} = layouts[`${sizes.length} ${Math.max(...sizes)}`], {heading, letter} = drawing;
    const wide = texts => letter * Math.max(0, ...texts.map(text => text.length)), half = k => wide(above[k]) / 2;
    const left = Math.max(0, half(0) - across[0], before.length && wide(before) + BESIDE), end = across.length - 1;
    const right = across[end] + Math.max(radius, half(end), radius + wide(after) + (after.length && BESIDE));
    const columns = sizes.map((size, k) => heights[size - 1].map(y => [left + across[k], heading + y]));
    const lowest = Math.max(...columns.flat().map(([, y]) => y)) + radius;
    return {radius, widest, columns, width: Math.ceil(left + right + 2), height: Math.ceil(lowest + 4)};
  }
  function namesOf({layers}) {
    const names = (w, k, i) => [...Array.from(w, (_, j) => `w${k}[${i},${j}]`), `b${k}[${i}]`];
    return layers.flatMap(({neurons}, k) => neurons.flatMap(({w}, i) => names(w, k, i)));
  }
  function networkOf(model, examples, looked, side) {
    const inputs = looked[0].flatMap((_, k) => looked.map(row => inByte(row[k]))), texts = textsOf(model, examples);
    return {sizes: model.sizes, side, ...texts, ...placesOf(model, texts), names: namesOf(model), inputs: base64(inputs)};
  }
  // What `network_scene` is given; `walk` says which weight is followed.
  function describe({examples, model, held_out}, walk) {
    const {inputs, targets, classes, features} = examples, range = rangeOf(examples), isPlane = classes.length > 0;
    const neurons = model.sizes.slice(1).reduce((sum, size) => sum + size);
    const side = Math.min(SIDE, Math.floor(Math.sqrt(MOST_POINTS / neurons)));
    const looked = isPlane ? gridOf(range, side) : spaced(range.across, ALONG).map(x => [x]);
    return {...range, walk, shapes, classes, looked, network: networkOf(model, examples, looked, side),
      hasTest: held_out !== null, kind: isPlane ? "classes" : "numbers", resolution: RESOLUTION,
      features: isPlane ? features : [features[0], "y"], levels: Math.floor(256 / Math.max(2, classes.length)),
      points: inputs.map((row, i) => isPlane ? [...row, targets[i]] : [...row, targets[i], 0]),
      frames: [{epoch: 0}], loss: [1], accuracy: [], validation_loss: [], validation_accuracy: []};
  }

  // ---- the parts of the page that the scripts fill

  function makeScene(place, about, word) {
    place.className = "";
    place.replaceChildren();
    makePictures(place, word);
    makeCourse(place, about, word);
    makeStep(place, word);
    const own = ["answers_between", "no_step", "point_at", "step_of", "widest"];
    const said = (key, holes) => own.includes(key) ? word(key, holes) : say("animation." + key, holes);
    const byId = id => document.getElementById("network_" + id);
    const scene = network_scene({byId, data: about, say: said, document: documentOf(place)});
    byId("network").style.maxWidth = `${about.network.width}px`;
    place.style.setProperty("--inside", `${Math.max(480, about.network.width)}fr`);
    byId("picture").querySelector("svg").setAttribute("aria-labelledby", "network_what network_sentence");
    byId("network").querySelector("svg").setAttribute("aria-labelledby", "network_inside_title network_sentence");
    return scene;
  }
  // The scripts mark their page's body with what they show: here it is this place.
  function documentOf(place) {
    return {body: place, documentElement: document.documentElement, createElement: name => document.createElement(name),
      createElementNS: (space, name) => document.createElementNS(space, name)};
  }
  function makePictures(place, word) {
    const inside = element(place, "section", {id: "network_inside"});
    const plane = element(place, "section", {id: "network_plane"});
    element(inside, "h2", {id: "network_inside_title"}, word("inside"));
    element(element(inside, "div", {id: "network_network"}), "canvas", {id: "network_heat"});
    element(inside, "ul", {id: "network_signs", class: "key"});
    element(inside, "p", {id: "network_told", class: "quiet"});
    element(plane, "h2", {id: "network_what"});
    const picture = element(plane, "div", {id: "network_picture"});
    element(picture, "canvas", {id: "network_answers", width: 128, height: 128});
    element(plane, "ul", {id: "network_key", class: "key"});
  }
  function makeCourse(place, {hasTest}, word) {
    const course = element(place, "section", {id: "network_course"});
    element(course, "h2", {}, word("title_losses"));
    const svg = course.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "svg"));
    const attributes = {
      id: "network_curve", viewBox: "0 -8 396 218", role: "img", "aria-labelledby": "network_sentence"};
    for (const name in attributes) svg.setAttribute(name, attributes[name]);
    element(course, "p", {class: "quiet"}, word(hasTest ? "losses_of_both" : "losses_of_one"));
  }
  function makeStep(place, word) {
    const step = element(place, "section", {id: "network_step"});
    const more = element(place, "section", {id: "network_more"});
    element(step, "h2", {id: "network_step_title"});
    element(step, "ol", {id: "network_stages"});
    for (const [name, kind, inner] of [["examples", "table", "batch"], ["all", "ul", "weights"]]) {
      const details = element(more, "details", {id: "network_" + name});
      element(details, "summary", {}, word("more_" + name));
      element(details, kind, {id: "network_" + inner});
    }
    const unused = element(place, "div", {hidden: true});           // what the page of a training has besides
    for (const [name, kind] of [["losses", "div"], ["numbers", "table"], ["note", "p"]]) {
      element(unused, kind, {id: "network_" + name});
    }
  }

  // ---- what changes

  // A byte for a point of the grid: the class that wins, and by what margin, as `animation.js` reads it.
  function cellOf(output, {levels}, threshold) {
    const scores = output.length > 1 ? output : [threshold, output[0]], best = Math.max(...scores);
    const winner = scores.indexOf(best), margin = best - Math.max(...scores.filter((_, k) => k !== winner));
    const scaled = margin * (threshold ? 8 : 1);
    return winner * levels + Math.min(levels - 1, Math.floor(scaled / (scaled + 4) * levels));
  }
  function wrongBits(right) {
    const bits = new Uint8Array(Math.ceil(right.length / 8));
    right.forEach((is, i) => { if (!is) bits[i >> 3] |= 1 << i % 8; });
    return base64(bits);
  }
  function neuronBytes(model, rows) {
    const all = rows.map(row => train.answers(model, row).flat());
    return base64(all[0].flatMap((_, k) => all.map(answers => inByte(answers[k]))));
  }
  function frameOf({model, settings}, about, right) {
    const output = row => train.answers(model, row).at(-1).map(within);
    const weights = base64(new Uint8Array(Float32Array.from(model.data, within).buffer));
    const frame = {neurons: neuronBytes(model, about.looked), weights};
    if (about.kind === "numbers") return {...frame, curve: spaced(about.across, CURVE_POINTS).map(x => output([x])[0])};
    const cells = gridOf(about, RESOLUTION).map(row => cellOf(output(row), about, settings.threshold));
    return {...frame, cells: base64(cells), wrong: wrongBits(right)};
  }
  // The next step in the numbers of one weight, as `walk.js` tells it.
  function stepOf({settings}, {batch, answers, right, loss, before, after, terms: {terms, rest, sum}}, number) {
    const products = terms.map(({product}) => product), most = Math.max(...products.map(Math.abs));
    return {batch, answers, loss, right: right.map(Number), shares: products.map(product => batch.length * product),
      rest: Math.abs(rest) > 1e-9 * most ? rest : 0, gradient: sum, before: before[number], after: after[number],
      lr: settings.at.lr, plain: settings.optimizer === "SGD"};
  }

  // ---- losses, epoch by epoch

  // [epoch, loss] of as many epochs as can be told apart, the last one among them.
  function seen(list) {
    const apart = Math.ceil(list.length / ACROSS), found = [];
    for (let i = 0; i < list.length; i += apart) found.push([i + 1, list[i]]);
    if (found.length && found.at(-1)[0] < list.length) found.push([list.length, list.at(-1)]);
    return found.filter(([, at]) => Number.isFinite(at));
  }
  function scaleOf(all) {
    const least = Math.min(...all), most = Math.max(...all), isLog = least > 0 && most >= 100 * least;
    const scaled = isLog ? Math.log10 : at => at, low = isLog ? scaled(least) : Math.min(0, least);
    return {isLog, scaled, low, high: scaled(most) > low ? scaled(most) : low + 1};
  }
  function lossCurve(svg, {axes, linear, path, put, ticks}, {loss, validation_loss}, next) {
    const lines = {training: seen(loss), validation: seen(validation_loss)};
    const all = [...Object.values(lines).flat().map(([, at]) => at), next?.loss].filter(Number.isFinite);
    svg.replaceChildren();
    if (!all.length) return;
    const {isLog, scaled, low, high} = scaleOf(all), last = Math.max(1, loss.length);
    const x = linear(0, last, LEFT, LEFT + ACROSS), height = linear(low, high, LOW, 8), y = at => height(scaled(at));
    const whole = all => all.filter(Number.isInteger);
    const marks = isLog ? whole(ticks(low, high)).map(power => +(10 ** power).toPrecision(1)) : ticks(low, high);
    const names = [say("animation.epoch"), say(isLog ? "animation.loss_logarithmic" : "animation.loss")];
    axes(svg, ACROSS, LOW, whole(ticks(0, last)), marks, x, y, names);
    for (const [name, line] of Object.entries(lines)) {
      const spots = line.map(([epoch, at]) => [x(epoch), y(at)]);
      put(svg, "path", {class: `loss ${name}`, d: path(spots)});
      if (spots.length) put(svg, "circle", {class: name, r: 4.5, cx: spots.at(-1)[0], cy: spots.at(-1)[1]});
    }
    const place = next && `translate(${x(loss.length)} ${y(next.loss)})`;
    if (next) put(svg, "path", {class: "spot", d: "M0-6 6 0 0 6-6 0z", transform: place});
  }
  return {describe, frameOf, lossCurve, makeScene, rangeOf, stepOf};
})();
