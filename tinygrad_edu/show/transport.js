// The bar under a picture: buttons, slider and keys lead to show(i) with 0 <= i < count.
const byId = id => document.getElementById(id);
const data = JSON.parse(byId("data").textContent), {words} = data;

// A sentence of the page's table of words, with its holes filled.
const say = (key, holes) => words[key].replace(/\{(\w+)\}/g, (_, hole) => holes[hole]);

// actions: what other keys do; those of arrows are named with Shift, since without it they step
// limit: how far one may go, of the last place
function transport(count, show, pause = 1000, actions = {}, limit = last => last) {
  const slider = byId("slider"), play = byId("play"), speed = byId("speed"), moves = {
    first: () => 0, back: at => at - 1, next: at => at + 1, last: () => count - 1};
  const keys = {ArrowLeft: "back", ArrowRight: "next", Home: "first", End: "last"};
  let at = 0, timer = 0, held = false;
  function go(to) {
    if (!held) at = Math.max(0, Math.min(limit(count - 1), to));
    slider.max = count - 1;
    slider.value = at;
    byId("place").textContent = at + " / " + (count - 1);
    slider.setAttribute("aria-valuetext", show(at));
    const leads = to => to >= 0 && to < count && limit(to) !== at;
    for (const id in moves) byId(id).setAttribute("aria-disabled", !leads(moves[id](at)));
  }
  function run(wanted) {
    clearInterval(timer);
    const step = () => at < limit(count - 1) ? go(at + 1) : playing(false);
    timer = wanted ? setInterval(step, pause / parseFloat(speed.value)) : 0;
  }
  function playing(wanted) {
    run(wanted);
    play.textContent = say(wanted ? "pause" : "play");
    if (wanted) go(at < limit(count - 1) ? at + 1 : 0);
  }
  const user = to => { playing(false); go(to); };
  slider.oninput = () => user(+slider.value);
  for (const id in moves) byId(id).onclick = () => user(moves[id](at));
  play.onclick = () => playing(!timer);
  speed.onchange = () => run(!!timer);
  const help = byId("help").onclick = () => byId("keys").showModal();
  byId("close").onclick = () => byId("keys").close();
  document.addEventListener("keydown", event => {
    const on = event.target, typing = on.matches("input:not([type=range]),textarea,select");
    if (typing || event.ctrlKey || event.altKey || event.metaKey || byId("keys").open) return;
    const act = {"?": help, ...actions}[(event.shiftKey && /^Arrow/.test(event.key) ? "Shift" : "") + event.key];
    if (act) act();
    else if (event.shiftKey || on === slider && event.key in keys) return;
    else if (event.key in keys) user(moves[keys[event.key]](at));
    else if (event.key === " " && !on.matches("button,summary,[role=button]")) playing(!timer);
    else return;
    event.preventDefault();
  });
  // A link to page.html#step=4 opens the page at step 4.
  const linked = () => +/(?:^#|&)step=(\d+)/.exec(location.hash)?.[1] || data.at || 0;
  addEventListener("hashchange", () => user(linked()));
  // Shows the same place again, of so many; while it is held, no other place is shown.
  const again = (places, hold = false) => { count = places; held = hold; go(at); };
  return {go: user, again, begin: () => go(linked()), get at() { return at; }};
}
