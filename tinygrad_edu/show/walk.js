// One step of an epoch, walked: forward, loss, backward, update, in the numbers of one weight.
const STAGES = ["forward", "loss", "backward", "update"], buttons = {}, followed = data.walk;
let stage = 0, walked = null;
const inBrackets = at => at < 0 ? `(${short(at)})` : short(at);

for (const [i, name] of STAGES.entries()) {
  const button = buttons[name] = write(write(byId("stages"), "li", ""), "button", "");
  write(button, "strong", say("stage_" + name, {number: i + 1}));
  button.words = write(button, "span", "");
  button.addEventListener("click", () => goTo(stage === i + 1 ? 0 : i + 1));
}
const bars = put(buttons.backward, "svg", {viewBox: "0 0 240 44", preserveAspectRatio: "xMinYMid", "aria-hidden": "true"});
const spotOfLoss = put(losses, "path", {class: "spot", d: "M0-6 6 0 0 6-6 0z"});

// What each of the four says.
function stageWords(step) {
  const {weight, rule, mean} = followed, holes = {weight, rule, count: step.batch.length, wrong: step.right.filter(right => !right).length};
  for (const name of ["loss", "gradient", "before", "after", "lr", "rest"]) holes[name] = short(step[name]);
  holes.signed = inBrackets(step.gradient);
  const gradient = say(mean ? "gradient_mean" : "gradient_sum", holes);
  return {
    forward: say(step.right.length ? "goes_through_wrong" : "goes_through", holes), loss: say("loss_of_batch", holes),
    backward: step.rest ? say("and_rest", {...holes, gradient}) : gradient, update: say(step.plain ? "moves_plainly" : "moves", holes)};
}
// A bar for each example, up where it is positive; the dotted line is at their mean.
function drawBars({shares, gradient}) {
  const highest = Math.max(1e-300, ...shares.map(Math.abs)), y = share => 22 - 20 * Math.max(-1, Math.min(1, share / highest)), apart = 240 / shares.length;
  bars.replaceChildren();
  shares.forEach((share, i) => put(bars, "rect", {class: "share", x: apart * (i + .15), width: apart * .7, y: Math.min(22, y(share)), height: Math.abs(y(share) - 22)}));
  put(bars, "path", {class: "tick", d: "M0 22H240"});
  if (followed.mean) put(bars, "path", {class: "now", d: `M0 ${y(gradient)}H240`});
}
function listBatch() {
  const table = byId("batch");
  if (!byId("examples").open || !walked) return;
  table.replaceChildren();
  const head = table.createTHead().insertRow();
  for (const name of [say("example"), ...features.slice(0, isPlane ? 2 : 1), say("target"), say("answer"), say(followed.mean ? "share_mean" : "share_sum", followed)]) {
    write(head, "th", name).scope = "col";
  }
  const body = table.createTBody();
  walked.batch.forEach((at, i) => {
    const [a, b, kind] = points[at], answers = walked.answers[i].map(short).join(", "), row = body.insertRow();
    const said = walked.right.length ? say(walked.right[i] ? "right" : "wrong", {answers}) : answers;
    for (const cell of [at, short(a), ...isPlane ? [short(b), classes[kind]] : [short(b)], said, short(walked.shares[i])]) row.insertCell().textContent = cell;
  });
}
// Where the loss of the batch stands among those of the epochs, as far as it is within their range.
function placeOfLoss({epoch, loss}) {
  const y = lossAt(isLog ? Math.max(1e-300, loss) : loss);
  return `translate(${epochAt(epoch)} ${Math.max(0, Math.min(LOW, y))})`;
}
// What stands beside the weight's line at each stage.
function beside({before, gradient, after}) {
  const text = say(["weight_is", "weight_is", "weight_pulled", "weight_moved"][stage - 1], {
    before: rough(before, 3), gradient: rough(gradient, 3), after: rough(after, 3)});
  return [text, stage === 4 ? after : before];
}
// Show in the panels what this stage is about.
function goTo(wanted) {
  stage = wanted;
  STAGES.forEach((name, i) => buttons[name].setAttribute("aria-pressed", stage === i + 1));
  const isOn = stage > 0 && walked, batch = new Set(isOn ? walked.batch : points.keys());
  examples.forEach((mark, i) => mark.classList.toggle("faint", !batch.has(i)));
  spotOfLoss.setAttribute("visibility", isOn && stage > 1 && known(walked.loss) ? "visible" : "hidden");
  if (isOn) spotOfLoss.setAttribute("transform", placeOfLoss(walked));
  network?.follow(followed?.place, ...isOn ? beside(walked) : []);
}
function walk(step, epoch) {
  walked = step && {...step, epoch};
  byId("step").hidden = !followed;
  byId("stages").hidden = byId("examples").hidden = !walked;
  if (followed) byId("step_title").textContent = say(walked ? "step_of" : "no_step", {epoch: epoch + 1, weight: followed.weight});
  if (walked) {
    const texts = stageWords(walked);
    for (const name of STAGES) buttons[name].words.textContent = texts[name];
    drawBars(walked);
    listBatch();
  }
  goTo(stage);
}
function nextStage() {
  if (!walked) return;
  goTo((stage + 1) % 5);
  if (stage) buttons[STAGES[stage - 1]].focus();
}
byId("examples").addEventListener("toggle", listBatch);
