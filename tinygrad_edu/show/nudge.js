// A nudge of a leaf: what its gradient predicts for the output, and what the output really comes to.
const nudge = (() => {
  const leaf = byId("nudged"), by = byId("nudge_by"), told = byId("nudge_told"), keep = byId("nudge_keep");
  const short = (x, digits) => numberTexts.format(x, digits).replaceAll("-", "−");
  const inBrackets = text => text[0] === "−" ? `(${text})` : text;

  // As few digits as tell these numbers apart.
  function apart(...numbers) {
    const texts = digits => numbers.map(x => short(x, digits)), different = new Set(numbers).size;
    return [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16].map(texts).find(all => new Set(all).size === different) ?? texts(17);
  }
  // The two as one, where only rounding keeps them apart.
  function joined(real, guess, before) {
    const noise = 2 ** -48 * Math.max(Math.abs(real), Math.abs(before), Math.abs(guess - before));
    return Math.abs(real - guess) <= noise ? real : guess;
  }
  function sentences(node, step) {
    const x = live.number(node), before = live.output(), slope = live.gradients()[node] / live.seed;
    const real = live.tried(node, x + step), half = live.tried(node, x + step / 2);
    if (typeof real === "string") return [real];
    if (x + step === x) return [say("nudge_lost", {leaf: nodes[node].name})];
    const guess = joined(real, before + slope * step, before), [was, is, predicted] = apart(before, real, guess);
    const holes = {output: data.output, was, is, predicted, slope: inBrackets(short(slope, 9)), step: inBrackets(short(step, 15))};
    const both = [say("nudge_real", holes), say("nudge_predicted", holes)];
    if (guess === real) return [...both, say("nudge_same")];
    const rest = typeof half === "number" ? short(Math.abs(half - before - slope * step / 2), 3) : "";
    return [...both, say(rest ? "nudge_apart" : "nudge_off", {...holes, apart: short(Math.abs(real - guess), 3), rest})];
  }
  function show() {
    const given = readNumber(by.value), node = +leaf.value, isNumber = given && given.value && Number.isFinite(given.value);
    by.setAttribute("aria-invalid", !isNumber);
    told.replaceChildren();
    for (const sentence of isNumber ? sentences(node, given.value) : [say("nudge_needs")]) add(told, "span").textContent = `${sentence} `;
    keep.hidden = !isNumber;
    keep.onclick = () => knobs.put([[node, live.number(node) + given.value]]) || clear();
  }
  function clear() {
    told.replaceChildren();
    keep.hidden = true;
  }
  for (const {node, name} of live.leaves) leaf.add(new Option(nodes[node].short ?? name, node));
  byId("nudge").hidden = !live.leaves.length;
  byId("nudge_go").onclick = show;
  by.onkeydown = event => { if (event.key === "Enter") show(); };
  leaf.onchange = by.oninput = clear;
  live.onchange(clear);
})();

// The page's numbers elsewhere: as a program, and as a link.
const copies = (() => {
  const status = byId("copied"), field = byId("to_copy");
  const inPython = x => Object.is(x, -0) ? "-0.0" : /^-?\d+$/.test(x) ? `${x}.0` : String(x);
  const program = () => data.python.replace(/[\ue000-\uf8ff]/g, mark => inPython(live.number(mark.charCodeAt() - MARK)));
  // A leaf goes by its name, but one that is called as a key of ours by an underscore before it.
  const OURS = ["v", "tab", "step", "lang", "embed", "e", "p"];
  const keys = new Map(live.leaves.map(({node, name}) => [node, OURS.includes(name) ? `_${name}` : name]));

  const params = () => new URLSearchParams(location.hash.slice(1));
  function link() {
    const told = params();
    told.set("step", steps.at);
    for (const {node, start} of live.leaves) {
      if (Object.is(live.number(node), start)) told.delete(keys.get(node));
      else told.set(keys.get(node), live.number(node));
    }
    return `${location.href.split("#")[0]}#${told}`;
  }
  // The numbers of the link by which the page was opened.
  function restore() {
    const told = params(), pairs = live.leaves.filter(({node}) => told.has(keys.get(node)))
      .map(({node, name}) => [node, Number(told.get(keys.get(node)) || NaN), name]);
    const wrong = pairs.find(([, number]) => !Number.isFinite(number));
    if (wrong) byId("refused").textContent = say("needs_number", {name: wrong[2]});
    else if (pairs.some(([node, number]) => live.number(node) !== number)) knobs.put(pairs);
    if (told.has("step")) steps.go(+told.get("step") || 0);
  }
  // Where the browser lets no page copy, the text stands there to be copied by hand.
  async function copyText(text, key) {
    const isCopied = await navigator.clipboard?.writeText(text).then(() => true, () => false);
    status.textContent = say(isCopied ? key : "copy_by_hand");
    field.hidden = !!isCopied;
    field.value = text;
    if (!isCopied) field.select();
  }
  byId("as_python").onclick = () => copyText(program(), "copied_python");
  byId("as_link").onclick = () => copyText(link(), "copied_link");
  byId("as_link").hidden = location.protocol === "about:";           // in a frame the page around it has the link
  addEventListener("hashchange", restore);
  restore();
})();
