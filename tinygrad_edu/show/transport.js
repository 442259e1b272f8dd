// The bar under a picture: buttons, slider and keys lead to show(i) with 0 <= i < count.
const byId = id => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);

function transport(count, show, pause = 1000) {
  const slider = byId("slider"), play = byId("play"), moves = {
    first: () => 0, back: at => at - 1, next: at => at + 1, last: () => count - 1};
  const keys = {ArrowLeft: "back", ArrowRight: "next", Home: "first", End: "last"};
  let at = 0, timer = 0;
  function go(to) {
    at = Math.max(0, Math.min(count - 1, to));
    slider.value = at;
    byId("place").textContent = at + " / " + (count - 1);
    const leads = to => to >= 0 && to < count && to !== at;
    for (const id in moves) byId(id).setAttribute("aria-disabled", !leads(moves[id](at)));
    slider.setAttribute("aria-valuetext", show(at));
  }
  function playing(wanted) {
    clearInterval(timer);
    timer = wanted ? setInterval(() => at < count - 1 ? go(at + 1) : playing(false), pause) : 0;
    play.textContent = wanted ? "Pause" : "Play";
    if (wanted) go(at < count - 1 ? at + 1 : 0);
  }
  const user = to => { playing(false); go(to); };
  slider.max = count - 1;
  slider.oninput = () => user(+slider.value);
  for (const id in moves) byId(id).onclick = () => user(moves[id](at));
  play.onclick = () => playing(!timer);
  document.addEventListener("keydown", event => {
    const on = event.target, typing = on.matches("input:not([type=range]),textarea,select");
    const held = event.ctrlKey || event.altKey || event.metaKey || event.shiftKey;
    if (typing || held || on === slider && event.key in keys) return;
    if (event.key in keys) user(moves[keys[event.key]](at));
    else if (event.key === " " && !on.matches("button,summary,[role=button]")) playing(!timer);
    else return;
    event.preventDefault();
  });
  return {go: user, get at() { return at; }};
}
