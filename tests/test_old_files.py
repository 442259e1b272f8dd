"""Weight files, checkpoints and pickles of version 0.1.0 are read to the last bit, by either engine.

They stand in `tests/old/`, and `write.py` beside them says how they came to be.
"""

import importlib
import json
import pickle
import shutil

import engines
import pytest
from old import write

import tinygrad_edu as tg

EXPECTED = json.loads((write.FOLDER / "expected.json").read_text(encoding="utf-8"))


def exact(thing):
    """Plain data in which no two floats look alike: -0.0 is not 0.0, and nan is nan."""
    if isinstance(thing, float):
        return thing.hex()
    if isinstance(thing, dict):
        return {key: exact(value) for key, value in thing.items()}
    return [exact(value) for value in thing] if isinstance(thing, list | tuple) else thing


def kept(name):
    return json.loads((write.FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def unpickled(name):
    return pickle.loads((write.FOLDER / f"{name}.pickle").read_bytes())


@pytest.fixture
def own_op():
    """The operation that a user had declared: it must be declared before what uses it is read."""
    return tg.op("gentle", tg.REAL)(write.gentle)


# ---- graphs


@pytest.mark.parametrize("written_by", ["native", "pure"])
def test_pickled_graphs_are_as_they_were(written_by, own_op):
    graphs = unpickled(f"graphs_{written_by}")
    assert len(graphs) >= 9
    for name, graph in graphs.items():
        assert exact(write.nodes_of(graph)) == exact(EXPECTED["graphs"][name]), name


def test_the_other_engine_reads_them_too(own_op, monkeypatch):
    other, modules = engines.pure()
    with engines.other_modules(modules):
        monkeypatch.setattr(write, "tg", other)
        monkeypatch.setattr(write, "Weighted", type("Weighted", (other.Value,), {"__module__": "old.write"}))
        other.op("gentle", other.REAL)(write.gentle)
        for written_by in "native", "pure":
            for name, graph in unpickled(f"graphs_{written_by}").items():
                assert exact(write.nodes_of(graph)) == exact(EXPECTED["graphs"][name]), name
        del other.OPS["gentle"], other.Value.gentle


@pytest.mark.parametrize("name", EXPECTED["graphs"])
def test_a_pickled_graph_is_alive(name, own_op):
    """One more pass doubles what the leaves got, and the rules still give the stored value."""
    graph = unpickled("graphs_native")[name]
    before = [(leaf, leaf.grad) for leaf in tg.leaves(graph)]
    assert before
    graph.backward()
    for leaf, grad in before:
        assert leaf.grad.hex() == (grad + grad).hex()
    if name != "by_hand":
        assert tg.replay(graph, float).value == pytest.approx(graph.data, rel=1e-14)


def test_every_operation_of_that_version_is_among_them():
    assert {node.get("op") for node in EXPECTED["graphs"]["every_op"]} - {None} == set(write.BUILT_IN)


# ---- what was found out of graphs


def test_pickled_results_print_as_they_did():
    results = unpickled("results")
    assert set(results) == set(write.results())
    for result, text in results.values():
        assert repr(result) == text
        assert repr(pickle.loads(pickle.dumps(result))) == text


def test_pickled_pictures_are_written_as_every_kind_that_pictures_are_written_as_now(tmp_path):
    drawing = unpickled("results")["drawing"][0]
    assert drawing.save(tmp_path / "a.pdf").read_bytes().startswith(b"%PDF") and "#56B4E9" in drawing.save(tmp_path / "a.svg", theme="dark").read_text("utf-8")


def test_pickled_results_are_alive():
    results = {name: result for name, (result, _) in unpickled("results").items()}
    assert results["drawing"].layout == "embedded" and "leaf x: −2, gradient 5." in results["drawing"].svg
    assert results["symbolic"]["y"].latex() and results["exact"].value == 15 and results["exact"]["x"] == 5
    assert results["right"] and results["right"].verdict == "right" and not results["wrong"]
    [wrong] = [finding for finding in results["wrong"].findings if finding.kind == "wrong" and finding.op == "cube"]
    assert (wrong.stored, wrong.name, wrong.index) == (36.0, "", ())
    assert results["steps"][0].taken and results["nonfinite"].node.op == "log" and results["estimate"].h > 0


@pytest.mark.parametrize(("then", "name"), [
    ("calculus", "grad"), ("expression", "expression"), ("gradcheck", "GradientCheck"), ("nonfinite", "first_nonfinite"),
    ("numeric", "Estimate"), ("symbolic", "symbolic")])
def test_what_stood_in_the_engine_is_found_there(then, name):
    assert getattr(importlib.import_module(f"tinygrad_edu.engine.{then}"), name) is getattr(tg, name)


# ---- weights, trainings


@pytest.mark.parametrize("name", write.MODELS)
def test_weight_files_give_the_weights_back(name):
    model = write.MODELS[name](1)
    assert tg.load(model, write.FOLDER / f"weights_{name}.json") == {"name": name}
    assert exact(model.state_dict()) == exact(write.MODELS[name](0).state_dict())


@pytest.mark.parametrize("name", write.OPTIMIZERS)
def test_a_training_is_taken_up_again_and_goes_where_it_went_then(name, tmp_path):
    checkpoint = tmp_path / "checkpoint.json"
    shutil.copy(write.FOLDER / f"checkpoint_{name}.json", checkpoint)
    state = write.state_of(*write.trained(name, checkpoint, epochs=2))
    stored = kept(f"checkpoint_{name}")
    stored["history"]["stopped"] = "epochs"
    assert exact(state) == exact({part: stored[part] for part in state})
    model, _, history = write.trained(name, checkpoint, epochs=4)
    assert len(history) == 4 and exact(model.state_dict()) == exact(EXPECTED["later"][name])


@pytest.mark.parametrize("name", ["nesterov", "adam"])
def test_pickled_trainings_are_as_they_were(name):
    model, optimizer, history = unpickled("learned")["trainings"][name]
    stored = kept(f"checkpoint_{name}")
    state = write.state_of(model, optimizer, history)
    assert exact({**state, "history": {**state["history"], "stopped": ""}}) == exact({part: stored[part] for part in state})
    assert [id(p) for p in optimizer.parameters] == [id(p) for p in model.parameters()]
    optimizer.zero_grad()
    tg.mse([model(x) for x in write.INPUTS], write.TARGETS).backward()
    optimizer.step()
    assert exact(model.state_dict()) != exact(state["model"])


def test_pickled_models_and_data_are_as_they_were():
    learned = unpickled("learned")
    for name, model in learned["models"].items():
        fresh = write.MODELS[name](0)
        assert repr(model) == repr(fresh) and exact(model.state_dict()) == exact(fresh.state_dict())
        assert [(p.label, p.scope, p.is_constant) for p in model.parameters()] == [
            (p.label, p.scope, p.is_constant) for p in fresh.parameters()]
        row = [0.5, -0.25, 2.0][:3 if name == "mlp_tanh" else 2]
        assert exact(model.predict(row)) == exact(fresh.eval().predict(row))
    data = learned["data"]
    assert (data.inputs, data.targets, data.features, data.classes) == (
        write.INPUTS, [1, 0, 0, 1, 1], ("x", "y"), ("no", "yes"))
