// The network tab: settings, a training that plays, and every number of its next step.
const network_tab = (() => {
  const BUDGET = 20, MOST_STEPS = 999_999, PAUSE = 1000, {chosen, options} = network_choices;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const word = (key, holes) => say("network." + key, holes), byId = id => document.getElementById("network_" + id);
  const count = list => list.filter(Boolean).length;
  const short = at => Number.isFinite(at) ? network_numbers.short(at) : say("animation.not_finite");
  // The training and its picture; the weight that was picked; how often an example was asked for, and which is open.
  let root = null, state = null, scene = null, about = null, next = null, picked = null, asked = 0, opened = null;
  let playing = false, goal = 0;        // the step that a link leads to, while the training goes there

  // ---- training

  function restart() {
    const found = network_choices.examples(), settings = network_choices.settings(), share = Number(chosen.test);
    const all = {...found, range: network_view.rangeOf(found)};
    const [kept, held_out] = share && all.inputs.length > 1 ? train.split(all, share, settings.seed) : [all, null];
    play(false);
    state = train.start(settings, kept, held_out);
    picked = null;
    if (root) drawAll();
    link.changed();
  }
  const canLearn = () => state.examples.inputs.length > 0 && !state.exploded;
  function choose(key, text) {
    byId("refused").replaceChildren();
    if (network_choices.choose(key, text) && key !== "speed") restart();
  }
  function advance() {
    const end = performance.now() + BUDGET, goesOn = () => canLearn() && performance.now() < end;
    if (goal) do train.step(state); while (state.steps < goal && goesOn());
    else if (chosen.speed === "step") train.step(state);
    else do train.epoch(state); while (chosen.speed === "fast" && goesOn());
  }
  function tick() {
    if (!playing) return;
    if (!goal && !root.checkVisibility()) return play(false);
    advance();
    if (!canLearn() || state.steps === goal) return play(false);
    if (!goal || !still.matches) look();
    if (!goal && still.matches) setTimeout(tick, PAUSE);
    else requestAnimationFrame(tick);
  }
  function play(wanted) {
    if (playing === wanted) return;
    playing = wanted && canLearn();
    if (!playing) goal = 0;
    byId("play").textContent = word(playing ? "pause" : "play");
    if (playing) return tick();
    look();
    link.changed();
  }
  function once(act) {
    play(false);
    if (!canLearn()) return;
    act(state);
    look();
    link.changed();
  }

  // ---- the page around the picture

  function make(parent) {
    root = element(parent, "div", {id: "network_whole"});
    const side = element(root, "div", {id: "network_side"}), main = element(root, "div", {id: "network_main"});
    makeData(panel(side, "data"));
    makeSettings(panel(side, "settings"));
    element(main, "div", {id: "network_refused", role: "status"});
    makeBar(main);
    element(main, "p", {id: "network_sentence", "aria-live": "polite"});
    element(main, "div", {id: "network_scene"});
    makeSum(panel(main, "sum"));
    makePlayer(panel(main, "player"));
    makePython(panel(main, "python"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", look);
    if (state) drawAll();
    else restart();
  }
  function panel(parent, name) {
    const made = element(parent, "section", {id: "network_" + name, class: "network_box"});
    element(made, "h2", {}, word("title_" + name));
    return made;
  }
  function button(parent, name, onclick) {
    return element(parent, "button", {type: "button", id: "network_" + name, onclick}, word(name));
  }
  function select(parent, key, act = text => choose(key, text)) {
    const label = element(parent, "label", {class: "network_choice"}, word("choice_" + key));
    const made = element(label, "select", {id: "network_choice_" + key, onchange: () => act(made.value)});
    fill(made, options[key] ?? []);
    return made;
  }
  function fill(list, texts, name = text => text) {
    list.replaceChildren();
    for (const text of texts) element(list, "option", {value: text}, name(text));
  }
  function makeBar(parent) {
    const bar = element(parent, "div", {id: "network_bar", role: "group", "aria-label": word("bar")});
    button(bar, "restart", restart);
    button(bar, "play", () => play(!playing));
    button(bar, "one_step", () => once(train.step));
    button(bar, "one_epoch", () => once(train.epoch));
    button(bar, "one_example", () => {
      play(false);
      if (canLearn()) openExample(train.nextBatch(state)[0]);
    });
    fill(select(bar, "speed"), options.speed, text => word("speed_" + text));
  }
  function makeData(parent) {
    select(parent, "data");
    fill(select(parent, "test"), options.test, text => word("test_" + text.replace(".", "_")));
    network_paint.make(parent, restart);
    const paste = element(parent, "details", {id: "network_paste"});
    element(paste, "summary", {}, word("paste"));
    element(element(paste, "label", {}, word("paste_how")), "textarea", {
      id: "network_csv", rows: 6, spellcheck: "false", placeholder: word("csv_example")});
    button(paste, "use_csv", useCsv);
    element(parent, "p", {id: "network_csv_said", role: "status"});
  }
  function makeSettings(parent) {
    const row = element(parent, "div", {role: "group", "aria-label": word("layers")});
    const deep = depth => Array.from({length: depth}, (_, i) => network_choices.widths()[i] ?? 4).join("-");
    fill(select(row, "depth", text => choose("layers", deep(Number(text)))), ["1", "2", "3"]);
    element(row, "div", {id: "network_widths"});
    for (const key of ["activation", "loss", "optimizer", "lr", "penalty", "strength", "batch"]) select(parent, key);
    fill(byId("choice_penalty"), options.penalty, text => word("penalty_" + text));
    const label = element(parent, "label", {class: "network_choice"}, word("choice_seed"));
    const seed = element(label, "input", {id: "network_choice_seed", inputmode: "numeric", maxlength: 9});
    seed.addEventListener("change", () => {
      choose("seed", seed.value.trim());
      seed.value = chosen.seed;
    });
  }
  function showWidths() {
    const widths = network_choices.widths(), place = byId("widths"), focused = document.activeElement?.id;
    byId("choice_depth").value = String(widths.length);
    place.replaceChildren();
    widths.forEach((width, i) => {
      const label = element(place, "label", {class: "network_choice"}, word("neurons", {at: i}));
      const list = element(label, "select", {id: "network_width_" + i, onchange: () =>
        choose("layers", widths.map((old, k) => k === i ? list.value : old).join("-"))});
      fill(list, "12345678");
      list.value = String(width);
    });
    place.querySelector(`[id="${focused}"]`)?.focus();
  }
  function showChoices() {
    const {own, sets} = network_choices;
    fill(byId("choice_data"), [...Object.keys(sets), ...own ? [own.name] : []], name => word("set_" + name));
    fill(byId("choice_loss"), network_choices.lossesFor(network_choices.examples()));
    for (const key of ["lr", "strength", "batch"]) fill(byId("choice_" + key), network_choices.menu(key));
    for (const key in chosen) if (key !== "layers") byId("choice_" + key).value = chosen[key];
    byId("choice_strength").disabled = chosen.penalty === "none";
    showWidths();
    network_paint.showBrushes();
  }

  // ---- the picture

  function drawAll() {
    closePlayer();
    showChoices();
    next = null;
    about = network_view.describe(state, {weight: "", place: -1, rule: chosen.optimizer, mean: true});
    scene = network_view.makeScene(byId("scene"), about, word);
    byId("network").querySelectorAll("line.reach").forEach((reach, i) =>
      reach.addEventListener("click", () => {
        pick(scene.network.lines[i].number);
        byId("sum").scrollIntoView({block: "nearest"});
      }));
    network_paint.listen(about);
    fill(byId("choice_weight"), ["", ...about.network.names], name => name || word("no_weight"));
    look();
  }
  // Everything that follows the numbers.
  function look() {
    if (!scene) return;
    const hasAny = state.examples.inputs.length > 0, measured = hasAny && train.measured(state, state.examples);
    next = playing || !canLearn() ? null : train.preview(state);
    state.exploded ||= !playing && hasAny && !next;
    const frame = network_view.frameOf(state, about, measured ? measured.right : []);
    scene.answer(frame);
    scene.network.show(frame);
    byId("sentence").setAttribute("aria-live", playing ? "off" : "polite");
    byId("sentence").textContent = hasAny ? sentence(measured) : word("no_examples");
    lookAtStep();
    network_view.lossCurve(byId("curve"), scene, state.history, next);
    if (!playing) byId("python_text").textContent = network_choices.program(state);
  }
  function sentence({loss, right}) {
    const holes = {epoch: state.epoch, steps: state.steps, loss: short(loss), right: count(right)};
    const text = word(right.length ? "told_classes" : "told_numbers", {...holes, count: state.examples.inputs.length});
    const both = state.held_out ? withTest(text, train.measured(state, state.held_out)) : text;
    return state.exploded ? word("exploded", {text: both}) : both;
  }
  function withTest(text, {loss, right}) {
    const holes = {text, loss: short(loss), count: right.length, right: count(right)};
    return word(right.length ? "told_test_classes" : "told_test", holes);
  }

  // ---- the next step, in the numbers of one weight

  function lookAtStep() {
    byId("sum").hidden = !next;
    if (!next) {
      scene.walk(undefined, state.epoch);
      byId("step").hidden = !playing;
      return;
    }
    const number = picked ?? strongest(next.gradients), weight = about.network.names[number];
    Object.assign(about.walk, {place: number, weight});
    next.terms = train.terms(state.model, next, number);
    scene.walk(network_view.stepOf(state, next, number), state.epoch);
    if (picked !== null) scene.network.follow(number, short(+next.before[number].toPrecision(3)));
    byId("choice_weight").value = picked === null ? "" : weight;
    showSum(weight, next.terms);
  }
  function strongest(gradients) {
    return gradients.reduce((best, g, i) => Math.abs(g) > Math.abs(gradients[best]) ? i : best, 0);
  }
  function pick(number) {
    picked = number;
    play(false);
    look();
  }
  function makeSum(parent) {
    select(parent, "weight", name => pick(name ? about.network.names.indexOf(name) : null));
    element(parent, "p", {id: "network_sum_told"});
    element(parent, "p", {class: "network_quiet"}, word("sum_how"));
    element(parent, "ul", {id: "network_terms"});
  }
  // The gradient as a sum over the batch: in each term what the weight multiplies, times what arrives there.
  function showSum(weight, {terms, sum, rest}) {
    const many = terms.length, list = byId("terms"), total = many * (sum - rest);
    byId("sum_told").textContent = word(rest ? "sum_with_penalty" : "sum", {
      weight, count: many, sum: short(sum), total: short(total), rest: short(rest)});
    list.replaceChildren();
    for (const {example, value, arrives, product} of terms) {
      const holes = {example, value: short(value), arrives: short(many * arrives), product: short(many * product)};
      const onclick = () => openExample(example, about.walk.place);
      element(element(list, "li"), "button", {type: "button", onclick}, word("term", holes));
    }
  }

  // ---- one example, number by number

  function makePlayer(parent) {
    element(parent, "p", {id: "network_player_told", role: "status"});
    element(parent, "div", {id: "network_player_frame"});
    button(parent, "close_player", () => {
      closePlayer();
      byId("one_example").focus();
    });
  }
  function closePlayer() {
    asked++;
    opened = null;
    byId("player").hidden = true;
    byId("player_frame").replaceChildren();
  }
  function holesOf(example) {
    const {inputs, targets, classes} = state.examples, target = targets[example];
    return {example, inputs: inputs[example].map(short).join(", "), target: classes[target] ?? short(target)};
  }
  // number   the parameter whose gradient the page shows at first
  function request(example, number = null) {
    const {sizes, activation, loss} = state.settings, {inputs, targets} = state.examples;
    return {sizes, activation, loss, number, parameters: [...state.model.data], row: inputs[example],
      target: targets[example]};
  }
  async function openExample(example, number) {
    closePlayer();
    const mine = asked, told = byId("player_told"), holes = holesOf(example);
    byId("player").hidden = false;
    told.textContent = word("player_waits", holes);
    byId("player").scrollIntoView({block: "nearest"});
    try {
      const page = await engine.ask("network_example", request(example, number));
      if (mine !== asked) return;
      opened = example;
      frames.make(byId("player_frame"), page.title).show(page.html);
      byId("player").scrollIntoView();
      told.textContent = word("player_told", holes);
    } catch (error) {
      if (mine === asked) told.textContent = error.message;
    }
  }
  // A page of its own: that of the example which is open, or of the first one of the next step.
  async function save() {
    if (!canLearn()) throw new Error(byId("sentence").textContent);
    const example = opened ?? train.nextBatch(state)[0];
    return {name: "example.html", html: (await engine.ask("network_page", request(example))).html};
  }

  // ---- a table of one's own

  async function useCsv() {
    const said = byId("csv_said");
    said.textContent = word("csv_waits");
    try {
      const {left_out, named, ...found} = await engine.ask("network_csv", {text: byId("csv").value});
      network_choices.use({name: "csv", python: "", ...found});
      restart();
      const text = word(left_out.length ? "csv_left_out" : "csv_used", {
        count: found.inputs.length, inputs: found.features.join(", "), names: left_out.join(", ")});
      said.textContent = named ? text : word("csv_without_names", {text});
    } catch (error) {
      said.textContent = error.message;
    }
  }

  // ---- the same in Python

  function makePython(parent) {
    const label = word("title_python");
    handing.copier(parent, element(parent, "pre", {
      id: "network_python_text", tabindex: 0, role: "region", "aria-label": label}));
  }

  // ---- links

  function restore(map) {
    const told = map.get("steps") ?? "";
    byId("refused").replaceChildren(...network_choices.settle(map).map(text => element(null, "p", {}, text)));
    restart();
    goal = /^\d{1,6}$/.test(told) ? Number(told) : 0;
    play(goal > 0);
  }
  const hash = () => network_choices.link(goal || Math.min(MOST_STEPS, state?.steps ?? 0));
  return {name: "network", title: word("title"), make, state: hash, restore, save, history: () => state.history};
})();
tabs.add(network_tab);
