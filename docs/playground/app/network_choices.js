// What is chosen in the network tab, of data, network and learning: as settings, as a link, and as a program.
const network_choices = (() => {
  const {losses, thresholds, optimizers, activations} = network_data;
  const MOST_POINTS = 500, MOST_CLASSES = 8, FARTHEST = 1e6, LONGEST = 40;
  const LEGAL = {seed: /^\d{1,9}$/, layers: /^[1-8](-[1-8]){0,2}$/, batch: /^[1-9]\d{0,3}$/, steps: /^\d{1,6}$/};
  const NUMBER = /^\d{0,6}\.?\d{1,12}(e-?\d{1,2})?$/;
  const USUAL = {data: "moons", test: "0", layers: "8", activation: "tanh", loss: "bce_with_logits", optimizer: "Adam",
    lr: "0.03", penalty: "none", strength: "0.01", batch: "16", seed: "0", speed: "fast"};
  const options = {
    test: ["0", "0.2", "0.5"], activation: activations, optimizer: Object.keys(optimizers),
    lr: ["0.0001", "0.001", "0.003", "0.01", "0.03", "0.1", "0.3", "1"],
    penalty: ["none", "L1", "L2"], strength: ["0.0001", "0.001", "0.01", "0.1"],
    batch: ["1", "2", "4", "8", "16", "32", "80"], speed: ["step", "epoch", "fast"]};
  const chosen = {...USUAL};
  let own = null;                       // painted or pasted examples

  // ---- what may be chosen

  // The data sets of the package, with the names of their columns and classes in the language of the page.
  const spoken = names => names.map(name => say("network.name_" + name.replaceAll(" ", "_")));
  const sets = Object.fromEntries(Object.entries(network_data.sets).map(([name, set]) =>
    [name, {...set, features: spoken(set.features), classes: spoken(set.classes)}]));
  const examples = () => own?.name === chosen.data ? own : sets[chosen.data];
  function lossesFor({classes}) {
    if (!classes.length) return losses.numbers;
    return classes.length === 2 ? [...losses.two, ...losses.classes] : losses.classes;
  }
  // A link may hold anything; of numbers it may hold more than the menus.
  function isChoice(key, text) {
    if (key === "data") return Object.hasOwn(sets, text) || own?.name === text;
    if (key === "loss") return lossesFor(examples()).includes(text);
    if (key === "lr" || key === "strength") return NUMBER.test(text) && Number(text) > 0;
    return Object.hasOwn(LEGAL, key) ? LEGAL[key].test(text) : options[key].includes(text);
  }
  // What is in the menu of a key: a number of a link stands among the others.
  function menu(key) {
    const numbers = [...new Set([...options[key], chosen[key]])];
    return ["lr", "strength", "batch"].includes(key) ? numbers.sort((one, other) => one - other) : options[key];
  }
  // Was it chosen?  Data of another kind, and another optimizer, begin with what is usual for them.
  function choose(key, text) {
    if (!isChoice(key, text)) return false;
    const before = lossesFor(examples());
    chosen[key] = text;
    settleLoss(before);
    const rate = key === "optimizer" && String(optimizers[text].lr);
    if (options.lr.includes(rate)) chosen.lr = rate;
    return true;
  }
  function settleLoss(before) {
    const now = lossesFor(examples());
    if (String(now) !== String(before) || !now.includes(chosen.loss)) [chosen.loss] = now;
  }
  // Examples that came from the user are a data set, too.
  function use(data) {
    const before = lossesFor(examples());
    own = data;
    chosen.data = data.name;
    settleLoss(before);
  }

  // ---- as settings of a training

  const widths = () => chosen.layers.split("-").map(Number);
  function settings() {
    const {features, classes} = examples(), {activation, loss, optimizer, penalty} = chosen;
    const sizes = [features.length, ...widths(), losses.classes.includes(loss) ? classes.length : 1];
    return {sizes, activation, loss, optimizer, penalty, threshold: thresholds[loss], strength: +chosen.strength,
      at: {...optimizers[optimizer], lr: +chosen.lr}, batch: +chosen.batch, seed: +chosen.seed};
  }

  // ---- as a link

  const thousandth = x => Math.round(1000 * x) / 1000;
  function link(steps) {
    const {speed, ...pairs} = chosen;
    // A pasted table may be long, and it may be private: its name alone is there.
    if (chosen.data !== "own") return {...pairs, steps: String(steps)};
    const {inputs, targets, classes, range} = own;
    return {...pairs, steps: String(steps), classes: String(classes.length),
      points: inputs.map((row, i) => [...row, targets[i]].join(",")).join(";"),
      range: [...range.across, ...range.up].map(thousandth).join(",")};
  }
  const numbersIn = text => String(text).split(",").map(part => part.trim() ? Number(part) : NaN);
  const areNear = numbers => numbers.every(x => Math.abs(x) <= FARTHEST);
  // Painted points as a link has them; null where it has none, or what cannot be such.
  function painted({points = "", classes, range}) {
    const count = Number(classes), ends = numbersIn(range);
    const rows = points.split(";").filter(Boolean).slice(0, MOST_POINTS).map(numbersIn);
    const isClass = kind => Number.isInteger(kind) && kind >= 0 && kind < count;
    const isPoint = row => row.length === 3 && areNear(row) && isClass(row[2]);
    const isRange = ends.length === 4 && areNear(ends) && ends[0] < ends[1] && ends[2] < ends[3];
    if (!Number.isInteger(count) || count < 2 || count > MOST_CLASSES || !isRange || !rows.every(isPoint)) return null;
    return {name: "own", python: "", features: ["x", "y"], range: {across: ends.slice(0, 2), up: ends.slice(2)},
      classes: Array.from({length: count}, (_, at) => say("network.class", {at})),
      inputs: rows.map(([x, y]) => [x, y]), targets: rows.map(([, , kind]) => kind)};
  }
  // Take from a link, a Map, what can be; all else is as usual.  Returns a sentence for each key that cannot be.
  function settle(link) {
    const told = Object.fromEntries(link), isPainted = told.data === "own" && painted(told), refused = [];
    Object.assign(chosen, USUAL);
    own = isPainted || own;
    for (const key of Object.keys(USUAL)) {
      if (key === "loss" && !isChoice(key, chosen.loss)) [chosen.loss] = lossesFor(examples());
      if (!Object.hasOwn(told, key)) continue;
      if (isChoice(key, told[key])) chosen[key] = told[key];
      else refused.push(key);
    }
    if (Object.hasOwn(told, "steps") && !LEGAL.steps.test(told.steps)) refused.push("steps");
    if (told.data === "own" && !isPainted) refused.push("points");
    return refused.map(key => refusal(key, told[key] ?? ""));
  }
  function refusal(key, text) {
    const used = {steps: "0", points: chosen.data}[key] ?? chosen[key];
    if (key === "data" && text === "csv") return say("network.lost_csv", {used});
    return say("network.refused", {key, text: text.length > LONGEST ? text.slice(0, LONGEST) + "…" : text, legal: legal(key), used});
  }
  // What a key may be.
  function legal(key) {
    if (["lr", "strength", "points", ...Object.keys(LEGAL)].includes(key)) return say("network.legal_" + key);
    const all = {data: Object.keys(sets), loss: lossesFor(examples())}[key] ?? options[key];
    return say("network.legal_menu", {all: all.join(", ")});
  }

  // ---- as a program

  const listed = values => JSON.stringify(values).replaceAll('","', '", "').replace(/(?<=\d),(?=\d)/g, ", ");
  function dataText({python, inputs, targets, features, classes}) {
    if (python) return `data = ${python}`;
    const lists = [inputs, targets, features, classes].map(values => JSON.stringify(values)).join(",\n    ");
    return `data = tg.data.Data(\n    ${lists})`;
  }
  // A program in Python that trains the same network to the same numbers: it says so where these are not all steps.
  function program({settings, epoch, held_out, place}) {
    const {sizes, activation, loss, optimizer, at, penalty, strength, batch, seed} = settings;
    const kept = held_out ? "train" : "data", others = [
      ...penalty === "none" ? [] : [`penalty=tg.${penalty}(${strength})`], ...held_out ? ["validation=test"] : []];
    return [...place ? [`# ${say("network.whole_epochs", {epoch})}`] : [], "import tinygrad_edu as tg", "", dataText(examples()),
      ...held_out ? [`train, test = tg.data.split(data, ${chosen.test}, seed=${seed})`] : [],
      `model = tg.MLP(${sizes[0]}, ${listed(sizes.slice(1))}, activation="${activation}", rng=${seed})`,
      `optimizer = tg.${optimizer}(model.parameters(), lr=${at.lr})`,
      `history = tg.fit(model, ${kept}.inputs, ${kept}.targets, loss="${loss}", optimizer=optimizer,`,
      `                 ${[`epochs=${epoch}`, `batch_size=${batch}`, `seed=${seed}`, ...others].join(", ")})`,
      "print(history.loss[-1:], [p.data for p in model.parameters()])", ""].join("\n");
  }
  return {choose, chosen, examples, link, lossesFor, menu, MOST_POINTS, options, get own() { return own; }, program, sets,
    settings, settle, thousandth, use, widths};
})();
