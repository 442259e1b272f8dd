"""The scoreboard compares engines fairly only if all do the same work: that is tested here.

No test looks at a time.  The benchmarks are not part of the package, so they are found by their
place beside the tests.
"""

import doctest
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tinygrad_edu as tg

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))                      # at the end: the package that is installed is what is tested

from benchmarks import __main__ as command  # noqa: E402
from benchmarks import (  # noqa: E402
    batch_peers,
    batches,
    compiled,
    contest,
    digits,
    estimators,
    graph,
    marks,
    names,
    outside,
    peers,
    plain,
    player,
    report,
    script,
    training,
    worker,
    workloads,
)

OURS = peers.OURS
HASTE = contest.Effort(rounds=2, few=1, batch=1e-9, start=60.0, patience=60.0, sizes=(10, 100), held=1000, turns=3)
HERE = [name for name in (OURS, "plain Value", "GPT's Value", "micrograd", "XAD", "C by hand")
        if not peers.PEERS[name].package or importlib.util.find_spec(peers.PEERS[name].module.partition(".")[0])]
DEEP = ["chain-2", "chain-200", "fan-1", "fan-2", "fan-999"]


class Inside:
    """Stands in for a process: the same questions and answers, and any peer at all."""

    def __init__(self, peer, name, effort):
        self.entrant = worker.Entrant(peer, workloads.workload_named(name))
        self.hello = self.entrant.hello

    def ask(self, request):
        return json.loads(json.dumps(self.entrant.ask(request)))

    def close(self):
        pass


def outcomes(workload, **others):
    """What a contest of ours and of these peers comes to, without processes."""
    table = {OURS: peers.Ours(), **others}
    found = contest.contest([(name, workload) for name in table], HASTE,
                            lambda name, *rest: Inside(table[name], *rest))
    return {name: outcome for (name, _), outcome in found.items()}


# ---- the same work ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("workload", [*workloads.WORKLOADS, *DEEP])
def test_all_peers_that_can_run_a_workload_get_what_we_get(workload):
    found = outcomes(workload, **{name: type(peers.PEERS[name])() for name in HERE if name != OURS})
    ran = {name for name, outcome in found.items() if len(outcome.seconds) == HASTE.rounds}
    allowed = {"has no dot product that is one node", "no C compiler (cc, gcc, clang) on the PATH",
               "AttributeError: 'Value' object has no attribute 'exp'", peers.ONLY_OPERATORS}
    assert {outcome.note for name, outcome in found.items() if name not in ran} <= allowed
    assert OURS in ran and (workload == "fused" or {"plain Value", "GPT's Value"} <= ran)


@pytest.mark.parametrize("statement", contest.SINGLE)
def test_a_single_operation_gives_what_it_says_and_its_gradient(statement):
    found = outcomes(f"single-{statement}", gpt=peers.GPTValue())
    x = tg.Value(0.75)
    result = eval(statement)
    result.backward()
    answer = found[OURS].answer
    assert (answer["result"], answer["gradients"]) == (result.data, [x.grad])
    assert len(found[OURS].seconds) == HASTE.rounds
    assert found["gpt"].note in ("", "AttributeError: module 'benchmarks.gpt_value' has no attribute 'tanh'")


def operations(workload):
    work = workloads.workload_named(workload)
    peer = peers.Ours()
    peer.open()
    output = work.program(peer, peer.leaves(work.numbers))
    return sum(bool(node.parents) for node in tg.topological_order(output))


@pytest.mark.parametrize("workload", ["network", "random", *DEEP])
def test_graphs_have_as_many_nodes_for_others_as_for_us(workload):
    work, sizes = workloads.workload_named(workload), []
    orders = {peers.Ours(): tg.topological_order, peers.Plain(): plain.Value.order, peers.GPTValue(): nodes_of}
    for peer, order in orders.items():
        peer.open()
        sizes.append(len(order(work.program(peer, peer.leaves(work.numbers)))))
    assert sizes[0] == sizes[1] == sizes[2]


def nodes_of(root):
    """All nodes of a graph whose nodes have children."""
    found, ahead = {root}, [root]
    while ahead:
        new = set(ahead.pop()._children) - found
        found |= new
        ahead += new
    return found


def test_the_network_has_a_node_for_every_product_and_every_sum():
    a_point = 16 * (2 * 2 + 1) + 16 * (2 * 16 + 1) + 2 * 16 + 2         # a relu each; an error, and its square
    assert operations("network") == 100 * a_point + 99 + 1              # added up, and divided
    fused = 16 * 3 + 16 * 3 + 2 + 2
    assert operations("fused") == 100 * fused + 99 + 1


@pytest.mark.parametrize("workload", ["chain-2", "chain-200", "fan-1", "fan-999", "random"])
def test_large_graphs_have_exactly_the_nodes_asked_for(workload):
    assert operations(workload) == (workloads.OPERATIONS if workload == "random" else int(workload.partition("-")[2]))


def test_the_readmes_expression_is_micrograds():
    found = outcomes("readme")[OURS].answer
    assert round(found["result"], 4) == 24.7041
    assert [round(gradient, 4) for gradient in found["gradients"]] == [138.8338, 645.5773]


@pytest.mark.parametrize("operations", [1, 2, 19, 20, 41, 1000])
def test_a_random_graph_has_exactly_the_operations_asked_for(operations):
    plan = graph.random_plan(seed=1, operations=operations)
    leaves = [tg.Value(x) for x in plan.leaves]
    nodes = tg.topological_order(graph.carried_out(plan, leaves, tg.relu))
    assert sum(bool(node.parents) for node in nodes) == operations
    assert set(tg.leaves(nodes[-1])) == set(leaves)


def test_the_same_seed_gives_the_same_graph_and_another_seed_another():
    assert graph.random_plan(3, 200) == graph.random_plan(3, 200) != graph.random_plan(4, 200)


# ---- nobody is timed for wrong work -------------------------------------------------------------------------


class Careless(plain.Value):
    """Sets gradients where it should add to them."""

    def backward(self):
        self.grad = 1.0
        for node in reversed(self.order()):
            for parent, local_grad in zip(node.parents, node.local_grads):
                parent.grad = local_grad * node.grad


class Planted(peers.Plain):
    """The plain peer, right but for what a function does to its answers."""

    def __init__(self, change, leaf=plain.Value):
        self.change, self.planted, self.turns = change, leaf, 0

    def open(self):
        self.leaf = self.planted

    def answer(self, result, leaves):
        self.turns += 1
        return self.change(*super().answer(result, leaves), self.turns)


def scaled(share):
    return lambda result, gradients, turn: (result, [gradients[0] * (1 + share), *gradients[1:]])


WRONG = {
    "a gradient off by 1e-8": scaled(1e-8),
    "a gradient that is no number": scaled(float("nan")),
    "no gradient at all": lambda result, gradients, turn: (result, []),
    "gradients of 0": lambda result, gradients, turn: (result, [0.0 for _ in gradients]),
    "two gradients in each other's place": lambda result, gradients, turn: (result, gradients[::-1]),
    "a result off by 1e-8": lambda result, gradients, turn: (result * (1 + 1e-8), gradients),
    "wrong from the third turn on": lambda result, gradients, turn: (result + (turn > 2), gradients),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_a_peer_that_is_wrong_is_refused(change):
    found = contest.figures_of({(name, "readme"): outcome for name, outcome in
                                outcomes("readme", planted=Planted(change)).items()})
    assert [figure.amount is None for figure in found] == [False, True]
    assert found[1].note.startswith("refused") and found[1].ratio is None


def test_an_engine_with_a_bug_is_refused_where_the_bug_shows():
    peer = Planted(lambda result, gradients, turn: (result, gradients))
    assert not outcomes("readme", planted=peer)["planted"].note
    peer.planted = type("Value", (Careless,), {})
    for name in "__add__", "__mul__", "__pow__", "relu":           # nodes of the careless class
        setattr(peer.planted, name, rebuilt(getattr(plain.Value, name), peer.planted))
    peer.planted.__radd__, peer.planted.__rmul__ = peer.planted.__add__, peer.planted.__mul__
    assert outcomes("readme", planted=peer)["planted"].note.startswith("refused, wrong gradient 0")


def rebuilt(method, leaf):
    def careless(*operands):
        node = method(*operands)
        return leaf(node.data, node.parents, node.local_grads)
    return careless


def test_a_peer_that_only_rounds_otherwise_is_timed():
    assert len(outcomes("readme", planted=Planted(scaled(1e-12)))["planted"].seconds) == HASTE.rounds


def test_who_takes_long_has_fewer_turns_and_its_row_says_so(monkeypatch):
    monkeypatch.setattr(contest, "LONG", -1.0)
    slow = outcomes("readme", planted=peers.Plain())
    slow[OURS].seconds.append(slow[OURS].seconds[0])
    slow["planted"].seconds = slow["planted"].seconds[:1]
    ours, planted = contest.figures_of({(name, "readme"): outcome for name, outcome in slow.items()})
    assert [outcome.turns for outcome in slow.values()] == [HASTE.few] * 2
    assert (ours.note, planted.note) == ("", "1 of 2 rounds")
    assert planted.ratio.middle == slow["planted"].seconds[0] / slow[OURS].seconds[0]


def test_nobody_is_timed_where_we_gave_no_answer(monkeypatch):
    monkeypatch.setattr(peers.Ours, "run", lambda self, leaves: 1 / 0)
    found = outcomes("readme", planted=peers.Plain())
    assert found[OURS].note == "ZeroDivisionError: division by zero"
    assert found["planted"].note == "not timed: we gave no answer to compare with"
    assert not found[OURS].seconds and not found["planted"].seconds


# ---- peers that are not there ---------------------------------------------------------------------------------


class Missing(peers.Tape):
    package = module = "no_such_engine"
    install = "pip install no-such-engine"


def test_a_peer_that_is_missing_is_named_with_the_remedy():
    assert outcomes("readme", missing=Missing())["missing"].note == "not installed: pip install no-such-engine"


def test_a_library_that_is_broken_is_not_taken_for_missing(monkeypatch, tmp_path):
    (tmp_path / "broken_engine.py").write_text("import no_such_dependency")
    monkeypatch.syspath_prepend(tmp_path)
    broken = type("Broken", (Missing,), {"module": "broken_engine"})()
    assert outcomes("readme", broken=broken)["broken"].note == "ModuleNotFoundError: No module named 'no_such_dependency'"


def test_without_a_compiler_the_program_in_c_is_reported(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert outcomes("readme", c=peers.Limit())["c"].note == "no C compiler (cc, gcc, clang) on the PATH"


def test_starting_up_names_what_is_missing(monkeypatch):
    monkeypatch.setattr(outside, "PEERS", {OURS: peers.PEERS[OURS], "missing": Missing()})
    bare, ours, missing = outside.startup_figures(HASTE._replace(rounds=1))
    assert bare.amount and ours.amount and bare.ratio.middle < 1
    assert (missing.amount, missing.note) == (None, "not installed: pip install no-such-engine")


# ---- processes ----------------------------------------------------------------------------------------------


def test_a_process_answers_with_seconds_result_and_gradients():
    process = contest.Process(OURS, "readme", HASTE)
    reply = process.ask({"runs": 3})
    process.close()
    assert process.hello == {"version": f"{tg.__version__}, {tg.engine_name} engine"}
    assert reply.pop("seconds") > 0
    assert reply == {name: outcomes("readme")[OURS].answer[name] for name in ("result", "gradients")}


def test_the_pure_engine_has_a_process_of_its_own():
    process = contest.Process(peers.PURE, "readme", HASTE)
    process.close()
    assert process.hello == {"version": f"{tg.__version__}, pure engine"}


def test_a_process_that_is_not_ready_in_time_is_given_up():
    process = contest.Process("plain Value", "readme", HASTE._replace(start=1e-6))
    process.close()
    assert process.hello == {"failed": "no answer within 1e-06 s"}


def test_a_process_that_takes_too_long_is_given_up():
    process = contest.Process("plain Value", "readme", HASTE)
    process.patience = 0.2
    assert process.ask({"runs": 10**9}) == {"failed": "no answer within 0.2 s"}
    process.close()


def test_a_process_that_ended_says_so():
    process = contest.Process("plain Value", "readme", HASTE)
    process.process.kill()
    assert process.ask({"runs": 1}) == {"failed": f"ended with exit code {process.process.wait()}"}
    process.close()


def test_what_is_installed_is_measured_and_not_the_folder_beside(tmp_path):
    path = subprocess.run([sys.executable, "-c", "import benchmarks, sys; print(*sys.path, sep='\\n')"], cwd=tmp_path, check=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True).stdout.splitlines()
    assert path[-1] == str(ROOT) and path[:path.index(str(ROOT))] and set(path[path.index(str(ROOT)):]) == {str(ROOT)}


def test_memory_is_that_of_the_nodes(monkeypatch):
    used = iter([1_000_000, 1_080_000])
    monkeypatch.setattr(worker, "resident", lambda: next(used))
    entrant = worker.Entrant(peers.Plain(), workloads.workload_named("chain-1000"))
    assert entrant.ask({"memory": True})["bytes"] == 80.0


# ---- training ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", workloads.TRAINING)
def test_whoever_trains_learns(task):
    pytest.importorskip("sklearn", reason='the examples come from scikit-learn: pip install ".[data]"')
    here = {name: peer for name, peer in training.TRAINERS.items()
            if importlib.util.find_spec(peer.module) and name != peers.PURE}
    found = trained(task, here)
    assert {name: outcome.note for name, outcome in found.items()} == dict.fromkeys(here, "")
    assert all(len(outcome.seconds) == HASTE.rounds for outcome in found.values())


def trained(task, table):
    found = contest.contest([(name, task) for name in table], HASTE, lambda name, *rest: Inside(table[name], *rest))
    return {name: outcome for (name, _), outcome in found.items()}


class Lazy(training.Fit):
    """Says the same class of every example."""

    def trained(self, epochs):
        return 1.0, lambda rows: [0 for _ in rows]


def test_whoever_learns_nothing_is_refused():
    pytest.importorskip("sklearn", reason='the examples come from scikit-learn: pip install ".[data]"')
    found = trained("moons", {OURS: training.Fit(), "lazy": Lazy()})
    assert [outcome.note for outcome in found.values()] == ["", "refused, has not learned: 100 of 200 right"]


@pytest.mark.parametrize("name", digits.LEARNERS)
def test_whoever_trains_on_digits_by_a_seed_has_learned_them(name, monkeypatch):
    pytest.importorskip("sklearn", reason='the examples come from scikit-learn: pip install ".[data]"')
    monkeypatch.setattr(digits, "COMMAND", [*digits.COMMAND, "--epochs", "5"])
    learner = worker.Learner(digits.LEARNERS[name], None)
    if learner.hello.get("failed", "").startswith("not installed"):
        pytest.skip(learner.hello["failed"])
    assert 0.9 < learner.ask({"seed": 2})["right"] <= 1.0


def test_both_estimators_learn_digits_with_the_same_settings(monkeypatch):
    pytest.importorskip("sklearn", reason='the examples come from scikit-learn: pip install ".[data]"')
    ours, theirs = estimators.ours(0), estimators.theirs(0)
    assert (ours.hidden, ours.activation, ours.lr, ours.batch_size, ours.epochs) == (
        theirs.hidden_layer_sizes, theirs.activation, theirs.learning_rate_init, theirs.batch_size, theirs.max_iter)
    monkeypatch.setattr(estimators, "EPOCHS", 5)
    found = estimators.measured(range(1))
    assert {name: len(results) for name, results in found.items()} == {estimators.OURS: 1, estimators.THEIRS: 1}
    assert all(90 < result.right <= 100 for results in found.values() for result in results)


def test_the_table_of_estimators_takes_the_place_of_the_one_before():
    found = {estimators.OURS: [estimators.Result(96.0, 2.0), estimators.Result(98.0, 1.0)],
             estimators.THEIRS: [estimators.Result(97.0, 3.0), estimators.Result(97.0, 3.0)]}
    made = estimators.table(found, 0.5)
    assert "| `tg.Classifier` | 97.0 % | 96.0 % to 98.0 % | 1.50 s | 1.00 s to 2.00 s |" in made and "2.25 times" in made
    page = "before\n" + "".join(estimators.MARKS) + "after\n"
    once = marks.with_table(page, estimators.MARKS, made)
    assert marks.with_table(once, estimators.MARKS, made) == once and once.startswith("before\n") and once.endswith("after\n")


class OfSeeds:
    """Stands in for a process: one peer is missing, one fails at a seed, and ours is right."""

    def __init__(self, name, workload, effort):
        self.name, self.hello = name, {"failed": "not installed"} if name == "scikit-learn" else {"version": "1"}

    def ask(self, request):
        seed = request["seed"]
        return {"failed": "broke"} if (self.name, seed) == ("PyTorch loop", 3) else {"right": 0.9 + seed / 100, "seconds": seed + 1.0}

    def close(self):
        pass


def test_digits_have_a_row_for_every_seed_and_one_of_medians(monkeypatch):
    monkeypatch.setattr(digits, "Process", OfSeeds)
    figures = digits.seed_figures(HASTE)
    head, table = report.tabled(figures)
    assert head == ["by", f"{OURS}, right", f"{OURS}, training", "note"]
    assert [line[0] for line in table] == [*(f"seed {seed}" for seed in range(10)), "median", "PyTorch loop", "scikit-learn"]
    assert table[3][1:] == ["93.0 %", "4.00 s", ""] and table[10][1:3] == ["94.5 %", "5.50 s"]
    assert [line[-1] for line in table[-2:]] == ["broke", "not installed"]
    assert [row[1:3] + row[4:] for row in report.targets(figures)] == [
        ["at least 97.0 %", "94.5 %", "missed"], ["at most 3.00 s", "5.50 s", "missed"]]


# ---- batches of rows ------------------------------------------------------------------------------------------

SMALL = {
    "ten": batches.ten_operations, "small": batches.BATCHES["small"],
    "network": lambda: batches.network(16, 8, 4, rows=8), "tanh": lambda: batches.network(5, 3, 2, rows=4, activation="tanh"),
    "attention": lambda: batches.attention(rows=2), "recurrent": lambda: batches.recurrent(rows=3),
    "scalars": lambda: batches.random_operations(60, rows=5),
}
EXACT, EAGER = batch_peers.EXACT, batch_peers.EAGER


def batch_reply(peer, batch):
    """The answer of a peer to a batch, or why there is none; without a process."""
    entrant = worker.Entrant(peer, batch)
    return entrant.hello if "failed" in entrant.hello else worker.or_failure(
        lambda: dict(zip(("result", "gradients"), peer.answer())))


@pytest.mark.parametrize("name", SMALL)
def test_a_program_has_the_bits_of_the_engine_on_what_is_measured(name):
    batch = SMALL[name]()
    assert batch_reply(batch_peers.Compiled(), batch) == batch_reply(batch_peers.Eager(), batch)


@pytest.mark.parametrize("name", SMALL)
def test_all_who_can_run_a_batch_get_what_we_get(name):
    batch, here = SMALL[name](), [peer for peer in batch_peers.BATCHERS if not peer.endswith("a batch")]
    found = {peer: batch_reply(type(batch_peers.BATCHERS[peer])(), batch) for peer in here}
    failed = {reply["failed"] for reply in found.values() if "failed" in reply}
    assert failed <= {"not written by hand", "no C compiler (cc, gcc, clang) on the PATH", "written for networks of layers",
                      "no C++ compiler (c++, g++, clang++) on the PATH", "not installed: apt install libadolc-dev"}
    answers = [reply for reply in found.values() if "failed" not in reply]
    assert len(answers) >= 4 and {contest.difference(reply, found[EXACT]) for reply in answers} == {""}


@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="the same in tensors needs torch")
@pytest.mark.parametrize("name", [name for name in SMALL if name != "ten"])
def test_tensors_say_the_same(name):
    batch = SMALL[name]()
    theirs, ours = batch_reply(batch_peers.TorchBatch(), batch), batch_reply(batch_peers.Compiled(), batch)
    assert contest.difference(theirs, ours) == ""


@pytest.mark.skipif(not shutil.which("cc"), reason="what is written in C needs a compiler")
def test_the_small_network_in_c_has_our_bits():
    batch = SMALL["small"]()
    assert batch_reply(batch_peers.C(), batch) == batch_reply(batch_peers.Compiled(), batch)


@pytest.mark.skipif(not shutil.which("c++"), reason="what is written in C++ needs a compiler")
def test_a_compiler_without_adolc_is_told_from_one_that_fails(monkeypatch, tmp_path):
    peer, run = batch_peers.ADOLC(), subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda command, **rest: run([*command, "--no-such-option"], **rest))
    with pytest.raises(subprocess.CalledProcessError):
        peer.open()
    monkeypatch.setattr(batch_peers, "__file__", str(tmp_path / "batch_peers.py"))
    (tmp_path / "adolc.cpp").write_text("int main() {}")
    monkeypatch.setattr(subprocess, "run", lambda command, **rest: run([*command[:-1], "-L/", "-ladolc-of-nobody"], **rest))
    with pytest.raises(peers.Unfit, match="not installed: apt install libadolc-dev"):
        peer.open()


def test_the_older_jax_is_that_of_the_folder_and_has_a_row_without_it(monkeypatch, tmp_path, capsys):
    monkeypatch.delenv(batch_peers.OLDER_JAX, raising=False)
    peer = batch_peers.OlderJax()
    assert peer.settings == {}
    with pytest.raises(peers.Unfit, match="and --jax FOLDER"):
        peer.open()
    with pytest.raises(SystemExit):
        command.parsed(["--jax", str(tmp_path)])
    assert f"pip install --target {tmp_path} jax" in capsys.readouterr().err
    (tmp_path / "jax").mkdir()
    monkeypatch.setenv(batch_peers.OLDER_JAX, "")
    command.parsed(["--jax", str(tmp_path)])
    assert peer.settings == {"PYTHONPATH": str(tmp_path)}


class WrongNumPy(batch_peers.NumPy):
    """Forgets a factor in one gradient."""

    def answer(self):
        loss, gradients = super().answer()
        return loss, [gradients[0] * (1 + 1e-8), *gradients[1:]]


class BatchInside(Inside):
    def __init__(self, peer, name, effort):
        table = {EXACT: batch_peers.Compiled(), "right": batch_peers.NumPy(), "wrong": WrongNumPy()}
        self.entrant = worker.BatchEntrant(table[peer], SMALL[name.removeprefix("batch-")]())
        self.hello = self.entrant.hello


def batch_measured(monkeypatch):
    monkeypatch.setattr(compiled, "Process", BatchInside)
    monkeypatch.setattr(compiled, "batch_named", lambda name: SMALL[name]())
    monkeypatch.setattr(compiled, "peers_of", lambda name: [EXACT, "right", "wrong"])
    monkeypatch.setattr(compiled, "BATCHERS", dict.fromkeys((EXACT, "right", "wrong"), batch_peers.NumPy()))
    monkeypatch.setattr(compiled, "most_operations", lambda contracts: 1e9)
    return compiled.measured.__wrapped__("network", HASTE)


def test_a_batch_is_timed_alone_and_in_turns_and_who_is_wrong_is_refused(monkeypatch):
    figures = batch_measured(monkeypatch)
    found = {who: {row.column for row in figures if row.who == who and row.amount} for who in (EXACT, "right", "wrong")}
    assert found[EXACT] == {compiled.HOT, compiled.IN_TURNS, compiled.CEILING, compiled.FORWARD, compiled.FIRST}
    assert found["right"] == set(compiled.COLUMNS) - {compiled.FORWARD} and found["wrong"] == {compiled.FIRST}
    head, table = report.tabled(figures)
    assert head == ["by", *compiled.COLUMNS, "note"] and [line[0] for line in table] == [EXACT, "right", "wrong"]
    assert table[2][-1].startswith("refused, wrong gradient 0")


def test_there_are_as_many_turns_as_runs_fill_also_where_the_time_of_a_row_is_told():
    class Replies:
        def ask(self, request):
            return {"result": 1.0, "gradients": [], "seconds": [2e-5]}
    [ready] = compiled.answered({EXACT: {compiled.HOT: compiled.figure("names", EXACT, compiled.HOT)}}, {EXACT: Replies()},
                                batches.ten_operations()._replace(inputs=([0.0] * 300,), per_row=True).shares).values()
    assert ready.seconds == pytest.approx(6e-3)
    assert compiled.turns_of(ready.seconds, HASTE._replace(turns=400)) == 67


def test_a_single_core_is_for_peers_of_one_thread(monkeypatch):
    stayed = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 3}, raising=False)
    monkeypatch.setattr(os, "sched_setaffinity", lambda process, cores: stayed.append(cores), raising=False)
    for peer in batch_peers.Compiled(), batch_peers.CompiledOnTwo():
        worker.BatchEntrant(peer, batches.ten_operations())
    assert stayed == [{3}]


@pytest.mark.parametrize(("seconds", "spread"), [
    ([2.0], (2.0, 2.0, 2.0)), ([3.0, 1.0, 2.0], (1.2, 1.0, 2.0)), (range(100, 0, -1), (10.9, 1, 50.5))])
def test_the_tenth_percentile_stands_for_many_turns(seconds, spread):
    assert compiled.percentile(list(seconds)) == pytest.approx(spread)


def test_every_target_of_batches_is_aimed_at_a_peer_and_a_column():
    for target in compiled.TARGETS:
        assert target.batch in (*batches.BATCHES, "names") and target.column in compiled.COLUMNS
        assert {target.peer, target.ours} <= set(compiled.peers_of(target.batch)) | {EXACT}
        assert (target.at_least is None) != (target.at_most is None)


def test_targets_of_batches_are_ratios_of_two_rows_or_a_row():
    rows = [compiled.figure("small", who, column, contest.Spread.of([seconds])) for who, column, seconds in
            [(EXACT, "hot", 2.0), ("C by hand", "hot", 1.0)]]
    rows.append(compiled.figure("small", "JAX, a batch", "hot", note="not installed"))
    ratio, alone, missing = [compiled.aimed(target, rows) for target in (
        compiled.Target("small", "C by hand", "hot", at_least=0.6), compiled.Target("small", EXACT, "hot", at_most=3.0),
        compiled.Target("small", "JAX, a batch", "hot", at_least=2.0))]
    assert [row[2:3] + row[4:] for row in report.targets([ratio, alone, missing])] == [
        ["0.500 x", "missed"], ["2.00 s", "reached"], ["", "not measured: not installed"]]


def test_the_crossover_has_a_table_and_a_plot(monkeypatch, board, tmp_path):
    pytest.importorskip("matplotlib", reason='the plot needs matplotlib: pip install ".[plots]"')
    monkeypatch.setattr(compiled, "measured", lambda name, effort: [
        compiled.figure(name, who, column, contest.Spread.of([float(len(name))])) for who in (EXACT, "C by hand")
        for column in (compiled.HOT, compiled.IN_TURNS)])
    board["figures"] += compiled.crossover_figures(HASTE)
    report.write_page(board, tmp_path)
    page = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "](crossover.svg)" in page and "| by | 108 |" in page and "| 407,050 |" in page
    assert EXACT in (tmp_path / "crossover.svg").read_text(encoding="utf-8")
    assert "crossover.svg" not in report.page({**board, "figures": []})


def test_names_come_sixteen_of_a_length_and_none_is_left_out():
    found = names.batches()
    assert {len(batch) for batch in found} == {names.SIZE} and all(len(set(map(len, batch))) == 1 for batch in found)
    assert {name for batch in found for name in batch} == set(workloads.gpt_code()["names"])


# ---- a GPT in one file ------------------------------------------------------------------------------------------

FLAT = """
from pathlib import Path

class Value:
    def __init__(self, data, children=()):
        self.data, self.grad, self.children = data, 0, children
    def __mul__(self, other):
        return Value(self.data * other.data, [(self, other.data), (other, self.data)])
    def __add__(self, other):
        return Value(self.data + other.data, [(self, 1), (other, 1)])
    def backward(self, arrived=1):
        self.grad += arrived
        for child, slope in self.children:
            child.backward(arrived * slope)

words = Path("input.txt").read_text().split()
rates = [Value(0.5), Value(-0.25)]
for step in range(1000):
    length = Value(len(words[step]) / 10)
    miss = rates[0] * length + rates[1] * rates[1]
    loss = miss * miss
    loss.backward()
    for rate in rates:
        rate.data -= 0.1 * rate.grad
        rate.grad = 0
raise SystemExit("what follows the training is left out")
"""


@pytest.fixture
def flat(tmp_path):
    path = tmp_path / "flat-gpt.py"
    path.write_text(FLAT, encoding="utf-8")
    return path


def test_only_the_class_of_a_script_is_replaced_and_the_losses_are_the_same(flat, monkeypatch):
    own, ours = (script.trained(*script.code_of(flat, replaced))[1] for replaced in (False, True))
    assert own == pytest.approx(ours, rel=1e-12) and len(set(own)) == script.STEPS
    flat.with_name("input.txt").write_text("ada eve", encoding="utf-8")
    monkeypatch.chdir(flat.parent)
    own, ours = {"__name__": "flat"}, {"__name__": "flat"}
    exec(script.code_of(flat, replaced=False)[0], own)
    exec(script.code_of(flat, replaced=True)[0], ours)
    assert (own["Value"].__module__, ours["Value"]) == ("flat", tg.Value)
    assert own["words"] == ours["words"] == ["ada", "eve"]


def test_a_script_takes_part_in_a_contest(flat):
    ours, pure, own = contest.script_figures(flat, HASTE)
    assert [figure.group for figure in (ours, pure, own)] == ["script"] * 3 and own.ratio.middle > 0
    assert [figure.note for figure in (ours, pure, own)] == ["", "", ""]
    assert str(flat.parent) not in report.as_json({"figures": [ours, pure, own]})


def test_a_script_that_ends_early_is_not_timed(flat):
    flat.write_text(FLAT.replace("range(1000)", "range(4)"), encoding="utf-8")
    figures = contest.script_figures(flat, HASTE)
    assert [figure.note for figure in figures] == ["its loop ends after 4 steps, and 10 are timed"] * 3


@pytest.mark.parametrize(("change", "reason"), [
    (("class Value", "class Number"), "has no class Value at its top level, for ours to replace"),
    (("loss.backward()", "pass"), "has no loop at its top level that calls NAME.backward()"),
    (("import Path", "import"), "is not Python"),
])
def test_a_file_that_is_no_such_script_is_refused(flat, change, reason, capsys):
    flat.write_text(FLAT.replace(*change), encoding="utf-8")
    with pytest.raises(SystemExit):
        command.main(["--only", "readme", "--gpt", str(flat)])
    said = capsys.readouterr().err
    assert f"{flat} {reason}" in said and "--gpt" in said


def test_a_script_that_is_not_there_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        command.main(["--gpt", str(tmp_path / "nothing.py")])
    assert "nothing.py" in capsys.readouterr().err


# ---- the report -----------------------------------------------------------------------------------------------


@pytest.fixture
def board(monkeypatch):
    """A workload, chains and memory, in a hurry, by us, by the plain Value, and by a peer that is missing."""
    few = {name: peers.PEERS[name] for name in (OURS, peers.PURE, "micrograd", "plain Value")} | {"missing": Missing()}
    for module in contest, outside, worker:
        monkeypatch.setattr(module, "PEERS", few)
    figures = contest.workload_figures("readme", HASTE) + contest.scaling_figures("chain", HASTE)
    return {"command": "a command", "machine": "a machine", "rounds": 2, "few": 1, "seconds": {"readme": 1.5}, "loads": {"readme": 0.5},
            "figures": figures + contest.memory_figures(HASTE)}


def test_a_board_survives_json_and_gives_the_same_page(board, tmp_path):
    pytest.importorskip("matplotlib", reason='the plot needs matplotlib: pip install ".[plots]"')
    again = report.from_json(report.as_json(board))
    assert again == board
    for name, made in ("first", board), ("second", again):
        report.write_page(made, tmp_path / name)
    for name in "benchmarks.md", "benchmarks.json", "benchmarks.svg":
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_missing_peers_have_their_row(board):
    missing = [figure for figure in board["figures"] if figure.who == "missing"]
    assert {figure.group for figure in missing} == {"readme", "chain-10", "memory"}
    assert all(figure.note and not figure.amount for figure in missing)
    assert report.page(board).count(missing[0].note) >= len(missing)


def test_peers_that_are_silent_for_one_reason_share_a_row():
    spread = contest.Spread(1.0, 1.0, 1.0)
    figures = [contest.Figure("readme", "a", "s", note="why"), contest.Figure("readme", "b", "s", spread, note="2 of 5"),
               contest.Figure("readme", "c", "s", note="why"), contest.Figure("readme", "d", "s", note="why else")]
    assert [(row[0], row[-1]) for row in report.rows(figures)] == [("b", "2 of 5"), ("a; c", "why"), ("d", "why else")]


def test_growth_is_the_ratio_of_two_sizes_in_the_same_round(monkeypatch):
    found = {(who, name): contest.Outcome(seconds) for who in (OURS, "C by hand") for name, seconds in
             [("chain-10", [1.0, 2.0, 4.0]), ("chain-1000", [100.0, 400.0, 480.0])]}
    monkeypatch.setattr(contest, "contest", lambda keys, effort: {key: found[key] for key in keys})
    small, large, growth, *of_c = contest.growth_figures("chain", 10, 1000, HASTE)
    assert (small.amount.middle, large.amount.middle) == (0.2, 0.4)
    assert growth.amount == (1.2, 1.0, 2.0) and growth.at_most == contest.FLAT and not of_c[-1].at_most
    found[OURS, "chain-1000"] = contest.Outcome(note="refused")
    assert [(row.note, row.amount) for row in contest.growth_figures("chain", 10, 1000, HASTE)[:3]] == [("refused", None)] * 3


def test_targets_stand_beside_what_was_measured():
    spread = contest.Spread(30.0, 20.0, 40.0)
    figures = [contest.Figure("readme", "micrograd", "s", spread, spread, ratio_at_least=35.0),
               contest.Figure("memory", OURS, "bytes", spread, at_most=100.0),
               contest.Figure("gpt", "one against another", "x", spread, at_least=1.8),
               contest.Figure("gpt", "plain Value", "s", ratio_at_least=20.0, note="not installed: x")]
    rows = report.targets(figures)
    assert [row[1:] for row in rows] == [["at least 35.0 x", "30.0 x", "20.0 x to 40.0 x", "missed"],
                                         ["at most 100 bytes", "30.0 bytes", "20.0 bytes to 40.0 bytes", "reached"],
                                         ["at least 1.80 x", "30.0 x", "20.0 x to 40.0 x", "reached"],
                                         ["at least 20.0 x", "", "", "not measured: not installed: x"]]


def test_every_target_of_the_scoreboard_is_aimed_at_a_peer_and_a_workload():
    aims = set(contest.AT_LEAST) - {("script", script.THEIRS)}
    aims |= {(workload, peer) for workload, (peer, _) in contest.PURE_AT_LEAST.items()}
    assert all(workload in workloads.WORKLOADS and peer in peers.PEERS for workload, peer in aims)


def test_the_page_of_the_site_is_made_of_the_figures_beside_it():
    board = report.from_json((ROOT / "docs" / "benchmarks.json").read_text(encoding="utf-8"))
    assert (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8") == report.page(board)


def test_the_examples_of_the_report():
    for module in report, command, marks:
        results = doctest.testmod(module)
        assert results.attempted and not results.failed


def test_the_command_measures_what_it_is_asked_to_and_writes_json(monkeypatch, tmp_path, capsys):
    few = {name: peers.PEERS[name] for name in (OURS, "plain Value")}
    monkeypatch.setattr(worker, "PEERS", few)
    monkeypatch.setattr(command, "QUICK", HASTE)
    command.main(["--quick", "--only", "random", "--rounds", "1", "--json", str(tmp_path / "figures.json")])
    written = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert (written["rounds"], [figure["who"] for figure in written["figures"]]) == (1, list(few))
    assert written["command"] == "python -m benchmarks --quick --rounds 1 --only random --write docs"
    said = capsys.readouterr()
    assert f"{tg.engine_name} engine" in said.out and "a random graph of 10,000 operations" in said.out
    assert "part 1 of 1" in said.err and "round 1 of 1" in said.err
    command.main(["--from", str(tmp_path / "figures.json")])
    assert capsys.readouterr().out == said.out


def test_an_interrupted_run_shows_what_it_has_and_writes_no_page(monkeypatch, tmp_path, capsys):
    def interrupted(effort):
        assert "7.00 bytes" in capsys.readouterr().out          # shown before the next part begins
        raise KeyboardInterrupt
    spread = contest.Spread(7.0, 7.0, 7.0)
    monkeypatch.setattr(command, "PARTS", {
        "memory": lambda effort: [contest.Figure("memory", OURS, "bytes", spread, at_most=100.0)], "player": interrupted})
    with pytest.raises(SystemExit) as stopped:
        command.main(["--write", str(tmp_path), "--json", str(tmp_path / "figures.json")])
    said = capsys.readouterr()
    assert stopped.value.code == command.INTERRUPTED and "no page is written" in said.err and "reached" in said.out
    assert [path.name for path in tmp_path.iterdir()] == ["figures.json"]
    assert [figure.amount for figure in report.from_json((tmp_path / "figures.json").read_text())["figures"]] == [spread]


@pytest.mark.parametrize(("arguments", "named"), [
    (["--write", "file"], "file"), (["--write", "file/within"], "file"), (["--json", "folder"], "folder"),
    (["--json", "file/figures.json"], "file"), (["--from", "nowhere.json"], "nowhere.json"),
    (["--from", "file"], "file has no figures"), (["--from", "of_another.json"], "of_another.json has no figures"),
])
def test_what_can_be_neither_read_nor_written_is_refused_before_anything_is_measured(arguments, named, monkeypatch, tmp_path, capsys):
    pytest.importorskip("matplotlib", reason='the plot needs matplotlib: pip install ".[plots]"')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "PARTS", {})
    Path("folder").mkdir()
    Path("file").write_text("text")
    Path("of_another.json").write_text('{"figures": []}')
    with pytest.raises(SystemExit) as stopped:
        command.main(arguments)
    said = capsys.readouterr()
    assert stopped.value.code == 2 and named in said.err.splitlines()[-1] and not said.out


def test_a_page_is_refused_beforehand_where_its_plot_cannot_be_drawn(monkeypatch, tmp_path, capsys):
    def missing():
        raise ModuleNotFoundError("plots are drawn by matplotlib: pip install matplotlib")
    monkeypatch.setattr(report, "figure_class", missing)
    monkeypatch.setattr(command, "PARTS", {})
    with pytest.raises(SystemExit):
        command.main(["--write", str(tmp_path)])
    assert "pip install matplotlib" in capsys.readouterr().err


def test_a_browser_that_does_not_start_is_said_in_a_row(monkeypatch):
    monkeypatch.setattr(player, "lessons", dict)
    monkeypatch.setattr(player, "press_figures", lambda *rest: 1 / 0)
    assert [figure.note for figure in player.player_figures(HASTE)] == ["ZeroDivisionError: division by zero"]


@pytest.mark.parametrize("arguments", [["--only", "nothing"], ["--rounds", "0"], ["--rounds", "many"]])
def test_the_command_refuses_what_it_cannot_do(arguments, capsys):
    with pytest.raises(SystemExit):
        command.main(arguments)
    assert "error" in capsys.readouterr().err
