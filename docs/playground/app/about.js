// What the page is made of: each part's name, version, licence and where its source is.
const about = (() => {
  const dialog = document.getElementById("about");

  function part(parent, {name, version, licence, source, texts}) {
    const box = element(parent, "details", {class: "component"});
    element(box, "summary", {}, say("component", {name, version, licence}));
    const where = element(box, "p");
    if (source.startsWith("https:")) element(where, "a", {href: source, rel: "noreferrer"}, source);
    else where.textContent = source;
    for (const text of texts) element(box, "pre", {tabindex: "0"}, text);
  }
  async function open() {
    dialog.replaceChildren();
    dialog.setAttribute("aria-label", say("about"));
    element(dialog, "h2", {}, say("about"));
    element(dialog, "p", {}, say("about_this", {version: build.version}));
    element(dialog, "button", {id: "about_close", onclick: () => dialog.close()}, say("close"));
    dialog.showModal();
    try {
      const parts = JSON.parse(new TextDecoder().decode(await files.load("licences.json")));
      for (const each of parts) part(dialog, each);
    } catch (error) {
      element(dialog, "p", {role: "alert"}, error.message);
    }
  }
  return {open};
})();
