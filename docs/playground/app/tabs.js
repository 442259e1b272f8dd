// The tabs, and which of them is shown.
// tabs.add({name, title, make(root), state() -> {key: text}, restore(map), save() -> Promise of {name, html}})
//   make      fills the tab's part of the page, once, when it is first shown
//   state     what the link should reproduce; restore gets the same as a Map when a link is opened
//   save      where there is one: a page of its own to be downloaded
// All ids and classes of a tab begin with its name.
const tabs = (() => {
  const all = new Map(), bar = document.getElementById("tabs"), main = document.getElementById("main");
  let shown = null, onshow = () => {};

  function add(tab) {
    const panel = element(main, "section", {id: `panel_${tab.name}`, role: "tabpanel", "aria-labelledby": `tab_${tab.name}`, hidden: true});
    const button = element(bar, "button", {id: `tab_${tab.name}`, role: "tab", "aria-controls": panel.id, "aria-selected": "false",
      tabindex: "-1", onclick: () => open(tab.name), onkeydown: event => walk(event, tab.name)}, tab.title);
    all.set(tab.name, {...tab, button, panel, made: false});
  }
  function walk(event, name) {
    const names = [...all.keys()], at = names.indexOf(name);
    const to = {ArrowRight: at + 1, ArrowLeft: at - 1 + names.length, Home: 0, End: names.length - 1}[event.key];
    if (to === undefined) return;
    event.preventDefault();
    open(names[to % names.length]);
    shown.button.focus();
  }
  function show(name) {
    for (const tab of all.values()) {
      const isShown = tab.name === name;
      tab.panel.hidden = !isShown;
      tab.button.setAttribute("aria-selected", isShown);
      tab.button.tabIndex = isShown ? 0 : -1;
    }
    shown = all.get(name);
    if (!shown.made) shown.make(shown.panel);
    shown.made = true;
    onshow(shown);
  }
  // At a user's wish: the address follows.
  function open(name) {
    show(name);
    link.changed();
  }
  // As a link says it; a tab that is not there, or not said, is the first one.
  function restore({tab, rest}) {
    show(all.has(tab) ? tab : all.keys().next().value);
    shown.restore(rest);
  }
  return {add, open, restore, get shown() { return shown; }, onshow(f) { onshow = f; }};
})();
