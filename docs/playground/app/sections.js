// What the engine says below a live page: sections, each asked for when it is opened.
// sections.make(root, prefix, request, stop) gives {refresh(targets)}; request() is what the questions are about, or null,
// and stop() ends what takes long.
const sections = (() => {
  const MATH = "http://www.w3.org/1998/Math/MathML", PAUSE = 300, LATE = 3000;
  const TAGS = new Set(["math", "mrow", "mi", "mn", "mo", "mtext", "mfrac", "msub", "msup", "msubsup", "msqrt", "mroot", "munder", "mover",
    "munderover", "mtable", "mtr", "mtd", "mspace"]);
  const ATTRIBUTES = ["displaystyle", "columnalign", "stretchy", "mathvariant"];
  const word = (key, holes) => say("expression." + key, holes);

  // MathML is built anew of what may stand in it, and whatever else there is stays text.
  function copied(node) {
    if (!TAGS.has(node.localName)) return document.createTextNode(node.textContent);
    const made = document.createElementNS(MATH, node.localName);
    for (const name of ATTRIBUTES) if (node.hasAttribute(name)) made.setAttribute(name, node.getAttribute(name));
    made.append(...[...node.childNodes].map(copied));
    return made;
  }
  function cell(parent, parts) {
    for (const [kind, text] of parts) {
      if (parent.hasChildNodes()) parent.append(" ");
      parent.append(kind === "math" ? copied(new DOMParser().parseFromString(text, "text/xml").documentElement) : text);
    }
  }
  function table(parent, titles, rows) {
    const made = element(element(parent, "div", {class: "sections_wide", tabindex: 0}), "table");
    const head = titles && element(element(made, "thead"), "tr"), body = element(made, "tbody");
    for (const title of titles ?? []) element(head, "th", {scope: "col"}, title);
    for (const cells of rows) {
      const row = element(body, "tr");
      for (const parts of cells) cell(element(row, "td"), parts);
    }
  }

  const KINDS = {
    steps: (body, {titles, rows}) => table(body, titles, rows),
    symbolic: (body, {rows}) => table(body, null, rows),
    exact: (body, {rows}) => table(body, null, rows),
    explain(body, {headline, rows}) {
      cell(element(body, "p"), headline);
      for (const {cell: parts, title} of rows) cell(element(body, title ? "h3" : "p"), parts);
    },
    gradcheck: (body, {text}) => element(body, "pre", {tabindex: 0}, text),
    python(body, {text}) {
      const field = element(body, "pre", {tabindex: 0}, text);
      handing.copier(element(body, "p"), field);
    },
    picture(body, {svg}) {
      const wide = element(body, "div", {class: "sections_wide", tabindex: 0});
      element(wide, "img", {src: URL.createObjectURL(new Blob([svg], {type: "image/svg+xml"})), alt: word("picture_alt")});
      element(body, "button", {type: "button", onclick: () => handing.download("graph.svg", svg, "image/svg+xml")}, word("download"));
    },
  };

  // The choice of the name whose gradient is explained.
  function choice(parent, id, onchange) {
    const label = element(parent, "label", {}, `${word("of_name")} `), menu = element(label, "select", {id, onchange});
    return {
      get name() { return menu.value; },
      fill(names) {
        const before = menu.value;
        menu.replaceChildren(...names.map(name => new Option(name, name)));
        if (names.includes(before)) menu.value = before;
      },
    };
  }

  // What puts the answer, or the error, into the body of a section.
  async function answerTo(kind, about) {
    try {
      const answer = await engine.ask(kind, about);
      return body => KINDS[kind](body, answer);
    } catch (error) {
      return body => element(body, "pre", {class: "sections_error"}, error.message);
    }
  }
  function section(root, prefix, kind, request, stop) {
    const made = element(root, "details", {id: `${prefix}_${kind}`, class: "sections_one", ontoggle: () => ask()});
    element(made, "summary", {}, word(`section_${kind}`));
    if (kind === "gradcheck") element(made, "p", {class: "sections_quiet"}, word("gradcheck_how"));
    const names = kind === "explain" ? choice(made, `${prefix}_target`, () => refresh()) : null;
    const body = element(made, "div", {class: "sections_body", "aria-live": "polite"});
    let turn = 0, isFresh = false;

    async function ask() {
      const about = request();
      if (!made.open || isFresh || !about) return;
      isFresh = true;
      const mine = ++turn, soon = setTimeout(() => body.replaceChildren(`${word("working")} `), PAUSE);
      const late = setTimeout(() => mine === turn && element(body, "button", {type: "button", onclick: stop}, word("stop")), LATE);
      const show = await answerTo(kind, names ? {...about, name: names.name} : about);
      clearTimeout(soon);
      clearTimeout(late);
      if (mine !== turn) return;
      body.replaceChildren();
      show(body);
    }
    function refresh(targets) {
      if (targets) names?.fill(targets);
      turn++;
      isFresh = false;
      ask();
    }
    return {refresh};
  }

  function make(root, prefix, request, stop) {
    const all = Object.keys(KINDS).map(kind => section(root, prefix, kind, request, stop));
    let timer = 0;
    return {
      // What was said is of numbers that are no more. Open sections ask again, after a pause where numbers are dragged.
      refresh(targets) {
        clearTimeout(timer);
        if (targets) for (const one of all) one.refresh(targets);
        else timer = setTimeout(() => all.forEach(one => one.refresh()), PAUSE);
      },
    };
  }
  return {make};
})();
