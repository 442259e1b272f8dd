// The hash of the page's address: #v=1&tab=expression&e=(x+y)*z&x=-2&lang=de. It reproduces what is shown.
// The first v, tab and lang are the page's own; all others belong to the tab, or are unknown and kept.
const link = (() => {
  const VERSION = "1", OWN = ["v", "tab", "lang"], PAUSE = 250;
  const known = new Set();              // keys that a tab has taken or given: they are replaced, and not kept
  let own = new Map(), others = [], seen = location.hash, timer = 0, state = () => ({});

  // What percent signs stand for; a text in which they are broken stays as it is.
  function decoded(text) {
    try { return decodeURIComponent(text); } catch { return text; }
  }
  function read(hash = location.hash) {
    own = new Map();
    others = [];
    seen = location.hash;
    for (const part of hash.slice(1).split("&").filter(Boolean)) {
      const at = part.indexOf("="), key = decoded(at < 0 ? part : part.slice(0, at)), text = at < 0 ? "" : decoded(part.slice(at + 1));
      if (OWN.includes(key) && !own.has(key)) own.set(key, text);
      else others.push([key, text]);
    }
    return {version: own.get("v") ?? VERSION, tab: own.get("tab") ?? "", language: own.get("lang") ?? "", rest: new Map(others)};
  }

  // The hash of the state {tab, pairs} that the shell tells.
  function written() {
    const {tab, pairs} = state();
    for (const key of Object.keys(pairs)) known.add(key);
    const language = own.get("lang") ?? (Object.hasOwn(pairs, "lang") ? say.language : undefined);
    const head = [["v", VERSION], ["tab", tab], ...language === undefined ? [] : [["lang", language]]];
    const all = [...head, ...Object.entries(pairs), ...others.filter(([key]) => !known.has(key))];
    return "#" + all.map(([key, text]) => `${encodeURIComponent(key)}=${encodeURIComponent(text)}`).join("&");
  }
  function write() {
    clearTimeout(timer);
    timer = 0;
    if (location.hash !== seen) return;         // a link was opened just now, and is about to be read
    history.replaceState(null, "", written());
    seen = location.hash;
  }

  return {
    VERSION, read,
    connect(tell) { state = tell; },
    // A tab calls this whenever its state is another one; the address follows after a short pause.
    changed() { timer ||= setTimeout(write, PAUSE); },
    // The whole address, up to date.
    address() {
      write();
      return location.href;
    },
    speak(language) {
      own.set("lang", language);
      write();
      location.reload();
    },
  };
})();
