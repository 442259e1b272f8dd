// The quiz tab: questions drawn and judged by the engine; one is there before Python is, and is judged by the page.
const quiz_tab = (() => {
  const {kinds, starts} = quiz_data, {words, question: first} = starts[say.language];
  const CHOICES = {kinds: "", level: "2", count: "5", seed: "1"};
  const DRAWN = new Set(["svg", "g", "title", "desc", "path", "polygon", "polyline", "ellipse", "rect", "text", "tspan"]);
  const LEVELS = ["1", "2", "3"], COUNTS = ["1", "3", "5", "10", "20"];
  const SMALLEST = 0.7;                 // of its size, a drawing's letters can still be read
  const HALF = /\p{Surrogate}/gu;              // half a letter, which no address can hold
  const word = (key, holes) => say("quiz." + key, holes), byId = id => document.getElementById("quiz_" + id);
  const compared = quiz_replies(words);
  const choices = {...CHOICES};
  let asked = null, questions = [first], right = new Set(), turn = 0;

  // ---- what is asked for

  const listed = text => text.split(",").filter(Boolean);
  // Numbers that a link misspells are sent as they are: the engine says what is wrong.
  const number = text => /^\d{1,6}$/.test(text) ? Number(text) : text;
  function requestOf({kinds, seed, level, count}) {
    return {kinds: listed(kinds), seed, level: number(level), count: number(count)};
  }

  async function draw() {
    const mine = ++turn, request = {...choices};
    link.changed();
    tell(word(questions[0] === first ? "drawing_first" : "drawing"));
    try {
      const answer = await engine.ask("quiz", requestOf(request));
      if (mine !== turn) return;
      asked = request;
      show(answer.questions);
      tell("");
    } catch (error) {
      if (mine === turn) tell(error.message ?? String(error));
    }
  }
  // The same kinds with another seed: the next whole number, or a text with a number behind it.
  function another() {
    choices.seed = choices.seed.replace(/\d*$/, end => String(BigInt(end || 0) + 1n));
    byId("seed").value = choices.seed;
    draw();
  }

  // ---- the form

  function choice(parent, key, texts, name) {
    const label = element(parent, "label", {class: "quiz_choice"}, word(key));
    const list = element(label, "select", {id: "quiz_" + key});
    for (const text of new Set([...texts, choices[key]])) element(list, "option", {value: text}, name(text));
    list.value = choices[key];
    list.addEventListener("change", () => { choices[key] = list.value; });
  }
  function button(parent, key, act) {
    element(parent, "button", {type: "button", id: "quiz_" + key, onclick: act}, word(key));
  }
  function makeKinds(parent) {
    const folded = element(parent, "details", {id: "quiz_kinds"}), chosen = listed(choices.kinds);
    const summary = element(folded, "summary"), field = element(folded, "fieldset");
    element(field, "legend", {class: "quiz_quiet"}, word("kinds_how"));
    for (const kind of kinds) {
      const label = element(field, "label"), box = element(label, "input", {type: "checkbox", value: kind});
      box.checked = chosen.includes(kind);
      element(label, "span", {}, word("kind_" + kind));
      box.addEventListener("change", () => {
        choices.kinds = [...field.querySelectorAll(":checked")].map(each => each.value).join(",");
        tellKinds();
      });
    }
    const tellKinds = () => {
      const count = listed(choices.kinds).length;
      summary.textContent = count ? word("kinds_some", {count}) : word("kinds_all");
    };
    tellKinds();
  }
  function makeForm(parent) {
    parent.replaceChildren();
    makeKinds(parent);
    const row = element(parent, "div", {class: "quiz_row"});
    choice(row, "level", LEVELS, text => LEVELS.includes(text) ? word("level_" + text) : text);
    choice(row, "count", COUNTS, text => text);
    const label = element(row, "label", {class: "quiz_choice"}, word("seed"));
    const seed = element(label, "input", {id: "quiz_seed", value: choices.seed, maxlength: 40, autocomplete: "off",
      spellcheck: "false", oninput: () => { choices.seed = seed.value.replace(HALF, "\ufffd"); }});
    seed.addEventListener("keydown", event => { if (event.key === "Enter") draw(); });
    button(row, "draw", draw);
    button(row, "another", another);
  }

  // ---- the questions

  // A program may have changed what Python draws: whatever is not a drawing, and could send the page elsewhere, is left out.
  function picture(parent, svg) {
    const figure = element(parent, "figure", {tabindex: 0}), drawn = new DOMParser().parseFromString(svg, "image/svg+xml");
    for (const node of drawn.querySelectorAll("*")) {
      if (node.namespaceURI !== "http://www.w3.org/2000/svg" || !DRAWN.has(node.localName)) node.remove();
    }
    if (!drawn.documentElement) return;
    const shown = figure.appendChild(document.importNode(drawn.documentElement, true));
    shown.style.minWidth = `${SMALLEST * shown.width.baseVal.value}px`;      // what is wider than that scrolls
  }
  function place(parent, name, {label, choices: texts}) {
    if (!texts.length) {
      const row = element(parent, "label", {class: "quiz_place"});
      element(row, "span", {}, label);
      element(row, "input", {autocomplete: "off", size: 9, inputmode: "text"});
      return;
    }
    const field = element(parent, "fieldset", {class: "quiz_place"});
    element(field, "legend", {}, words.choose);
    for (const text of texts) {
      const row = element(field, "label");
      element(row, "input", {type: "radio", name, value: text});
      element(row, "span", {}, text);
    }
  }
  const given = placed => placed.matches("fieldset") ? placed.querySelector(":checked")?.value ?? ""
    : placed.querySelector("input").value;
  async function judged(i, answers) {
    const judges = questions[i].answers;
    if (judges) return judges.map((blank, k) => compared(answers[k], blank));
    return (await engine.ask("quiz_check", {...requestOf(asked), number: i, answers})).replies;
  }
  async function check(i, section) {
    const places = [...section.querySelectorAll(".quiz_place")], said = [...section.querySelectorAll(".quiz_said")];
    const shown = questions;
    let replies;
    try {
      replies = await judged(i, places.map(given));
    } catch (error) {
      tell(error.message ?? String(error));
      return;
    }
    if (shown !== questions) return;                    // another quiz has come meanwhile
    replies.forEach(({isRight, text}, k) => {
      said[k].textContent = text && (isRight ? "✓ " : "✗ ") + text;
      said[k].className = `quiz_said ${isRight ? "quiz_right" : "quiz_wrong"}`;
    });
    right[replies.every(reply => reply.isRight) ? "add" : "delete"](i);
    byId("score").textContent = words.score.replace("{count}", right.size).replace("{all}", questions.length);
  }
  function solution(parent, {solution: answers, worked}) {
    const folded = element(parent, "details");
    element(folded, "summary", {}, words.solution);
    const list = element(folded, "ul");
    for (const text of answers) element(list, "li", {}, text);
    const steps = element(folded, "ol");
    for (const line of worked) element(steps, "li", {}, line);
  }
  function ask(parent, question, i) {
    const section = element(parent, "section", {"aria-labelledby": `quiz_stem_${i}`});
    element(section, "h3", {id: `quiz_stem_${i}`}, `${i + 1}. ${question.stem}`);
    element(section, "pre", {tabindex: 0}, question.lines.join("\n"));
    if (question.picture) picture(section, question.picture);
    const blanks = element(section, "div", {class: "quiz_blanks"});
    question.blanks.forEach(blank => {
      place(blanks, `quiz_choice_${i}`, blank);
      element(blanks, "output", {class: "quiz_said"});
    });
    const look = () => check(i, section);
    element(section, "button", {type: "button"}, words.check).addEventListener("click", look);
    blanks.addEventListener("keydown", event => { if (event.key === "Enter") look(); });
    solution(section, question);
  }
  function show(all) {
    questions = all;
    right = new Set();
    byId("score").textContent = "";
    byId("questions").replaceChildren();
    all.forEach((question, i) => ask(byId("questions"), question, i));
  }
  const tell = text => { byId("told").textContent = text; };

  // ---- the tab

  function make(root) {
    const all = element(root, "div", {id: "quiz_tab"});
    element(all, "h2", {}, word("title_long"));
    element(all, "p", {class: "quiz_quiet"}, word("how"));
    makeForm(element(all, "div", {id: "quiz_form"}));
    element(all, "p", {id: "quiz_told", role: "status"});
    element(all, "div", {id: "quiz_questions"});
    element(all, "p", {id: "quiz_score", role: "status"});
    show([first]);
  }
  function restore(map) {
    const known = Object.keys(CHOICES).filter(key => map.has(key));
    if (!known.length) return;
    Object.assign(choices, CHOICES);            // what a link leaves out is not what another link said
    for (const key of known) choices[key] = map.get(key);
    makeForm(byId("form"));
    draw();
  }
  return {name: "quiz", title: word("title"), make, state: () => turn ? {...choices} : {}, restore};
})();
tabs.add(quiz_tab);
