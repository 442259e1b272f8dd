// The lessons tab: what each notebook is about, its graphs to try here, and the way to the lab, where there is one.
const lessons_tab = (() => {
  const {lab, site, lessons, notebooks} = lessons_data;
  const BUILD = "pip install \".[docs,playground,lab]\"\npython docs/build.py\npython -m http.server -d docs/_build/html";
  const word = (key, holes) => say("lessons." + key, holes);
  const page = file => site + "notebooks/" + file.replace(/ipynb$/, "html");
  const outside = (parent, href, text) => element(parent, "a", {href, target: "_blank", rel: "noopener"}, text);

  // The address of a state of another tab, in the language that is spoken.
  function address({tab, state}) {
    const pairs = {v: link.VERSION, tab, ...state, ...say.language === "en" ? {} : {lang: say.language}};
    return "#" + Object.entries(pairs).map(([key, text]) => `${key}=${encodeURIComponent(text)}`).join("&");
  }
  function nameOf({tab, state}) {
    return tab === "network" ? word("network", {name: say("network.set_" + state.data), layers: state.layers}) : state.e;
  }
  function tries(parent, {tries: all}) {
    if (!all.length) return;
    const row = element(parent, "p", {class: "lessons_row"});
    element(row, "span", {class: "lessons_quiet"}, word("try"));
    for (const one of all) {
      element(row, "a", {href: address(one), class: "lessons_try"}, nameOf(one));
    }
  }
  function lectures(parent, text) {
    const folded = element(parent, "details", {class: "lessons_quiet"});
    element(folded, "summary", {}, word("goes_with"));
    element(folded, "p", {lang: "en"}, text);
  }
  function entry(parent, lesson) {
    const item = element(parent, "li", {class: "lessons_entry"});
    element(item, "h3", {lang: "en"}, lesson.title);    // notebooks are in English, whatever the page speaks
    element(item, "p", {lang: "en"}, lesson.told);
    if (lesson.lecture) lectures(item, lesson.lecture);
    tries(item, lesson);
    if (!lab && !site) return;
    const row = element(item, "p", {class: "lessons_row"});
    if (lab) outside(row, `${lab}notebooks/index.html?path=${lesson.file}`, word("open"));
    if (site) outside(row, page(lesson.file), word("read"));
    const [count, every] = lesson.lost;
    if (lab && count) element(item, "p", {class: "lessons_quiet"}, word("lost", {count, all: every}));
  }
  function part(parent, key, all) {
    element(parent, "h2", {}, word(key));
    element(parent, "p", {class: "lessons_quiet"}, word(key + "_told"));
    const list = element(parent, "ul", {class: "lessons_list"});
    for (const lesson of all) entry(list, lesson);
  }
  function make(root) {
    const all = element(root, "div", {id: "lessons_all"});
    if (lab) element(all, "p", {id: "lessons_lab"}, word("lab"));
    if (say.language !== "en") element(all, "p", {id: "lessons_english"}, word("in_english"));
    part(all, "course", lessons);
    part(all, "notebooks", notebooks);
    if (!lab) element(all, "p", {id: "lessons_lab"}, word("no_lab"));
    if (!lab) element(all, "pre", {tabindex: 0}, BUILD);
    if (!site) return;
    const row = element(all, "p", {class: "lessons_row"});
    for (const name of ["course", "lectures", "slips"]) outside(row, `${site}${name}.html`, word("page_" + name));
  }
  return {name: "lessons", title: word("title"), make, state: () => ({}), restore() {}};
})();
tabs.add(lessons_tab);
