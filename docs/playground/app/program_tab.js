// The tab in which a small program is written, run and looked into.
const program_tab = (() => {
  const MOST = 100_000, PAUSE = 50, LEAST_ROWS = 12, MOST_ROWS = 28, INDENT = "    ", OWN = "";
  const word = (name, holes) => say("program." + name, holes), byId = id => document.getElementById("program_" + id);
  const names = Object.keys(program_examples), NOTHING = {output: "", problem: "", line: 0, names: [], shown: ""};
  let frame, below, isReady = false, isLinked = false, isRunning = false, isDrawing = false, hasRun = false, isLeaving = false, turn = 0;
  // The program as a link has it, the line that is marked as wrong, and the name of the Value that is shown.
  let packed = "", wrong = 0, shown = "";
  // What the picture shows of that Value, what a link wants it to show, the run's numbers, and those that were dragged.
  let view = {}, wanted = {}, start = null, moved = {};
  let printed = [], painted = 0;        // what the running program has printed, and a timer

  // ---- a program in a link: deflate-raw, then letters that an address may have

  const through = (bytes, stream) => new Response(new Blob([bytes]).stream().pipeThrough(stream));
  async function pack(text) {
    const bytes = new Uint8Array(await through(text, new CompressionStream("deflate-raw")).arrayBuffer());
    const letters = Array.from(bytes, byte => String.fromCharCode(byte)).join("");
    return btoa(letters).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }
  // What is longer than a program may be is not unpacked to its end.
  async function unpack(letters) {
    const bytes = Uint8Array.from(atob(letters.replace(/-/g, "+").replace(/_/g, "/")), letter => letter.charCodeAt(0));
    const reader = through(bytes, new DecompressionStream("deflate-raw")).body.getReader();
    const decoder = new TextDecoder("utf-8", {fatal: true});
    let text = "";
    for (;;) {
      const {done, value} = await reader.read();
      text += decoder.decode(value ?? new Uint8Array(), {stream: !done});
      if (text.length > MOST) throw new RangeError(word("too_long", {count: MOST}));
      if (done) return text;
    }
  }
  async function keep() {
    const text = byId("text").value, letters = await pack(text);
    if (text !== byId("text").value) return;
    packed = letters;
    link.changed();
  }

  // ---- the editor

  function showLines() {
    const field = byId("text"), count = field.value.split("\n").length;
    field.rows = Math.max(LEAST_ROWS, Math.min(MOST_ROWS, count + 1));
    byId("lines").replaceChildren();
    for (let line = 1; line <= count; line++) {
      const isWrong = line === wrong;
      element(byId("lines"), "div", {class: isWrong ? "program_wrong" : ""}, isWrong ? `✗ ${line}` : String(line));
    }
    byId("lines").scrollTop = field.scrollTop;
  }
  function put(text) {
    if (!document.execCommand("insertText", false, text)) {
      byId("text").setRangeText(text, byId("text").selectionStart, byId("text").selectionEnd, "end");
    }
    edited();
  }
  // What stands before the cursor's line, and one indentation more after a colon.
  function newLine() {
    const field = byId("text"), line = field.value.slice(0, field.selectionStart).split("\n").at(-1);
    put("\n" + /^\s*/.exec(line)[0] + (/:\s*$/.test(line) ? INDENT : ""));
  }
  function press(event) {
    const isTab = event.key === "Tab" && !event.shiftKey && !isLeaving;
    const act = event.key === "Enter" && (event.ctrlKey || event.metaKey) ? runUnlinked : isTab ? () => put(INDENT)
      : event.key === "Enter" && !event.isComposing ? newLine : null;
    if (event.key !== "Shift") isLeaving = event.key === "Escape";
    if (!act) return;
    event.preventDefault();
    act();
  }
  function edited() {
    wrong = 0;
    showLines();
    keep();
  }
  function write(text) {
    byId("text").value = text;
    byId("text").scrollTop = 0;
    edited();
  }

  // ---- running

  // A program from a link is run by its button alone.
  function runUnlinked() {
    if (isLinked) byId("run").focus();
    else run();
  }
  function tell(status) {
    if (status !== null) byId("status").textContent = status;
    byId("run").textContent = word(isLinked ? "run_linked" : "run");
    byId("run").disabled = isRunning;
    byId("stop").disabled = !isRunning && !isDrawing;
  }
  async function run() {
    if (isRunning) return;
    isRunning = hasRun = true;
    isLinked = false;
    const mine = ++turn;
    printed = [];
    showResult(NOTHING);
    tell(word(isReady ? "running" : "waiting"));
    let told;
    try {
      told = await engine.ask("program", {text: byId("text").value}, text => mine === turn && hear(text));
    } catch (error) {
      told = {...NOTHING, output: printed.join(""), problem: error.message};
    }
    if (mine !== turn) return;
    isRunning = false;
    tell(word(told.problem ? "went_wrong" : "done"));
    showResult(told);
    engine.keepSpare();
  }
  // Pieces are shown a few at a time, for there may be thousands of them.
  function hear(text) {
    printed.push(text);
    painted ||= setTimeout(() => { painted = 0; showOutput(printed.join("")); }, PAUSE);
  }
  function showOutput(text) {
    byId("output").textContent = text;
    byId("output").hidden = !text;
  }
  function stop() {
    turn++;
    isRunning = isDrawing = false;
    engine.stop();
    tell(word("stopped"));
    showResult({...NOTHING, output: printed.join("")});
  }
  function showResult({output, problem, line, names: values, shown: first}) {
    clearTimeout(painted);
    painted = 0;
    showOutput(output);
    byId("error").textContent = problem;
    byId("error").tabIndex = problem ? 0 : -1;          // it may have to be scrolled
    wrong = line;
    showLines();
    const menu = byId("value");
    menu.replaceChildren(...values.map(name => new Option(name === "_" ? word("last_line") : name, name)));
    menu.value = values.includes(wanted.look) ? wanted.look : first;
    byId("looked").hidden = !values.length;
    showValue();
  }
  // What is asked about: the Value that is shown, as it is with the numbers that were dragged.
  const about = () => shown ? {program: shown, moved} : null;
  async function showValue() {
    const name = byId("value").value, mine = turn;
    const isCurrent = () => mine === turn && name === byId("value").value;
    shown = "";
    byId("refused").textContent = "";
    below.refresh([]);
    if (!name) return;
    isDrawing = true;
    tell(null);
    try {
      const answer = await engine.ask("live", {program: name}, count => isCurrent() && tell(say("large", {count})));
      if (!isCurrent()) return;
      shown = name;
      [start, moved] = [null, {}];
      frame.element.hidden = false;
      frame.show(answer.html);
      below.refresh(answer.targets);
    } catch (error) {
      if (!isCurrent()) return;
      frame.element.hidden = true;
      byId("refused").textContent = error.message;
    }
    isDrawing = false;
    tell(word(byId("error").textContent ? "went_wrong" : "done"));
  }
  // The live page opens with the run's own numbers; then it goes where a link wants it, and tells what a user drags.
  function follow({numbers, step}) {
    if (!shown) return;
    if (!start) {
      start = numbers;
      if (wanted.look === shown) frame.go(wanted);
      wanted = {};
    }
    const before = JSON.stringify(moved);
    moved = Object.fromEntries(Object.entries(numbers).filter(([name, number]) => number !== start[name]));
    const now = JSON.stringify(moved);
    view = {look: shown, at: String(step), ...now === "{}" ? {} : {numbers: now}};
    if (now !== before) below.refresh();
    link.changed();
  }

  // ---- the page

  function choose(name) {
    isLinked = false;
    byId("example").value = name;
    write(program_examples[name]);
    run();
  }
  function makeEditor(root) {
    const row = element(root, "div", {class: "program_row"}), label = element(row, "label", {}, `${word("example")} `);
    const menu = element(label, "select", {id: "program_example", onchange: () => menu.value && choose(menu.value)});
    for (const name of [OWN, ...names]) menu.add(new Option(word(name ? `example_${name}` : "example_none"), name));
    element(root, "label", {class: "program_title", for: "program_text"}, word("write"));
    const editor = element(root, "div", {id: "program_editor"});
    element(editor, "div", {id: "program_lines", "aria-hidden": "true"});
    const plain = {spellcheck: "false", autocapitalize: "off", autocomplete: "off", wrap: "off", maxlength: MOST};
    element(editor, "textarea", {...plain, id: "program_text", "aria-describedby": "program_keys program_error",
      oninput: edited, onkeydown: press, onscroll: event => { byId("lines").scrollTop = event.target.scrollTop; }});
    element(root, "p", {id: "program_keys", class: "program_quiet"}, word("keys"));
    const buttons = element(root, "div", {class: "program_row"});
    element(buttons, "button", {type: "button", id: "program_run", onclick: run}, word("run"));
    element(buttons, "button", {type: "button", id: "program_stop", onclick: stop, disabled: true}, word("stop"));
    element(buttons, "p", {id: "program_status", role: "status"});
    element(root, "pre", {id: "program_output", tabindex: 0, "aria-label": word("output"), hidden: true});
    element(root, "pre", {id: "program_error", role: "alert"});
  }
  function make(root) {
    const grid = element(root, "div", {id: "program_grid"});
    makeEditor(element(grid, "div", {id: "program_form"}));
    const looked = element(element(grid, "div", {id: "program_right"}), "div", {id: "program_looked", hidden: true});
    const label = element(element(looked, "div", {class: "program_row"}), "label", {}, `${word("look")} `);
    element(label, "select", {id: "program_value", onchange: showValue});
    element(looked, "p", {class: "program_quiet"}, word("this_run"));
    element(looked, "pre", {id: "program_refused", role: "alert"});
    frame = frames.make(looked, word("live"), follow);
    frame.element.id = "program_frame";
    below = sections.make(element(looked, "div", {id: "program_sections"}), "program", about, stop);
    engine.onstatus(({kind}) => { isReady = kind === "ready"; });
    write(program_examples[names[0]]);
    byId("example").value = names[0];
    tell("");
    setTimeout(() => { if (!hasRun && !isLinked) run(); });         // the first example, but not what a link holds
  }
  // The numbers of a link are those of the leaves by their names; whatever else is written there is left out.
  function numbersOf(text) {
    try { return Object(JSON.parse(text)); } catch { return {}; }
  }
  async function restore(told) {
    if (!told.has("p") || told.get("p") === packed) return;
    const at = told.get("at");
    wanted = {look: told.get("look"), step: /^\d{1,6}$/.test(at) ? Number(at) : undefined, numbers: numbersOf(told.get("numbers"))};
    isLinked = hasRun = true;           // so that no example runs instead
    byId("example").value = OWN;
    try {
      write(await unpack(told.get("p")));
      tell(word("linked"));
    } catch (error) {
      isLinked = false;
      write("");
      tell(error instanceof RangeError ? error.message : word("broken_link"));
    }
  }
  async function save() {
    if (!shown) throw new Error(word("nothing_shown"));
    return {name: "program.html", html: (await engine.ask("page", about())).html};
  }
  // Shows the tab with one of its examples.
  function open(name) {
    tabs.open("program");
    choose(name);
  }
  return {name: "program", title: word("title"), make, state: () => ({p: packed, ...shown ? view : {}}), restore, save, open};
})();
tabs.add(program_tab);
