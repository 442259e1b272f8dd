"""`fit` on a Dask cluster: the same bits for any number of workers, whichever of them are lost or come late."""

import asyncio
import logging
import os
import subprocess
import sys
import threading
import time
import warnings
from types import SimpleNamespace

import pytest

import tinygrad_edu as tg
from tinygrad_edu.fast import c_lanes
from tinygrad_edu.learn.gradients import ByGraph

distributed = pytest.importorskip("distributed", reason='clusters are run by Dask: pip install ".[cluster]"')
np = pytest.importorskip("numpy", reason="programs run batches by numpy")
parts = pytest.importorskip("tinygrad_edu.learn.cluster", reason="it needs numpy and Dask")

ROWS, BATCH, RATE = 200, 64, 0.05       # four shards; the last batch of an epoch is small


# ---- what is trained ------------------------------------------------------------------------------------------


def network():
    return tg.Sequential(tg.MLP(2, [8, 8], rng=0), tg.Dropout(0.2, seed=1), tg.MLP(8, [1], rng=1))


def trained(client, model=None, rate=lambda step: RATE, epochs=2, **settings):
    """(the model's numbers, the history) of a training with all that could depend on rows and places."""
    model, examples, others = model or network(), tg.data.xor(ROWS, seed=0), tg.data.xor(20, seed=1)
    history = tg.fit(model, examples.inputs, examples.targets, loss="bce_with_logits", penalty=tg.L2(0.001), epochs=epochs,
                     batch_size=BATCH, schedule=rate, validation=others, client=client, progress=False,
                     sample_weight=[1 + i % 3 for i in range(ROWS)], **settings)
    return bits(model), vars(history)


def bits(model):
    return [p.data.hex() for p in model.parameters()]


def gradients_of(client, model):
    """What `fit` asks for the gradients of batches of 128 examples in eight shards."""
    examples = tg.data.xor(128, seed=0)
    return parts.OnWorkers(ByGraph(model, tg.bce_with_logits, None, examples.inputs, examples.targets), client, 8, False)


def gradient(client, batches=1):
    """Those of a model, after so many batches; as bits."""
    model = tg.MLP(2, [8, 1], rng=0)
    gradients = gradients_of(client, model)
    for _ in range(batches):
        gradients(list(range(128)), 1)
    return [p.grad.hex() for p in model.parameters()]


def test_importing_the_package_or_training_here_loads_no_dask():
    code = """import sys, tinygrad_edu as tg
tg.fit(tg.MLP(1, [1], rng=0), [[1.0]], [1.0], epochs=1, progress=False)
print([name for name in sys.modules if name.partition(".")[0] in ("dask", "distributed")])"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


# ---- workers in this process: every moment can be tried ----------------------------------------------------------


class Here:
    """A client whose workers are in this process.

    workers   their names, a letter each
    fails     {a worker: after so many calls it is lost}
    """

    status, asynchronous, lacks = "running", False, ""

    def __init__(self, workers, fails=()):
        self.workers, self.fails, self.calls = [*workers], dict(fails), []

    def nthreads(self):
        return {worker: 1 for worker in self.workers if self.fails.get(worker) != 0}

    def run(self, function, text, workers, on_error):
        return {worker: ModuleNotFoundError("No module named 'numpy'") if worker in self.lacks else function(text)
                for worker in workers}

    def submit(self, kind, threads, actor, pure, workers):
        [worker] = workers
        return SimpleNamespace(status="finished", result=lambda timeout: Actor(self, worker, kind(threads)))

    def cancel(self, futures):
        self.calls += [(None, "cancel") for _ in futures]

    def count(self, method):
        return [name for _, name in self.calls].count(method)


class Actor:
    def __init__(self, client, worker, holder):
        self.client, self.worker, self.holder = client, worker, holder

    def __getattr__(self, method):
        def called(*arguments):
            self.client.calls.append((self.worker, method))
            return SimpleNamespace(result=lambda timeout: self.result(method, arguments))
        return called

    def result(self, method, arguments):
        if self.worker in self.client.fails:
            if self.client.fails[self.worker] == 0:
                raise OSError("nobody answers")
            self.client.fails[self.worker] -= 1
        return getattr(self.holder, method)(*arguments)


@pytest.fixture
def here(monkeypatch):
    monkeypatch.setattr(parts, "connected", lambda client: client)
    monkeypatch.setattr(parts, "LOOK", 0.01)
    monkeypatch.setattr(parts, "patience", lambda: 0.02)
    return Here


def test_the_gradient_is_the_sum_of_those_of_the_shards_in_their_order(here):
    model, examples = tg.MLP(2, [8, 1], rng=0), tg.data.xor(128, seed=0)
    loss = tg.compile(lambda x, t: tg.bce_with_logits([model(x)], [t]), [0.0, 0.0], 0.0)
    expected = np.zeros(len(model.parameters()))
    for k in range(0, 128, 16):
        tg.SGD(model.parameters(), lr=1.0).zero_grad()
        loss.backward(examples.inputs[k:k + 16], examples.targets[k:k + 16], reduce="sum")
        expected += [p.grad / 128 for p in model.parameters()]          # by which no number is rounded
    assert gradient(here("ab")) == [x.hex() for x in expected.tolist()]


@pytest.mark.parametrize("workers", ["b", "ab", "abc", "abcdefgh", "abcdefghijkl"])
def test_any_number_of_workers_gives_the_same_bits_and_holds_each_shard_once(here, workers):
    client = here(workers)
    assert gradient(client, 2) == gradient(here("z"), 2)
    shares = [client.calls.count((worker, "hold_shard")) for worker in workers]
    assert sum(shares) == 8 and max(shares) - min(shares) <= 1
    assert client.count("hold_work") == min(8, len(workers)) and client.count("parts") == 2 * min(8, len(workers))


def test_one_machine_differs_in_the_last_digits_alone(here):
    (numbers, history), (others, on_one) = trained(here("ab")), trained(None, compiled=True)
    assert numbers != others
    assert [*map(float.fromhex, numbers)] == pytest.approx([*map(float.fromhex, others)], rel=1e-9)
    for name in ("loss", "validation_loss", "accuracy", "lr"):
        assert history[name] == pytest.approx(on_one[name], rel=1e-12)


def test_examples_are_cut_by_their_number_and_the_batch_size_alone():
    shards = parts.shards_for
    assert [shards(10_000, size) for size in (1, 16, 32, 100, 128, 10_000)] == [1, 1, 2, 6, 8, 8]
    assert shards(20, 1000) == 1


@pytest.mark.parametrize("calls", range(8))
@pytest.mark.parametrize("worker", "abc")
def test_a_worker_lost_at_any_moment_changes_no_bit(here, worker, calls):
    client = here("abc", {worker: calls + 1})
    assert gradient(client, 3) == gradient(here("z"), 3)
    assert client.fails[worker] == 0 or calls > 5           # it was lost; one may have fewer calls


def test_two_lost_workers_change_no_bit_and_the_last_one_has_all_shards(here):
    client = here("abc", {"a": 4, "c": 6})
    assert gradient(client, 4) == gradient(here("z"), 4)
    assert client.calls.count(("b", "hold_shard")) == 8


def test_a_worker_that_comes_late_takes_its_share(here):
    client = here("a")
    def rate(step):
        client.workers[1:] = "b" if step > 1 else ""
        parts.time.sleep(0.02)
        return RATE
    assert trained(client, rate=rate) == trained(here("z"))
    assert client.calls.count(("b", "hold_shard")) == client.calls.count(("a", "drop_shard")) == 2
    assert client.calls.count(("b", "hold_work")) == 1


def test_a_step_is_never_half_applied(here):
    model = tg.MLP(2, [8, 1], rng=0)
    client = here("ab", {"a": 7, "b": 7})
    gradients = gradients_of(client, model)
    gradients(list(range(128)), 1)
    before = bits(model), [p.grad for p in model.parameters()]
    with pytest.raises(ConnectionError, match="all workers of the cluster are lost: the parameters are as after the last whole step"):
        for _ in range(9):
            [p.zero_grad() for p in model.parameters()]
            gradients(list(range(128)), 1)
    assert (bits(model), [p.grad for p in model.parameters()]) == (before[0], [0.0] * len(before[1]))
    assert client.count("parts") > 2


def test_ctrl_c_in_a_step_leaves_the_model_as_after_the_step_before(here, monkeypatch):
    seen, answers, asked = [], parts.Crew.answers, []

    class Watch:
        def __call__(self, history, model):
            pass

        def after_step(self, step):
            seen.append([p.data.hex() for p in step.optimizer.parameters])

    def interrupted(crew, calls):
        found = answers(crew, calls)
        asked.append(calls)
        if len(asked) == 7:
            raise KeyboardInterrupt
        return found
    monkeypatch.setattr(parts.Crew, "answers", interrupted)
    numbers, history = trained(here("ab"), callbacks=[Watch()])
    assert history["stopped"] == "interrupted" and len(history["loss"]) == 0 and 0 < len(seen) < 4
    assert numbers == seen[-1]


def test_an_error_in_a_shard_is_that_of_the_engine(here):
    class Root(tg.Module):
        def __init__(self):
            self.inner = tg.Neuron(1, activation="identity", rng=0)

        def forward(self, x):
            return tg.log(x[0]) + self.inner(x)
    inputs = [[float(i)] for i in range(1, 65)]
    inputs[40] = [0.0]
    messages = []
    for client in (None, here("ab")):
        model = Root()
        before = bits(model)
        with pytest.raises(tg.DomainError) as caught:
            tg.fit(model, inputs, [0.0] * 64, batch_size=64, client=client, progress=False, epochs=1)
        messages.append(str(caught.value))
        assert bits(model) == before
    assert messages[0] == messages[1] and "log" in messages[0]


def test_callbacks_see_the_predictions_of_a_step_with_their_gradients(here):
    class Watch:
        def __init__(self):
            self.seen = []

        def __call__(self, history, model):
            pass

        def after_step(self, step):
            self.seen += [(p.data, p.grad) for p in step.predictions]
    ours, theirs = Watch(), Watch()
    trained(here("ab"), epochs=1, callbacks=[ours])
    trained(None, epochs=1, callbacks=[theirs], compiled=False)
    assert ours.seen[:BATCH] == theirs.seen[:BATCH] and len(ours.seen) == len(theirs.seen) == ROWS


def test_what_workers_cannot_compute_is_refused(here):
    class Branching(tg.MLP):
        def forward(self, x):
            return super().forward(x) if x[0] > 0 else x[0]
    with pytest.raises(tg.TraceError, match="Values were compared"):
        trained(here("a"), Branching(2, [4, 1], rng=0))

    @tg.op("twice", tg.REAL)
    def twice(x):
        return 2 * x, (2,)

    class Own(tg.MLP):
        def forward(self, x):
            return twice(super().forward(x))
    with pytest.raises(TypeError, match="the workers do not know twice, which is your own: fit without client"):
        trained(here("a"), Own(2, [4, 1], rng=0))
    with pytest.raises(ValueError, match="client"):
        trained(here("a"), compiled=False)


def test_a_checkpoint_goes_on_to_the_same_bits_with_another_number_of_workers(here, tmp_path):
    whole = trained(here("abc"), epochs=3)
    trained(here("ab"), epochs=1, checkpoint=tmp_path / "run.json")
    with pytest.raises(ValueError, match="was made with shards of a client 4, not None"):
        trained(None, epochs=3, checkpoint=tmp_path / "run.json")
    assert trained(here("a"), epochs=3, checkpoint=tmp_path / "run.json") == whole


# ---- processes ------------------------------------------------------------------------------------------------


class Cluster:
    """A scheduler, workers in processes of their own that nobody starts again, a client, and what a training comes to."""

    def __init__(self, scheduler, client):
        self.address, self.client, self.workers = scheduler.scheduler_address, client, []

    def start(self, *, without=None, **variables):
        """One more worker, perhaps without a package; it is there when this ends."""
        before, lacking = set(self.client.nthreads()), f"import sys; sys.modules[{without!r}] = None; " if without else ""
        self.workers.append(subprocess.Popen(
            [sys.executable, "-c", f"{lacking}from distributed.cli.dask_worker import main; main()", self.address,
             "--nthreads", "1", "--no-nanny", "--no-dashboard"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | variables))
        while not set(self.client.nthreads()) - before:
            assert self.workers[-1].poll() is None
            time.sleep(0.05)

    def kill(self):
        """The worker that was started last."""
        worker = self.workers.pop()
        worker.kill()
        worker.wait()


@pytest.fixture(scope="module")
def cluster():
    with (distributed.LocalCluster(n_workers=0, dashboard_address=":0", silence_logs=logging.CRITICAL) as scheduler,
          distributed.Client(scheduler) as client):
        cluster = Cluster(scheduler, client)
        try:
            cluster.start()
            cluster.start()
            cluster.expected = trained(client)
            yield cluster
        finally:
            while cluster.workers:
                cluster.kill()


def held(client):
    """How many shards there are on each worker."""
    return [*client.run(lambda dask_worker: sum(len(actor.shards) for actor in dask_worker.state.actors.values())).values()]


def with_client(cluster, code):
    """What a program prints that has a client of the cluster, and that no worker knows."""
    start = f"import tinygrad_edu as tg\nfrom distributed import Client\nclient = Client({cluster.address!r})\n"
    run = subprocess.run([sys.executable, "-c", start + code], capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_processes_give_the_bits_of_workers_that_are_none(cluster, here):
    assert cluster.expected == trained(here("a"))


def test_nothing_is_left_on_the_workers(cluster):
    assert trained(cluster.client, rate=lambda step: RATE if held(cluster.client) == [2, 2] else 0.0) == cluster.expected
    for _ in range(600):                                # they are told, and not waited for
        if held(cluster.client) == [0, 0]:
            return
        time.sleep(0.1)
    pytest.fail(f"they hold {held(cluster.client)}")


OF_ONES_OWN = """
class Network(tg.Module):
    def __init__(self):
        self.inner = tg.MLP(2, [4, 1], rng=0)
    def forward(self, x):
        return tg.sin(self.inner(x))

def loss(predictions, targets):
    return tg.mean([(p - t) ** 4 for p, t in zip(predictions, targets)])

examples = tg.data.xor(64, seed=0)
history = tg.fit(Network(), examples.inputs, examples.targets, loss=loss, epochs=3, batch_size=64, client=client)
print(history.stopped, history.loss[2] < history.loss[0])
"""


def test_workers_need_not_know_the_code_of_a_model_and_a_loss(cluster):
    assert with_client(cluster, OF_ONES_OWN) == "epochs True\n"


def test_a_worker_with_the_other_engine_gives_the_same_bits(cluster):
    cluster.start(TINYGRAD_EDU_PURE="" if tg.engine_name == "pure" else "1")
    assert trained(cluster.client) == cluster.expected
    cluster.kill()
    assert trained(cluster.client) == cluster.expected


def test_a_worker_without_numpy_is_refused(cluster):
    cluster.start(without="numpy")
    with pytest.raises(RuntimeError, match=r"the worker tcp://\S+ cannot load tinygrad_edu .*: install it there \(.*numpy"):
        trained(cluster.client)
    cluster.kill()


def test_a_worker_with_other_rules_is_refused(cluster, monkeypatch):
    monkeypatch.setattr(c_lanes, "fingerprint", lambda: 0)
    with pytest.raises(RuntimeError, match=r"the worker tcp://\S+ has Python .* and here is .* \(rules 00000000\): install"):
        trained(cluster.client)


def test_a_worker_without_numpy_that_comes_late_is_refused(here):
    client = here("ab")
    client.lacks = "b"
    with pytest.raises(RuntimeError, match=r"the worker b cannot load tinygrad_edu .*: install it there \(No module named 'numpy'"):
        gradient(client)


def test_a_cluster_without_workers_is_refused():
    with (distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as scheduler,
          distributed.Client(scheduler, set_as_default=False) as client,
          pytest.raises(ConnectionError, match="has no workers: start one by  dask worker inproc://")):
        trained(client)


def test_a_client_of_an_asynchronous_kind_is_refused_without_another_word(cluster):
    async def asked():
        async with distributed.Client(cluster.address, asynchronous=True, set_as_default=False) as client:
            trained(client)
    with warnings.catch_warnings(), pytest.raises(TypeError, match="client must not be asynchronous"):
        warnings.simplefilter("error")
        asyncio.run(asked())


def test_what_is_no_client_or_has_no_scheduler_is_refused(cluster):
    with pytest.raises(TypeError, match="client must be a Client of"):
        trained(cluster.address)
    with distributed.Client(cluster.address, set_as_default=False) as client:
        pass
    with pytest.raises(ConnectionError, match=r"the scheduler of this client does not answer \(closed\): start one"):
        trained(client)


@pytest.mark.parametrize("lacking", ["numpy", "distributed"])
def test_without_numpy_or_dask_one_line_says_how_to_get_both(lacking):
    code = (f"import sys; sys.modules[{lacking!r}] = None; import tinygrad_edu as tg\n"
            "tg.fit(tg.MLP(1, [1]), [[0.0]], [1.0], client=object())")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == 'ModuleNotFoundError: fit on a cluster needs Dask and numpy: pip install "tinygrad-edu[cluster]"'


def test_a_worker_killed_while_it_computes_changes_no_bit(cluster, monkeypatch):
    lost, killer = [], threading.Timer(0.01, cluster.kill)

    class Noted(parts.Lost):
        def __init__(self):
            lost.append(self)
    monkeypatch.setattr(parts, "Lost", Noted)

    def rate(step):
        if step == 3:
            killer.start()                              # so step 4 is under way, perhaps
        if step == 5:
            killer.join()
        return RATE
    assert trained(cluster.client, rate=rate) == cluster.expected
    assert lost


def test_where_all_workers_are_killed_a_checkpoint_goes_on(cluster, monkeypatch, tmp_path):
    monkeypatch.setattr(parts, "patience", lambda: 1.0)
    model, path, after = network(), tmp_path / "run.json", {}

    def rate(step):
        after[step] = bits(model)                       # what the steps before it have come to
        while step == 5 and cluster.workers:
            cluster.kill()
        return RATE
    with pytest.raises(ConnectionError, match="all workers of the cluster are lost"):
        trained(cluster.client, model, rate=rate, checkpoint=path)
    assert bits(model) != after[5] and max(after) == 5  # that step was whole, and the next one had no worker
    monkeypatch.setattr(parts, "connected", lambda client: client)
    assert trained(Here("a"), checkpoint=path) == cluster.expected
