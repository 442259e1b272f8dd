// Predict mode: the number of the step that comes next is blank until the reader has said it.
const predict = (() => {
  const {events, nodes} = data, guess = byId("guess"), close = 1e-4;
  // The last place whose number is known; which of the others were asked for, and right at the first try.
  let known = Infinity, score = {}, told = {}, isMissed = false, asked = 0;

  const isOn = () => known < Infinity;
  const limit = last => Math.min(last, known + 1), toldOf = last => Math.min(last, known);
  const toNumber = text => Number(text.replace("−", "-"));
  const result = ([kind, n, k, after]) => kind === "f" ? nodes[n].data : kind === "s" ? k : after;
  // No number is asked for in a step of many examples, behind a closed branch, of a seed that was given, or of inf and nan.
  const asks = ([kind, n, k, ...rest]) => (kind === "f" ? !k : kind === "s" ? k === "1" : kind === "b")
    && Number.isFinite(toNumber(result([kind, n, k, ...rest])));
  function isAsked(place) {
    known = Math.min(known, isOn() ? events.length : Infinity);
    while (known < place && !asks(events[known])) known++;
    return known < place;
  }
  const receiver = ([kind, n, k]) => kind === "b" ? nodes[n].parents[k] : n;

  // ---- what is asked

  function question(event, write) {
    const [kind, n] = event, node = write(n), to = write(receiver(event));
    return kind === "f" ? say("asks_data", {node}) : kind === "s" ? say("asks_seed", {node}) : say("asks_grad", {node, to});
  }
  function label(event) {
    const name = asText(receiver(event));
    return `${event[0] === "f" ? name : event[0] === "s" ? `∂${name}/∂${name}` : `${name}.grad`} =`;
  }
  // Before the first try there are only symbols; after it the numbers stand there, without what they come to.
  function lines(all) {
    if (!state.isAsked || isMissed) return all;
    return [state.event[0] === "s" ? all[0].slice(0, 1) : all[0]];
  }
  function showForm() {
    const {isAsked, place, event} = state;
    if (isAsked && asked !== place) [asked, guess.value, isMissed] = [place, "", false];
    byId("answer").hidden = !isAsked;
    byId("asked").textContent = isAsked ? label(event) : "";
    byId("reply").textContent = isOn() && told.place === place ? told.text : "";
  }
  const reply = (place, text) => { told = {place, text}; };

  // ---- what is said

  // Right to the digits that were written, as far as the page has them; a rounded 0 is no answer.
  function agrees({value, slack}, right) {
    const shown = right ? 10 ** (Math.floor(Math.log10(Math.abs(right))) - 4) / 2 : 0;
    return Math.abs(value - right) <= Math.max(value ? slack : 0, shown) * (1 + 1e-9);
  }
  const isLike = (x, y) => Math.abs(x - y) <= close * Math.max(Math.abs(x), Math.abs(y));
  function slip(x, event) {
    const right = toNumber(result(event));
    if (isLike(x, -right)) return say("slip_sign");
    if (event[0] !== "b") return "";
    const [before, up, local] = ["before", "up", "local"].map(key => toNumber(state.heard[receiver(event)].at(-1)[key]));
    if (isLike(x, before + local)) return say("slip_up");
    if (before && isLike(x, up * local)) return say("slip_before");
    return isLike(x, before + up) ? say("slip_local") : "";
  }
  function check() {
    const event = events[known], text = guess.value.trim(), given = readNumber(text);
    if (!given) reply(known + 1, /^[^,]*\d?,\d+$/.test(text) ? say("comma", {text: text.replace(",", ".")}) : say("no_number"));
    else if (agrees(given, toNumber(result(event)))) return reveal(say("right"), !isMissed);
    else {
      isMissed = true;
      const why = slip(given.value, event);
      reply(known + 1, why ? say("wrong_since", {why}) : say("wrong"));
    }
    showPanel();
    guess.select();
  }
  function reveal(text, isRight) {
    score[++known] = isRight;
    const marks = Object.values(score), isLast = !events.slice(known).some(asks);
    const sum = say("score", {count: marks.filter(Boolean).length, all: marks.length});
    reply(known, isLast ? `${text} ${sum}` : text);
    steps.go(known);
    byId(isLast ? "predict" : "next").focus();
  }

  // ---- on and off

  function turn(wanted = !isOn()) {
    known = wanted ? steps.at % events.length : Infinity;
    [score, told, asked] = [{}, {}, 0];
    byId("predict").setAttribute("aria-pressed", wanted);
    document.body.classList.toggle("predicting", wanted);
    list.replaceChildren();
    for (const {data, grad} of texts) for (const text of [data, grad]) write("—", text);      // those of other views too
  }
  // The field waits for the number, unless the user is at another one.
  function wait() {
    if (state.isAsked && !document.activeElement.matches("input,select,.hand")) guess.focus({preventScroll: true});
  }
  byId("predict").onclick = () => { turn(); steps.go(isOn() ? known + 1 : steps.at); };
  byId("check").onclick = check;
  byId("reveal").onclick = () => reveal(say("shown", {number: result(events[known])}), false);
  guess.onkeydown = event => {
    if (event.key === "Enter") check();
    if (event.key === "Escape") byId("reveal").focus();
    if (["Enter", "Escape"].includes(event.key)) event.preventDefault();
  };
  return {isOn, limit, told: toldOf, isAsked, question, lines, showForm, turn, wait};
})();
