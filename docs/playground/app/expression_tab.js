// The tab in which an expression is typed: its live page, and below it what the engine says of it.
const expression_tab = (() => {
  const PAUSE = 400, LATE = 3000, MIDDLE = 5;        // the step in the middle of the backward pass of (x + y) * z
  const FIRST = {text: "q = x + y\nf = q * z", numbers: "x=-2 y=5 z=-4", step: MIDDLE};
  const EXAMPLES = {
    first: FIRST,
    neuron: {text: "z = w*x + b\nf = sigmoid(z)", numbers: "w=2 x=-1 b=1"},
    entropy: {text: "softmax_cross_entropy([a, b, c], [0, 1, 0])", numbers: "a=1 b=2 c=0.5"},
    twice: {text: "a = x*x\nf = a*x + a", numbers: "x=3"},
    fractions: {text: "-x**2 / y", numbers: "x=1/3 y=0.1"},
    kink: {text: "max(x, y) + relu(x*y)", numbers: "x=2 y=-1"},
  };
  // A name that is called as a key of the link's own goes with an underscore before it.
  const OURS = ["v", "tab", "lang", "step", "embed", "e", "p"];
  const key = name => OURS.includes(name) ? `_${name}` : name;
  const word = (name, holes) => say("expression." + name, holes);
  const byId = id => document.getElementById("expression_" + id);
  const others = new Map();             // {name: its number as text} of all numbers that were given
  let frame, below, isReady = false, turn = 0, timer = 0;
  // What the picture shows: its expression, its numbers as text and as floats, and its step.
  let shown = {...FIRST}, floats = {x: -2, y: 5, z: -4}, step = MIDDLE;

  // ---- numbers

  // "x=-2 y=5" as [name, text] pairs, and back.
  const pairsOf = line => line.split(/\s+/).filter(pair => pair.includes("=")).map(pair => pair.split(/=(.*)/s, 2));
  const lineOf = pairs => [...pairs].map(pair => pair.join("=")).join(" ");
  const remember = () => { for (const [name, text] of pairsOf(byId("numbers").value)) others.set(name, text); };
  const request = () => ({text: shown.text, numbers: shown.numbers});

  // A number was dragged in the live page.
  function follow({numbers, step: at}) {
    step = at;
    const isMoved = name => Object.hasOwn(numbers, name) && numbers[name] !== floats[name];
    const moved = Object.keys(floats).filter(isMoved);
    if (moved.length) {
      const texts = new Map(pairsOf(shown.numbers));
      for (const name of moved) {
        floats[name] = numbers[name];
        texts.set(name, String(numbers[name]));
      }
      shown.numbers = lineOf(texts);
      if (!timer) byId("numbers").value = shown.numbers;
      below.refresh();
    }
    link.changed();
  }

  // ---- asking

  // wish   {others, step}: see `live` of the Python side
  async function ask(wish) {
    const mine = ++turn, text = byId("text").value, numbers = byId("numbers").value;
    clearTimeout(timer);
    timer = 0;
    const wait = () => { if (mine === turn) tell(word(isReady ? "working" : "waiting")); };
    const soon = setTimeout(wait, isReady ? PAUSE : 0), late = setTimeout(() => mine === turn && showStop(true), LATE);
    try {
      const answer = await engine.ask("live", {text, numbers, ...wish}, count => {
        clearTimeout(soon);
        if (mine !== turn) return;
        tell(say("large", {count}));
        showStop(true);
      });
      if (mine === turn) show(text, answer, wish);
    } catch (error) {
      if (mine === turn) refuse(error.message);
    }
    clearTimeout(soon);
    clearTimeout(late);
    if (mine === turn) showStop(false);
  }
  // For an expression that takes long, or a program that still runs before it.
  function showStop(isLate) {
    byId("stop").hidden = !(isLate && isReady);
  }
  function show(text, answer, wish) {
    shown = {text, numbers: answer.numbers};
    ({floats} = answer);
    byId("numbers").value = answer.numbers;
    remember();
    frame.show(answer.html);
    below.refresh(answer.targets);
    step = wish.step ?? step;
    tell(answer.said);
    refuse("");
    link.changed();
  }
  function tell(text) {
    byId("status").textContent = text;
  }
  function refuse(text) {
    const [sentence, ...place] = text.split("\n");
    byId("error").replaceChildren();
    if (text) element(byId("error"), "span", {class: "expression_sentence"}, sentence);
    byId("error").append(place.join("\n"));
    byId("error").tabIndex = text ? 0 : -1;             // it may have to be scrolled
    for (const id of ["text", "numbers"]) byId(id).setAttribute("aria-invalid", Boolean(text));
    byId("frame").classList.toggle("expression_old", Boolean(text));
    if (text) tell(word("last_picture"));
  }
  function later(wish) {
    remember();
    clearTimeout(timer);
    timer = setTimeout(() => ask(wish()), PAUSE);
  }
  const formerNumbers = () => ({others: Object.fromEntries(others)});
  function open({text, numbers, step: at}) {
    byId("text").value = text;
    byId("numbers").value = numbers;
    remember();
    ask({...formerNumbers(), ...at === undefined ? {} : {step: at}});
  }

  // ---- the page

  function makeForm(root) {
    element(root, "label", {class: "expression_title", for: "expression_text"}, word("type"));
    const plain = {spellcheck: "false", autocapitalize: "off", autocomplete: "off", "aria-describedby": "expression_error"};
    element(root, "textarea", {...plain, id: "expression_text", rows: 4, oninput: () => later(formerNumbers)}, FIRST.text);
    element(root, "label", {class: "expression_title", for: "expression_numbers"}, word("numbers"));
    element(root, "input", {...plain, id: "expression_numbers", value: FIRST.numbers, oninput: () => later(() => ({}))});
    element(root, "pre", {id: "expression_error", role: "alert"});
    const examples = element(root, "div", {id: "expression_examples", role: "group", "aria-label": word("examples")});
    for (const name of Object.keys(EXAMPLES)) {
      const attributes = {type: "button", "data-example": name, onclick: () => open(EXAMPLES[name])};
      element(examples, "button", attributes, word(`example_${name}`));
    }
    element(examples, "button", {type: "button", onclick: () => program_tab.open("own_op")}, word("example_own"));
  }
  function make(root) {
    const grid = element(root, "div", {id: "expression_grid"});
    makeForm(element(grid, "div", {id: "expression_form"}));
    const right = element(grid, "div", {id: "expression_right"});
    const row = element(right, "div", {id: "expression_told"});
    element(row, "p", {id: "expression_status", role: "status"});
    element(row, "button", {type: "button", id: "expression_stop", hidden: true, onclick: () => engine.stop()}, word("stop"));
    frame = frames.make(right, word("live"), follow);
    frame.element.id = "expression_frame";
    frame.show(frames.first());
    below = sections.make(element(root, "div", {id: "expression_sections"}), "expression", request, engine.stop);
    below.refresh(["x", "y", "z", "q"]);
    remember();
    engine.onstatus(({kind}) => { isReady = kind === "ready"; });
  }
  function state() {
    const numbers = pairsOf(shown.numbers).map(([name, text]) => [key(name), text]);
    return {e: shown.text, ...Object.fromEntries(numbers), step: String(step)};
  }
  // Of a link's keys the names of the expression are taken; a number that is missing is 1.
  function restore(told) {
    if (!told.has("e")) return;
    const text = told.get("e"), names = new Set(text.match(/[\p{L}_][\p{L}\p{M}\p{N}_]*/gu));
    const given = lineOf([...names].filter(name => told.has(key(name))).map(name => [name, told.get(key(name))]));
    const at = /^\d{1,6}$/.test(told.get("step")) ? Number(told.get("step")) : undefined;
    const isTyped = byId("text").value === text && byId("numbers").value === given;
    if (isTyped && text === shown.text && given === shown.numbers && (at ?? step) === step) return;
    others.clear();
    open({text, numbers: given, step: at});
  }
  async function save() {
    return {name: "expression.html", html: (await engine.ask("page", request())).html};
  }
  return {name: "expression", title: word("title"), make, state, restore, save};
})();
tabs.add(expression_tab);
