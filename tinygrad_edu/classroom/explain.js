// What is pointed at, tapped or reached by Tab lights up in the picture; ▶ walks the paths and adds them up.
const {totals} = JSON.parse(document.getElementById("data").textContent);
const [back, next, total, about] = ["back", "next", "total", "about"].map(id => document.getElementById(id));
const arrows = document.querySelectorAll("#picture .tg-edge:not(.tg-flow)");
const boxes = document.querySelectorAll("#picture .tg-node");
const ways = [...document.querySelectorAll(".way")], hint = about.textContent;
let at = 0;

const each = (list, numbers) => numbers ? numbers.split(" ").map(number => list[number]) : [];

// Only this button's arrows and boxes are lit; without a button, nothing is.
function light(button) {
  document.querySelectorAll(".lit").forEach(element => element.classList.remove("lit"));
  about.textContent = button?.dataset.about ?? hint;
  if (!button) return;
  const lit = [button, ...each(arrows, button.dataset.arrows), ...each(boxes, button.dataset.boxes)];
  lit.forEach(element => element.classList.add("lit"));
}
function go(to) {
  at = Math.max(0, Math.min(totals.length, to));
  ways.forEach(way => way.removeAttribute("aria-current"));
  ways[at - 1]?.setAttribute("aria-current", "true");
  light(ways[at - 1]);
  ways[at - 1]?.scrollIntoView({block: "nearest"});
  total.textContent = totals[at - 1] ?? "";
  back.setAttribute("aria-disabled", at === 0);
  next.setAttribute("aria-disabled", at === totals.length);
}
for (const button of document.querySelectorAll(".way, .factor")) {
  button.addEventListener("pointerenter", () => light(button));
  button.addEventListener("pointerleave", () => light(ways[at - 1]));
  button.addEventListener("focus", () => light(button));
  button.addEventListener("blur", () => light(ways[at - 1]));
  button.addEventListener("click", () => {
    if (ways.includes(button)) go(ways.indexOf(button) + 1);
    light(button);
  });
}
back.addEventListener("click", () => go(at - 1));
next.addEventListener("click", () => go(at + 1));
document.addEventListener("keydown", event => {
  const step = {ArrowLeft: -1, ArrowRight: 1}[event.key];
  if (!step || event.altKey || event.ctrlKey || event.metaKey || event.target.id === "picture") return;
  event.preventDefault();
  go(at + step);
});
go(0);
