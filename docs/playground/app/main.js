// The head of the page, and its beginning.
(() => {
  const byId = id => document.getElementById(id), message = byId("message"), doings = byId("doings");
  let status = {kind: "loading"};

  function tellStatus(next) {
    status = next;
    const {kind, text} = next;
    const isOffline = files.isOneFile || Boolean(navigator.serviceWorker?.controller);
    const told = {loading: "loading", ready: isOffline ? "ready_offline" : "ready", failed: "failed"}[kind];
    byId("status").dataset.kind = kind;
    byId("status").textContent = say(told, {error: text});
  }

  // ---- share, save, language

  async function share() {
    const address = link.address();
    if (await handing.copy(address)) message.textContent = say("copied");
    else showAddress(address);
  }
  function showAddress(address) {
    const dialog = byId("share");
    dialog.replaceChildren();
    element(dialog, "label", {for: "address"}, say("copy_this"));
    element(dialog, "input", {id: "address", readonly: true, value: address});
    element(dialog, "button", {onclick: () => dialog.close()}, say("close"));
    dialog.showModal();
    byId("address").select();
  }
  async function save() {
    try {
      const {name, html} = await tabs.shown.save();
      handing.download(name, html, "text/html");
    } catch (error) {
      message.textContent = error.message;
    }
  }
  function makeHead() {
    byId("tabs").setAttribute("aria-label", say("tabs"));
    byId("menu").textContent = say("menu");             // on a phone: what else can be done is behind it
    byId("menu").onclick = () => byId("menu").setAttribute("aria-expanded", byId("menu").getAttribute("aria-expanded") !== "true");
    element(doings, "button", {id: "share_link", onclick: share}, say("share"));
    element(doings, "button", {id: "save_page", onclick: save}, say("save"));
    const menu = element(doings, "select", {id: "language", "aria-label": say("language"), onchange: () => link.speak(menu.value)});
    for (const [name, {called}] of Object.entries(build.words)) {
      element(menu, "option", {value: name, lang: name, selected: name === say.language}, called);
    }
    element(doings, "button", {id: "about_button", onclick: about.open}, say("about"));
    tabs.onshow(tab => { byId("save_page").disabled = !tab.save; });
    document.title = say("title");
  }

  // ---- links

  function restore() {
    const told = link.read(), short = text => text.slice(0, 20), {called} = build.words[say.language];
    tabs.restore(told);
    message.textContent = [
      told.version === link.VERSION ? "" : say("other_version", {version: short(told.version)}),
      told.tab === "" || told.tab === tabs.shown.name ? "" : say("other_tab", {tab: short(told.tab), shown: tabs.shown.title}),
      told.language === "" || told.language === say.language ? "" : say("other_language", {language: short(told.language), called}),
    ].filter(Boolean).join(" ");
  }
  // A page around this one that embeds it learns how high it is, and nothing else.
  function embed() {
    document.documentElement.classList.add("embedded");
    const tell = () => parent.postMessage({tinygrad_edu: "height", height: document.documentElement.scrollHeight}, "*");
    new ResizeObserver(tell).observe(document.body);
  }

  makeHead();
  link.connect(() => ({tab: tabs.shown.name, pairs: tabs.shown.state()}));
  restore();
  byId("no_script").remove();
  addEventListener("hashchange", restore);
  if (new URLSearchParams(location.search).get("embed") === "1") embed();
  engine.onstatus(tellStatus);
  offline.start(isNewer => {
    if (isNewer) message.textContent = say("newer");
    else tellStatus(status);
  });
})();
