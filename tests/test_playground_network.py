"""The network tab trains by printed rules: weights and losses are those of `fit`."""

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

import tinygrad_edu as tg
from tinygrad_edu import data

PLAYGROUND = Path(__file__).parent.parent / "docs" / "playground"
if not PLAYGROUND.is_dir():
    pytest.skip("the playground is not part of this installation", allow_module_level=True)
pytest.importorskip("sklearn", reason='the iris data: pip install ".[data]"')
sys.path.insert(0, str(PLAYGROUND))
import network_parts  # noqa: E402

DIGITS = 1e-12
ROOM = {"moons": data.moons(12), "blobs": data.standardise(data.blobs(14)), "noisy_sine": data.noisy_sine(11)}
LOSSES = [("noisy_sine", loss) for loss in network_parts.OF_NUMBERS]
LOSSES += [("moons", loss) for loss in network_parts.OF_TWO_CLASSES]
LOSSES += [("blobs", loss) for loss in network_parts.OF_CLASSES]
OPTIMIZERS = [kind.__name__ for kind in network_parts.optimizers()]


def scripts():
    """What trains, as one script."""
    own = [(PLAYGROUND / "app" / name).read_text(encoding="utf-8") for name in ("random.js", "train.js")]
    return "'use strict';\n" + "\n".join([network_parts.script(), *own])


RUN = """
const numbers = state => ({...state.history, weights: [...state.model.data], gradients: [...state.latest.gradients]});
function run({settings, examples, held_out, epochs}) {
  const state = train.start(settings, examples, held_out);
  const first = [...state.model.data];
  for (let i = 0; i < epochs; i++) train.epoch(state);
  return {...numbers(state), first};
}
"""


@pytest.fixture(scope="module", params=["chromium", "node"])
def javascript(request):
    """A function that runs an expression where the training's scripts are loaded."""
    if request.param == "node":
        program = shutil.which("node")
        if program is None:
            pytest.skip("there is no node here: Chromium runs the same tests")
        yield lambda expression: json.loads(subprocess.run(
            [program, "-"], input=f"{scripts()}{RUN}\nconsole.log(JSON.stringify({expression}));",
            capture_output=True, text=True, encoding="utf-8", check=True).stdout)
        return
    tab = request.getfixturevalue("chromium").new_page()
    tab.add_script_tag(content=scripts() + RUN)
    yield lambda expression: json.loads(tab.evaluate(f"() => JSON.stringify({expression})"))
    tab.close()


def settings(name, loss, activation="tanh", optimizer="Adam", **others):
    """Settings of a small training, as the tab has them."""
    examples = ROOM[name]
    outputs = len(examples.classes) if loss in network_parts.OF_CLASSES else 1
    at = network_parts.settings_of(next(kind for kind in network_parts.optimizers() if kind.__name__ == optimizer))
    return {"sizes": [len(examples.features), 3, 2, outputs], "activation": activation, "seed": 5, "loss": loss,
            "threshold": network_parts.threshold_of(network_parts.LOSSES[loss]), "optimizer": optimizer, "at": at,
            "penalty": "none", "strength": 0.0, "batch": 5} | others


def plain(examples):
    return {"inputs": examples.inputs, "targets": examples.targets, "classes": examples.classes}


def request_of(name, made, epochs=3, held_out=None):
    return {"settings": made, "examples": plain(ROOM[name]), "held_out": held_out and plain(held_out), "epochs": epochs}


def by_the_engine(name, made, epochs=3, held_out=None):
    """The same training by the package."""
    examples, penalty = ROOM[name], {"none": None, "L1": tg.L1, "L2": tg.L2}[made["penalty"]]
    model = tg.MLP(made["sizes"][0], made["sizes"][1:], activation=made["activation"], rng=made["seed"])
    first = [p.data for p in model.parameters()]
    kind = getattr(tg, made["optimizer"])
    own = {key: tuple(x) if isinstance(x, list) else x for key, x in made["at"].items()}
    history = tg.fit(model, examples.inputs, examples.targets, loss=made["loss"],
                     optimizer=kind(model.parameters(), **own), epochs=epochs, batch_size=made["batch"],
                     penalty=penalty and penalty(made["strength"]), seed=made["seed"], validation=held_out,
                     progress=False)
    measured = ["loss", "validation_loss"]
    if made["loss"] not in [loss.__name__ for loss in network_parts.NO_CLASSES]:    # of these `fit` counts no hits
        measured += ["accuracy", "validation_accuracy"]
    return {**{part: getattr(history, part) for part in measured},
            "weights": [p.data for p in model.parameters()], "gradients": [p.grad for p in model.parameters()],
            "first": first}


def apart(one, other):
    """How far apart numbers are, relative to those larger than 1."""
    assert len(one) == len(other)
    return max((abs(a - b) / max(1, abs(b)) for a, b in zip(one, other)), default=0.0)


def compare(javascript, cases):
    """Run all cases in one call; the name of each that is farther off than allowed."""
    found = javascript(f"{json.dumps([request for _, request, _ in cases])}.map(run)")
    return [(named, part, apart(got[part], wanted[part])) for (named, _, wanted), got in zip(cases, found)
            for part in wanted if not apart(got[part], wanted[part]) <= DIGITS]


def case(name, made, **others):
    named = " ".join(str(made[key]) for key in ("loss", "activation", "optimizer", "penalty", "batch"))
    return named, request_of(name, made, **others), by_the_engine(name, made, **others)


@pytest.mark.parametrize("name, loss", LOSSES)
def test_weights_and_losses_are_those_of_fit(javascript, name, loss):
    """Each activation × loss × optimizer on offer."""
    cases = [case(name, settings(name, loss, activation, optimizer))
             for activation in network_parts.ACTIVATIONS for optimizer in OPTIMIZERS]
    assert compare(javascript, cases) == []


@pytest.mark.parametrize("name, loss", LOSSES)
def test_penalties_batches_and_held_out_examples_are_those_of_fit(javascript, name, loss):
    held_out = data.Data(ROOM[name].inputs[:4], ROOM[name].targets[:4], ROOM[name].features, ROOM[name].classes)
    cases = [case(name, settings(name, loss, penalty=penalty, strength=0.03, batch=batch), held_out=held_out)
             for penalty in ("L1", "L2") for batch in (1, 4, 100)]
    assert compare(javascript, cases) == []


def test_settings_of_an_optimizer_take_effect(javascript):
    others = {"Momentum": {"momentum": 0.5}, "Adam": {"betas": [0.5, 0.9], "eps": 0.1}, "AdamW": {"weight_decay": 0.5}}
    cases = []
    for optimizer, own in others.items():
        made = settings("moons", "bce_with_logits", optimizer=optimizer)
        cases.append(case("moons", made | {"at": {**made["at"], **own, "lr": 0.05}}))
    assert compare(javascript, cases) == []


PLANTED = {"the mean of a batch is forgotten": ("(slopes[0] = 1, all[0])", "(slopes[0] = 1, all[0]) * 1.001"),
           "a bias learns nothing": ("gradients[bias] += s", "gradients[bias] += 0 * s"),
           "gradients are not summed": ("gradients[first + j] +=", "gradients[first + j] ="),
           "batches come in another order": ("`${settings.seed}:${epoch}`", "`${settings.seed}`"),
           "the slope of the activation is left out": ("arrived[i] * slope[0]", "arrived[i]"),
           "nothing is remembered": ("moved(state, latest.gradients, state.memory)", "moved(state, latest.gradients, state.memory.map(() => ({})))"),
           "the penalty pulls half": ("for (const at of [w.length, 0])", "for (const at of [0])")}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_noticed(chromium, bug):
    right, wrong = PLANTED[bug]
    assert scripts().count(right) == 1
    tab = chromium.new_page()
    tab.add_script_tag(content=scripts().replace(right, wrong) + RUN)
    made = settings("moons", "bce_with_logits", penalty="L2", strength=0.1, batch=11)
    found = compare(lambda expression: json.loads(tab.evaluate(f"() => JSON.stringify({expression})")),
                    [case("moons", made)])
    tab.close()
    assert found


def test_random_numbers_are_those_of_python(javascript):
    seeds = [0, 1, -7, 2 ** 31, 2 ** 40, "0:0", "3:17", "é" * 200]
    drawn = javascript(f"""{json.dumps(seeds)}.map(seed => {{
        const random = new python_random.Random(seed);
        return [random.random(), random.uniform(-2, 3), random.gauss(2), random.gauss(2), random.gauss(2),
                ...random.shuffle([...Array(50).keys()]), random.random()];
    }})""")
    for seed, numbers in zip(seeds, drawn):
        random, order = Random(seed), list(range(50))
        wanted = [random.random(), random.uniform(-2, 3), *[random.gauss(0, 2) for _ in range(3)]]
        random.shuffle(order)
        assert apart(numbers, [*wanted, *order, random.random()]) <= DIGITS


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("name", ROOM)
def test_examples_are_dealt_out_as_split_does(javascript, name, share):
    got = javascript(f"train.split({json.dumps(plain(ROOM[name]))}, {share}, 3)")
    for part, wanted in zip(got, data.split(ROOM[name], share, seed=3)):
        assert (part["inputs"], part["targets"]) == (wanted.inputs, wanted.targets)


def test_a_gradient_is_the_sum_of_its_terms(javascript):
    """Each term is a value times what arrives; the sum of all, with what comes from the penalty, is the gradient."""
    made = settings("moons", "bce_with_logits", penalty="L2", strength=0.1)
    request = request_of("moons", made)
    found = javascript(f"""(({{settings, examples}}) => {{
        const state = train.start(settings, examples);
        train.step(state);
        return [...state.model.data.keys()].map(number => train.terms(state.model, state.latest, number));
    }})({json.dumps(request)})""")
    model = tg.MLP(2, made["sizes"][1:], rng=made["seed"])
    [batch] = {tuple(term["example"] for term in one["terms"]) for one in found}
    for example_at, example in enumerate(batch):
        model.zero_grad()
        loss = tg.bce_with_logits(model(ROOM["moons"].inputs[example]), ROOM["moons"].targets[example])
        (loss / len(batch)).backward()
        products = [one["terms"][example_at]["product"] for one in found]
        assert apart(products, [p.grad for p in model.parameters()]) <= DIGITS
    for one in found:
        assert all(term["value"] * term["arrives"] == term["product"] for term in one["terms"])
        assert math.isclose(sum(term["product"] for term in one["terms"]) + one["rest"], one["sum"], abs_tol=1e-15)


STEPS = """(({settings, examples}, count) => {
  const state = train.start(settings, examples), walked = [];
  for (let i = 0; i < count; i++) {
    const {batch, loss, gradients, before, after} = train.preview(state), told = {batch, loss, gradients: [...gradients], before: [...before], after};
    train.step(state);
    walked.push({...told, after: [...after], moved: [...state.model.data]});
  }
  return walked;
})"""


class Watcher:
    """Keeps of each step of `fit` what the page walks through."""

    def __init__(self):
        self.walked = []

    def __call__(self, history, model):
        """After an epoch there is nothing to do."""

    def after_step(self, step):
        parameters = step.optimizer.parameters
        self.walked.append({"batch": step.batch, "loss": [step.loss], "before": step.before,
                            "gradients": [p.grad for p in parameters], "after": [p.data for p in parameters]})


@pytest.mark.parametrize("penalty", ["none", "L2"])
@pytest.mark.parametrize("optimizer, own", [("Momentum", {"momentum": 0.9}), ("Adam", {})])
def test_each_step_that_is_walked_is_that_of_fit(javascript, optimizer, own, penalty):
    """Batch, loss, gradients and update, step by step over two epochs, the last batch of each smaller."""
    made = settings("moons", "bce_with_logits", optimizer=optimizer, penalty=penalty, strength=0.1)
    made["at"] = {**made["at"], **own}
    watcher, model = Watcher(), tg.MLP(2, made["sizes"][1:], rng=made["seed"])
    at = {key: tuple(x) if isinstance(x, list) else x for key, x in made["at"].items()}
    tg.fit(model, ROOM["moons"].inputs, ROOM["moons"].targets, loss=made["loss"], epochs=2, batch_size=made["batch"],
           optimizer=getattr(tg, optimizer)(model.parameters(), **at), seed=made["seed"], progress=False,
           penalty=tg.L2(0.1) if penalty == "L2" else None, callbacks=[watcher])
    assert len(watcher.walked) == 6
    for got, wanted in zip(javascript(f"{STEPS}({json.dumps(request_of('moons', made))}, 6)"), watcher.walked, strict=True):
        assert got["batch"] == wanted["batch"] and got["moved"] == got["after"]
        assert apart([got["loss"]], wanted["loss"]) <= DIGITS
        for part in ("before", "gradients", "after"):
            assert apart(got[part], wanted[part]) <= DIGITS, part


def test_a_training_that_explodes_moves_nothing_and_says_so(javascript):
    made = settings("noisy_sine", "mse", "linear", "SGD")
    made["at"]["lr"] = 1e200
    found = javascript(f"""(({{settings, examples}}) => {{
        const state = train.start(settings, examples), before = [];
        while (!state.exploded) before.push([...state.model.data]), train.step(state);
        return {{before: before.at(-1), after: [...state.model.data]}};
    }})({json.dumps(request_of("noisy_sine", made))})""")
    assert found["after"] == found["before"] and all(map(math.isfinite, found["after"]))
