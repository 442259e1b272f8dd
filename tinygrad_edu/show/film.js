// One frame of a training, in all of the page's panels.
byId("note").textContent = say(data.validation_loss.length ? "note_validation" : "note");
function show(i) {
  const {epoch} = frames[i], wrong = answer(frames[i]), isEnd = i === frames.length - 1;
  measure(epoch);
  network?.show(frames[i]);
  byId("place").textContent = say("epoch_of", {at: epoch, last});
  const holes = {at: epoch, last, loss: decimals(data.loss[epoch]), wrong, count: points.length, error: data.error};
  const told = say((epoch ? "at_epoch" : "at_start") + (isPlane ? "_wrong" : ""), holes);
  const sentence = isEnd && words[data.stopped] ? say(data.stopped, {...holes, sentence: told}) : told;
  byId("sentence").setAttribute("aria-live", byId("play").textContent === say("pause") && !isEnd ? "off" : "polite");
  byId("sentence").textContent = sentence;
  walk(frames[i].step, epoch);
  return sentence;
}
const bar = transport(frames.length, show, still ? 1000 : Math.max(90, Math.min(700, 9000 / frames.length)), {s: nextStage});
byId("slider").setAttribute("aria-label", say("slider"));
losses.addEventListener("click", event => {
  const spot = losses.getBoundingClientRect(), wanted = ((event.clientX - spot.left) / spot.width * (LEFT + ACROSS + 8) - LEFT) / ACROSS * (data.loss.length - 1);
  const gaps = frames.map(({epoch}) => Math.abs(epoch - wanted));
  bar.go(gaps.indexOf(Math.min(...gaps)));
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show(bar.at));
bar.begin();
