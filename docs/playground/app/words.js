// What was built into the page: words, the first picture, and which files there are with their hashes.
const build = JSON.parse(document.getElementById("build").textContent);

// The sentence of the table of words with this key, its {named} holes filled: say("network.epoch", {epoch: 3}).
const say = (() => {
  const chosen = new URLSearchParams(location.hash.slice(1)).get("lang");
  const language = Object.hasOwn(build.words, chosen ?? "") ? chosen : "en";
  const {words, direction} = build.words[language];
  document.documentElement.lang = language;
  document.documentElement.dir = direction;

  function say(key, holes = {}) {
    if (!Object.hasOwn(words, key)) throw new Error(`the table of words has no "${key}"`);
    return words[key].replace(/\{(\w+)\}/g, (hole, name) => Object.hasOwn(holes, name) ? String(holes[name]) : hole);
  }
  return Object.assign(say, {language});
})();
