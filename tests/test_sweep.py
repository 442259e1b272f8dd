"""`sweep`: the same runs as by hand, here and on workers; a file that goes on; what fails is a row, what is wrong is refused."""

import csv
import itertools
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import types
from functools import partial
from pathlib import Path

import pytest
from dask_workers import workers

import tinygrad_edu as tg
from tinygrad_edu.learn import sweep as module
from tinygrad_edu.learn.runs import Runs
from tinygrad_edu.learn.workers import VERSIONS, check_versions

ROOT = Path(__file__).resolve().parents[1]
TRAIN, OTHERS = tg.data.split(tg.data.moons(30, seed=0))
SETTINGS = {"hidden": [2, 3], "lr": [0.01, 0.1], "epochs": 2, "seed": range(2)}
SHARED = tg.MLP(2, [2], rng=0)


def network(hidden, rng):
    return tg.Sequential(tg.MLP(2, [hidden, hidden], rng=rng), tg.Dropout(0.2, seed=1), tg.MLP(hidden, [2], rng=rng))


def swept(settings=None, make_model=network, data=(TRAIN, OTHERS), **options):
    return tg.sweep(make_model, data, SETTINGS if settings is None else settings, **options)


def told(runs):
    return runs.rows, [vars(run.history) for run in runs.runs]


# ---- what is run


@pytest.mark.smoke
def test_each_run_is_what_fit_does_with_its_settings_in_the_order_of_the_settings():
    runs = swept()
    combined = list(itertools.product([2, 3], [0.01, 0.1], range(2)))
    assert [(row["hidden"], row["lr"], row["seed"]) for row in runs.rows] == combined
    for (hidden, lr, seed), run in zip(combined, runs.runs):
        history = tg.fit(network(hidden, seed), TRAIN.inputs, TRAIN.targets, validation=OTHERS, lr=lr, epochs=2, seed=seed)
        assert run.history == history
        assert (run.as_row()["loss"], run.as_row()["validation_accuracy"]) == (history.loss[-1], history.validation_accuracy[-1])


def test_a_setting_goes_to_whoever_has_it_and_the_seed_to_both():
    given = []

    def make_model(width, seed, activation="relu", *, batch_size=None):
        given.append((width, seed, activation, batch_size))
        return tg.MLP(2, [width, 2], activation, rng=seed)
    runs = swept({"width": [2], "batch_size": [5, 6], "epochs": 1, "activation": "tanh"}, make_model)
    assert set(given) == {(2, 0, "tanh", 5), (2, 0, "tanh", 6)} and [row["seed"] for row in runs.rows] == [0, 0]
    assert runs.rows[0]["loss"] != runs.rows[1]["loss"]


@pytest.mark.parametrize("make_model", [partial(tg.MLP, 2, [3, 2]), lambda rng, **rest: tg.MLP(2, [3, 2], rng=rng, **rest)])
def test_functions_of_every_kind_make_models(make_model):
    assert [row["activation"] for row in swept({"activation": ["relu", "tanh"], "epochs": 1}, make_model).rows] == ["relu", "tanh"]


def test_data_come_in_the_forms_that_fit_knows():
    np = pytest.importorskip("numpy")
    lists, pair = (TRAIN.inputs, TRAIN.targets), (OTHERS.inputs, OTHERS.targets)
    wanted = swept().rows
    assert swept(data=(*lists, pair)).rows == swept(data=(*lists, OTHERS)).rows == wanted
    assert swept(data=(np.array(lists[0]), np.array(lists[1]), pair)).rows == wanted
    alone = swept(data=TRAIN).rows
    assert swept(data=lists).rows == alone and alone[0]["validation_loss"] is None and alone[0]["loss"] == wanted[0]["loss"]


def test_numbers_are_those_of_the_weights_that_are_kept():
    for settings, keeps in ({"patience": 1}, True), ({"patience": 1, "restore_best": False}, False), ({"restore_best": True}, True):
        [run] = swept({"hidden": 3, "lr": 1.0, "epochs": 8, **settings}).runs
        assert run.history.best_epoch() != len(run.history) - 1
        assert run.measured["validation_loss"] == run.history.validation_loss[run.history.best_epoch() if keeps else -1]


def test_strictness_is_that_of_a_fresh_process_wherever_it_is_called():
    with tg.errstate(all="ignore"):
        [row] = swept({"hidden": 3, "lr": 1e200, "optimizer": "sgd", "epochs": 5}).rows
    assert row["error"]


# ---- what fails


def failing(hidden, rng):
    if hidden == 3:
        raise RuntimeError("of the\nuser")
    return network(hidden, rng)


def test_a_run_that_fails_is_a_row_with_its_error_and_the_others_go_on():
    runs = swept({"hidden": [2, 3], "lr": [0.1, 1e200], "optimizer": "sgd", "epochs": 3}, failing)
    assert [row["error"].partition(":")[0] for row in runs.rows] == ["", "DomainError", "RuntimeError", "RuntimeError"]
    assert "of the user" in str(runs) and runs.best() == runs.rows[0] and runs.rows[1]["loss"] is None
    assert [(row["runs"], row["failed"]) for row in runs.over_seeds().rows] == [(1, 0), (0, 1), (0, 1), (0, 1)]
    with pytest.raises(ValueError, match="all of them failed"):
        swept({"hidden": 2, "lr": 1e200, "optimizer": "sgd"}).best()


def stop_at(number, monkeypatch):
    """Ctrl-C within the training of one of the runs."""
    done = []

    def fit(*arguments, **settings):
        done.append(settings)
        if len(done) == number:
            settings["callbacks"] = interrupt
        return tg.fit(*arguments, **settings)

    def interrupt(history, model):
        raise KeyboardInterrupt
    monkeypatch.setattr(module, "fit", fit)


def test_ctrl_c_keeps_the_runs_so_far_and_the_file_goes_on_from_there(monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        stop_at(4, patch)
        runs = swept(file=tmp_path / "s.jsonl")
    assert len(runs) == 3 and str(runs).endswith("\n3 of 8 runs: interrupted") and len((tmp_path / "s.jsonl").read_text().splitlines()) == 3
    assert told(swept(file=tmp_path / "s.jsonl")) == told(swept())


# ---- what is refused


@pytest.mark.parametrize(("settings", "words"), [
    ({"hiden": [2]}, "neither make_model nor fit has a parameter 'hiden': did you mean 'hidden'"), ({"zzz": 1}, "make_model has hidden, rng"),
    ({}, "make_model needs hidden"), ({"hidden": []}, "hidden has no values"), ({"hidden": [2, 2]}, "hidden has 2 twice"),
    ({"hidden": 2, "penalty": [lambda w: 0.0, lambda w: 1.0]}, "what has no name gets one, as in {'penalty': "),
    ({"hidden": 2, "validation": 1}, "it belongs to the data"), ({"hidden": 2, "checkpoint": "a"}, r"say sweep\(..., file=...\)"),
    ({"hidden": 2, "client": 1}, r"say sweep\(..., client=...\)"), (["hidden"], "settings must be a dict"), ({"hidden": "two"}, "two")])
def test_settings_that_nobody_has_are_refused_by_name(settings, words):
    with pytest.raises((ValueError, TypeError), match=words):
        swept(settings)


@pytest.mark.parametrize(("options", "words"), [
    ({"make_model": None}, "make_model must be a function"), ({"make_model": lambda hidden, seed: 3}, "a Module is needed, not int"),
    ({"make_model": lambda hidden: tg.MLP(2, [hidden, 2])}, "gives another model each time"),
    ({"make_model": lambda hidden: SHARED}, "gives the weights of an earlier model again"), ({"data": 5}, "data are examples of tg.data"),
    ({"data": ([[1.0, 2.0]],)}, "data are examples"), ({"client": "tcp://127.0.0.1:8786"}, "client must be a Client of dask.distributed"),
    ({"file": 7}, "file must be the name of a file")])
def test_what_cannot_be_swept_is_refused_before_anything_runs(options, words, monkeypatch):
    monkeypatch.setattr(module, "fit", pytest.fail)
    with pytest.raises((ValueError, TypeError), match=words):
        swept(**options)


@pytest.mark.parametrize(("found", "words"), [
    ({"tcp://w:2": ModuleNotFoundError("No module named 'tinygrad_edu'")}, "tcp://w:2 cannot load"),
    ({"": ImportError("no"), "tcp://w:2": eval(VERSIONS)}, "the scheduler at tcp://s:1 cannot load tinygrad_edu"),
    ({"tcp://w:2": ("2.7.18", *eval(VERSIONS)[1:])}, "tcp://w:2 has Python 2.7.18"), ({"tcp://w:2": (*eval(VERSIONS)[:1], "0.1.0", 7)}, "tinygrad_edu 0.1.0")])
def test_workers_that_might_compute_otherwise_are_refused_in_one_line(found, words):
    with pytest.raises(RuntimeError, match=words) as raised:
        check_versions(found, "tcp://s:1")
    assert "\n" not in str(raised.value)
    check_versions({"tcp://w:2": eval(VERSIONS)}, "tcp://s:1")


# ---- the file


def test_a_second_call_runs_what_is_missing_alone_and_says_the_same(tmp_path, monkeypatch):
    file = tmp_path / "s.jsonl"
    first = swept({**SETTINGS, "hidden": 2}, file=file)
    more = swept(file=file)
    assert told(more) == told(swept()) and more.rows[:4] == first.rows and len(file.read_text().splitlines()) == 8
    monkeypatch.setattr(module, "fit", pytest.fail)
    assert told(swept(dict(reversed(SETTINGS.items())), file=file))[0] != [] and str(swept(file=file)) == str(more)
    assert len(file.read_text().splitlines()) == 8


def test_each_line_is_json_by_itself(tmp_path):
    runs = swept(file=tmp_path / "s.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    assert [line["settings"] for line in lines] == [run.settings for run in runs.runs]
    assert [line["measured"]["loss"] for line in lines] == [row["loss"] for row in runs.rows]


@pytest.mark.parametrize("left", [1, 40, 200])
def test_a_line_that_was_cut_off_is_run_again(left, tmp_path):
    file = tmp_path / "s.jsonl"
    wanted = told(swept(file=file))
    whole = file.read_bytes()
    last = whole[:-1].rfind(b"\n") + 1
    file.write_bytes(whole[:last + left])
    assert told(swept(file=file)) == wanted and file.read_bytes() == whole


@pytest.mark.parametrize("text", ["{}\n", "loss,accuracy\n1,2\n", "[1]\n", '{"data": 1, "history": {}, "settings": {}}\n', "\n"])
def test_a_file_of_something_else_is_refused_and_stays(text, tmp_path):
    (tmp_path / "s.jsonl").write_text(text)
    with pytest.raises(ValueError, match=r"s.jsonl line 1 is (no run of a sweep|a run on other data)"):
        swept(file=tmp_path / "s.jsonl")
    assert (tmp_path / "s.jsonl").read_text() == text


def other(hidden, rng):
    return tg.MLP(2, [hidden, 2], rng=rng)


def test_a_file_that_cannot_be_written_is_refused_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "fit", pytest.fail)
    for path in tmp_path / "missing" / "s.jsonl", tmp_path:
        with pytest.raises(OSError, match=str(path)):
            swept(file=path)


OTHER_DATA = [TRAIN, (TRAIN.inputs, TRAIN.targets, tg.data.moons(6, seed=1)), (TRAIN.inputs, [1 - t for t in TRAIN.targets], OTHERS)]


@pytest.mark.parametrize("data", OTHER_DATA, ids=["no validation", "other validation", "other targets"])
def test_each_part_of_the_data_counts(data, tmp_path):
    swept({"hidden": 2, "epochs": 1}, file=tmp_path / "s.jsonl")
    with pytest.raises(ValueError, match="a run on other data"):
        swept({"hidden": 2, "epochs": 1}, data=data, file=tmp_path / "s.jsonl")
    np = pytest.importorskip("numpy")
    same = (np.array(TRAIN.inputs), np.array(TRAIN.targets), OTHERS)
    assert len(swept({"hidden": 2, "epochs": 1}, data=same, file=tmp_path / "s.jsonl")) == 1


@pytest.mark.parametrize(("options", "words"), [
    ({"data": (TRAIN.inputs, TRAIN.targets)}, "a run on other data"), ({"make_model": other}, "a run of another model for {'hidden': 2"),
    ({"make_model": lambda hidden, rng: network(hidden, rng + 1)}, "another model")])
def test_other_data_or_another_model_in_the_file_is_refused(options, words, tmp_path):
    swept(file=tmp_path / "s.jsonl")
    before = (tmp_path / "s.jsonl").read_bytes()
    with pytest.raises(ValueError, match=words):
        swept(file=tmp_path / "s.jsonl", **options)
    assert (tmp_path / "s.jsonl").read_bytes() == before


def penalized(strength):
    return lambda weights: strength * tg.sum([w * w for w in weights])


def test_what_is_no_plain_data_is_known_by_its_content(tmp_path, monkeypatch):
    def settings(strength, power):
        return {"hidden": 2, "epochs": 1, "penalty": {"none": None, "own": penalized(strength), "L2": tg.L2(power)}, "loss": tg.cross_entropy}
    runs = swept(settings(0.1, 0.5), file=tmp_path / "s.jsonl")
    assert [row["penalty"] for row in runs.rows] == ["none", "own", "L2"] and len({row["loss"] for row in runs.rows}) == 3
    for changed in settings(0.2, 0.5), settings(0.1, 0.6):
        with pytest.raises(ValueError, match=r"has runs with another penalty that is called '(own|L2)'"):
            swept(changed, file=tmp_path / "s.jsonl")
    monkeypatch.setattr(module, "fit", pytest.fail)
    assert swept(settings(0.1, 0.5), file=tmp_path / "s.jsonl").rows == runs.rows


def test_content_is_the_same_in_another_process():
    code = ("import tinygrad_edu as tg; from tinygrad_edu.learn.sweep import content_of, letters\n"
            "def f(a, b=2, *, c=(1, {'x': 3})):\n    return [lambda q: q + a for _ in range(b)]\n"
            "print(letters([content_of(x) for x in (f, f(1), tg.L2(0.1), tg.mse, print, tg.Value(2.0), object())]))")
    said = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                           env={**os.environ, "PYTHONHASHSEED": seed}).stdout for seed in "12"}
    assert len(said) == 1 and said != {"\n"}


def test_what_diverged_is_kept_and_what_failed_otherwise_is_tried_again(tmp_path):
    settings = {"hidden": [2, 3], "lr": 1e200, "optimizer": "sgd", "epochs": 3}
    swept(settings, failing, file=tmp_path / "s.jsonl")
    [line] = (tmp_path / "s.jsonl").read_text().splitlines()
    assert json.loads(line)["error"].startswith("DomainError")
    again = swept(settings, file=tmp_path / "s.jsonl")
    assert [row["error"].partition(":")[0] for row in again.rows] == ["DomainError", "DomainError"]


# ---- the table


def test_seeds_become_means_and_deviations():
    runs = swept()
    means = runs.over_seeds()
    assert [(row["hidden"], row["lr"], row["runs"]) for row in means.rows] == [(2, 0.01, 2), (2, 0.1, 2), (3, 0.01, 2), (3, 0.1, 2)]
    losses = [row["loss"] for row in runs.rows[:2]]
    assert means.rows[0]["loss"] == pytest.approx(sum(losses) / 2, rel=1e-15) and "seed" not in means.rows[0]
    assert means.rows[0]["loss_deviation"] == statistics.stdev(losses)
    assert [row["loss_deviation"] for row in swept({"hidden": 2, "epochs": 1}).over_seeds().rows] == [None]


@pytest.mark.parametrize("measure", ["loss", "accuracy", "validation_loss", "validation_accuracy"])
def test_the_best_is_the_smallest_loss_or_the_largest_accuracy(measure):
    runs = swept()
    best = (max if "accuracy" in measure else min)(row[measure] for row in runs.rows)
    assert runs.best(measure)[measure] == best
    assert runs.best() == runs.best("validation_accuracy")
    equal = [row for row in runs.rows if row["validation_accuracy"] == runs.best()["validation_accuracy"]]
    assert runs.best()["validation_loss"] == min(row["validation_loss"] for row in equal)


def test_a_measure_that_there_is_not_is_named():
    with pytest.raises(ValueError, match="did you mean 'accuracy'"):
        swept({"hidden": 2, "epochs": 1}).best("acuracy")
    with pytest.raises(ValueError, match="nothing was measured"):
        swept({"hidden": 2, "epochs": 0}).best()
    with pytest.raises(ValueError, match="there are no runs yet"):
        Runs([], ["lr"], 2).best()


def test_what_is_the_same_in_all_runs_is_not_printed_and_columns_stand_below_each_other():
    lines = str(swept()).splitlines()
    assert lines[0].split() == ["hidden", "lr", "seed", "loss", "accuracy", "validation_loss", "validation_accuracy"]
    assert len(lines) == 9 and {line[lines[0].index("accuracy") - 1] for line in lines} == {" "}
    assert str(swept({"hidden": 2, "epochs": 1})).split()[:3] == ["hidden", "epochs", "seed"]


def test_a_table_is_written_as_csv_and_handed_to_pandas(tmp_path, monkeypatch):
    runs = swept()
    runs.to_csv(tmp_path / "t.csv")
    with open(tmp_path / "t.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(runs.rows[0]) and [float(row["loss"]) for row in rows] == [row["loss"] for row in runs.rows]
    with pytest.raises(ValueError, match=r"written as \.csv"):
        runs.to_csv(tmp_path / "t.xls")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ModuleNotFoundError, match="pip install pandas"):
        runs.to_pandas()


def test_progress_says_what_the_last_run_came_to(capsys):
    swept({"hidden": 2, "epochs": 1, "seed": range(2)}, progress=True)
    said = capsys.readouterr().err
    assert "2/2" in said and "seed=1  validation_accuracy" in said
    swept({"hidden": 2, "epochs": 1}, progress=False)
    assert capsys.readouterr() == ("", "")


def test_neither_dask_nor_pandas_is_loaded_without_need():
    code = ("import sys, tinygrad_edu as tg\ntg.sweep(lambda rng: tg.MLP(2, [2], rng=rng), tg.data.xor(8), {'epochs': 1})\n"
            "print({'dask', 'distributed', 'pandas', 'numpy'} & {*sys.modules})")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


# ---- on workers


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    distributed = pytest.importorskip("distributed", reason='clusters are run by Dask: pip install ".[cluster]"')
    with workers(2, tmp_path_factory.mktemp("cluster")) as address, distributed.Client(address, set_as_default=False) as connected:
        yield connected


def test_workers_give_the_same_numbers_in_the_same_order(client, tmp_path):
    assert told(swept(client=client)) == told(swept())
    there = swept({"hidden": [2, 3], "lr": [0.1, 1e200], "optimizer": "sgd", "epochs": 2}, failing, client=client, file=tmp_path / "s.jsonl")
    here = swept({"hidden": [2, 3], "lr": [0.1, 1e200], "optimizer": "sgd", "epochs": 2}, failing)
    assert told(there) == told(here) and len((tmp_path / "s.jsonl").read_text().splitlines()) == 2


def test_the_program_of_the_site_sends_workers_a_function_of_its_own(client, tmp_path):
    program = re.search(r"^```py\n(.*?)^```$", (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8"), re.M | re.S)[1]
    start = "Client(threads_per_worker=1)"          # which was tried by hand: it takes longer than these workers
    assert program.count(start) == 1
    (tmp_path / "program.py").write_text(program.replace(start, f'Client("{client.scheduler.address}")'))
    done = subprocess.run([sys.executable, tmp_path / "program.py"], capture_output=True, text=True, encoding="utf-8", check=True,
                          env={**os.environ, "PYTHONIOENCODING": "utf-8"})
    scope = {"__name__": "here"}
    exec(program, scope)
    settings = {"hidden": [4, 8], "lr": [0.01, 0.1], "epochs": 5, "seed": range(3)}
    assert done.stdout.rstrip() == str(swept(settings, scope["make_model"], tg.data.split(tg.data.xor(100))).over_seeds())


def test_what_workers_cannot_load_is_said_before_anything_runs(client, monkeypatch):
    here = types.ModuleType("only_here")
    exec("import tinygrad_edu as tg\nclass Net(tg.MLP): pass", vars(here))
    monkeypatch.setitem(sys.modules, "only_here", here)
    with pytest.raises(RuntimeError, match=r"workers cannot load make_model or the data \(ModuleNotFoundError: No module named 'only_here'"):
        swept({}, lambda rng: here.Net(2, [2], rng=rng), client=client)


@pytest.mark.skipif(os.name != "posix", reason="processes are killed by signals")
def test_a_worker_that_is_killed_loses_no_run_and_none_is_there_twice(client, tmp_path, monkeypatch):
    settings = {**SETTINGS, "epochs": 4}
    [first, _] = client.run(os.getpid).values()
    added = module.RunFile.add

    def kill_and_add(kept, run):
        if not killed.is_set():
            os.kill(first, signal.SIGKILL)
            killed.set()
        added(kept, run)
    killed = threading.Event()
    monkeypatch.setattr(module.RunFile, "add", kill_and_add)
    runs = swept(settings, client=client, file=tmp_path / "s.jsonl")
    assert killed.is_set() and told(runs) == told(swept(settings)) and len((tmp_path / "s.jsonl").read_text().splitlines()) == 8


def test_a_client_that_was_closed_is_refused_in_a_sentence(client):
    from distributed import Client
    with Client(client.scheduler.address, set_as_default=False) as closed:
        pass
    with pytest.raises(ConnectionError, match=r"the scheduler of this client does not answer \(closed\): start one"):
        swept(client=closed)


def test_a_scheduler_that_is_lost_while_workers_are_asked_is_said_in_a_sentence():
    def lost(*arguments, **options):
        raise OSError("ConnectionPool closing.")
    client = types.SimpleNamespace(status="running", asynchronous=False, submit=None, run=lost, scheduler_info=lambda: {"workers": {}})
    with pytest.raises(ConnectionError, match="the scheduler of this client does not answer"):
        swept(client=client)
