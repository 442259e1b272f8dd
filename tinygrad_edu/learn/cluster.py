"""`fit` on the workers of a Dask cluster: the gradients of a batch as a sum over shards of the examples.

The data decide into how many shards the examples are cut, so that the bits are the same for any number of workers.
A worker is sent the program and its shards once.  Each step it is sent the parameters as one array, and answers with
one array of gradients for each of its shards.  When all have arrived, they are added up here, in the order of the
shards; where a worker is lost before that, others are sent its shards and asked again.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

try:
    import distributed  # noqa: F401 (who has not installed it is told so)
    import numpy as np
except ModuleNotFoundError:
    raise ModuleNotFoundError('fit on a cluster needs Dask and numpy: pip install "tinygrad-edu[cluster]"') from None

from ..fast.machine import machine_for
from ..fast.plan import planned
from ..fast.program import Program, with_draws
from ..fast.tape import PARAMETER, Tape
from ..nn.modules import Dropout
from .by_program import Steps
from .gradients import COMPARED, Answered, ByGraph, Gradients, State
from .workers import check_versions, checked_client, no_answer, versions_of

Array = Any
MOST_SHARDS = 8                 # each costs an array of gradients a step, and more workers than shards have no work
FEWEST_ROWS = 16                # of a batch in a shard, on the average
LOOK = 1.0                      # seconds between two looks for workers that came or went


def shards_for(examples: int, batch_size: int) -> int:
    """How many shards examples are cut into: it depends on the data alone.

    >>> shards_for(100_000, 10_000), shards_for(1000, 64), shards_for(40, 16)
    (8, 4, 1)
    """
    return max(1, min(MOST_SHARDS, min(examples, batch_size) // FEWEST_ROWS))


# ---- on a worker --------------------------------------------------------------------------------------------


class Work(NamedTuple):
    """A program as workers need it: without Values and without the code of its user.

    tape     what was recorded
    drawn    what is drawn for each row
    calls    {source: how often it draws for each row}
    """

    tape: Tape
    drawn: list[Any]
    calls: dict[Any, int]


class Question(NamedTuple):
    """What is the same for all shards in a step.

    parameters   their numbers, in the order of the tape
    slope        of the loss of the batch, by each of its terms
    calls        how often each source has drawn before
    """

    parameters: Array
    slope: float
    calls: list[int]


class Part(NamedTuple):
    """What the rows of a shard contribute to a batch.

    outputs     of the program, a row for each
    gradients   of the parameters, a sum over these rows
    is_clean    is every number to be trusted?
    """

    outputs: Array
    gradients: Array
    is_clean: bool


class Numbers:
    """The parameters on a worker, where a machine finds them."""

    def __init__(self, count: int):
        self.data, self.grad = np.zeros((2, count))


class Holder:
    """What a worker holds of a training; it lives there, as an actor of Dask.

    threads   of the worker: they share the work, and the bits are the same for any number
    """

    def __init__(self, threads: int):
        self.threads = threads
        self.shards: dict[int, Array] = {}

    def hold_work(self, work: Work) -> None:
        count = len(work.tape.parameters)
        self.work, self.numbers = work, Numbers(count)
        self.machine = machine_for(planned(work.tape, PARAMETER), [(len(work.tape.inputs), None)], self.numbers,
                                   np.arange(count), threads=self.threads)

    def hold_shard(self, k: int, rows: Array) -> None:
        self.shards[k] = rows

    def drop_shard(self, k: int) -> None:
        del self.shards[k]

    def parts(self, question: Question, asked: dict[int, tuple[Array, Array]]) -> dict[int, Part]:
        """What shards contribute to a batch.

        asked   {number of a shard: (which of its rows are in the batch, their places there)}
        """
        self.numbers.data = question.parameters
        for source, count in zip(self.work.calls, question.calls):
            source.calls = count
        return {k: self.part(self.shards[k][rows], places, question.slope) for k, (rows, places) in asked.items()}

    def part(self, rows: Array, places: Array, slope: float) -> Part:
        if self.work.drawn:
            rows = with_draws(rows, places, self.work.drawn, self.work.calls)
        return Part(*self.machine.run(rows, slope))


# ---- the workers, seen from the client ----------------------------------------------------------------------


class Lost(Exception):
    """A worker is no longer there."""


class Member:
    """A worker that takes part.  What asks it raises Lost where it is gone.

    shards   the numbers of those that it holds
    work     the program that it holds
    """

    def __init__(self, client: Any, address: str, threads: int):
        self.client, self.address = client, address
        self.shards: set[int] = set()
        self.work: Work | None = None
        self.future = client.submit(Holder, threads, actor=True, pure=False, workers=[address])

    @cached_property
    def holder(self) -> Any:
        """Its holder, whose methods run there."""
        return self.answer(self.future)

    def call(self, method: str, *arguments: Any) -> Any:
        """A method of its holder, which runs there from now on."""
        try:
            return getattr(self.holder, method)(*arguments)
        except RuntimeError:                            # which is how Dask says that it is gone
            raise Lost from None

    def answer(self, call: Any) -> Any:
        """What comes of a call, however long it takes."""
        while True:
            try:
                return call.result(timeout=LOOK)
            except TimeoutError:
                if self.address not in workers_of(self.client) or self.future.status not in ("pending", "finished"):
                    raise Lost from None
            except OSError:
                raise Lost from None


class Crew:
    """The workers that take part, and the shards of a table of examples, each of which one of them holds.

    bounds   where in the table the shards begin and end
    """

    def __init__(self, client: Any, table: Array, shards: int):
        self.client, self.table, self.shards = client, table, shards
        self.bounds = np.array([len(table) * k // shards for k in range(shards + 1)])
        self.members: list[Member] = []
        self.looked = 0.0

    def parts(self, work: Work, question: Question, batch: Array) -> list[tuple[Array, Part]]:
        """(places in the batch, what they contribute) of each shard with rows in it, in the order of the shards."""
        asked = self.asked(batch)
        found: dict[int, Part] = {}
        while missing := asked.keys() - found:
            self.look()
            self.spread(work)
            calls = [(member, "parts", question, {k: asked[k] for k in sorted(member.shards & missing)})
                     for member in self.members if member.shards & missing]
            for answer in self.answers(calls):
                found |= answer
        return [(asked[k][1], found[k]) for k in sorted(found)]

    def asked(self, batch: Array) -> dict[int, tuple[Array, Array]]:
        """{number of a shard: (which of its rows are in the batch, their places there)}."""
        of_shard = np.searchsorted(self.bounds, batch, side="right") - 1
        places = {k: np.flatnonzero(of_shard == k) for k in range(self.shards)}
        return {k: (batch[there] - self.bounds[k], there) for k, there in places.items() if len(there)}

    def answers(self, calls: list[tuple[Any, ...]]) -> list[Any]:
        """What comes of calls, each of a (member, method, its arguments), that run at the same time."""
        running, found = [], []
        for member, method, *arguments in calls:
            with self.leaving_out(member):
                running.append((member, member.call(method, *arguments)))
        for member, call in running:
            with self.leaving_out(member):
                found.append(member.answer(call))
        return found

    @contextmanager
    def leaving_out(self, member: Member) -> Iterator[None]:
        """If this member is lost within the block, it is none any more, and the block ends."""
        try:
            yield
        except Lost:
            self.members = [other for other in self.members if other is not member]

    def end(self) -> None:
        """Let the workers forget what they hold."""
        if self.client.status == "running":
            self.client.cancel([member.future for member in self.members])
        self.members = []

    # ---- who holds what

    def look(self) -> None:
        """Take in workers that came, once in a while; where none is left, wait for one."""
        while not self.members or time.monotonic() - self.looked > LOOK:
            threads, known = self.awaited(), [member.address for member in self.members]
            self.looked = time.monotonic()
            came = sorted(threads.keys() - known)[:self.shards - len(known)]
            found = versions_of(self.client, came, __name__) if came else {}
            check_versions(found)
            self.members += [Member(self.client, address, threads[address]) for address in found]

    def awaited(self) -> dict[str, int]:
        """The workers there are, as `workers_of`; if there is none, one may be starting again."""
        end = time.monotonic() + patience()
        while not (threads := workers_of(self.client)):
            if time.monotonic() > end:
                raise ConnectionError("all workers of the cluster are lost: the parameters are as after the last whole "
                                      "step; with other workers, fit goes on from a checkpoint")
            time.sleep(LOOK / 10)
        return threads

    def spread(self, work: Work) -> None:
        """Send members what they lack: the program, and shards, as evenly as can be, moving as few as can be."""
        calls: list[tuple[Any, ...]] = []
        for member in self.members:
            if member.work is not work:
                member.work = work
                calls.append((member, "hold_work", work))
        held = set[int]().union(*[member.shards for member in self.members])
        calls += [self.given(k) for k in range(self.shards) if k not in held]
        while load(busiest := max(self.members, key=load)) > load(min(self.members, key=load)) + 1:
            k = max(busiest.shards)
            busiest.shards.remove(k)
            calls += [(busiest, "drop_shard", k), self.given(k)]
        self.answers(calls)

    def given(self, k: int) -> tuple[Any, ...]:
        """The call that gives this shard to the member with the fewest."""
        member = min(self.members, key=load)
        member.shards.add(k)
        return member, "hold_shard", k, self.table[self.bounds[k]:self.bounds[k + 1]]


def load(member: Member) -> int:
    return len(member.shards)


# ---- the client ---------------------------------------------------------------------------------------------


def connected(client: Any) -> Any:
    """A client of Dask whose workers would compute the same as this process."""
    return checked_client(client, __name__)


def workers_of(client: Any) -> dict[str, int]:
    """{address: how many threads it has} of the workers there are now."""
    try:
        if client.status == "running":
            return client.nthreads()
    except OSError:                                     # it was running until now
        pass
    raise no_answer(client)


def patience() -> float:
    """For how many seconds a worker is waited for: as long as Dask waits for a connection."""
    import dask
    return dask.utils.parse_timedelta(dask.config.get("distributed.comm.timeouts.connect"))


# ---- the gradients of fit -----------------------------------------------------------------------------------


class ShardedSteps(Steps):
    """Steps whose sums come from a crew, once there is one.

    machine   what this process would run the program on; another one means that the program has changed
    """

    crew: Crew | None = None
    machine: Any = None

    def sums(self, batch: list[int], start: Any) -> tuple[Array, Array, bool]:
        if self.crew is None:
            return super().sums(batch, start)
        parts = self.crew.parts(self.current_work(), self.question(batch), np.array(batch))
        outputs, gradients = np.empty((len(batch), len(self.program.tape.outputs))), start
        for places, part in parts:
            outputs[places] = part.outputs
            gradients = gradients + part.gradients
        return outputs, gradients, all(part.is_clean for _, part in parts)

    def current_work(self) -> Work:
        """The program as workers need it; the same object as long as it is the same program."""
        machine = self.program.machine_for(PARAMETER)
        if machine is not self.machine:
            bare = replace(self.program.tape, values=[], labels=[], checks=(), plain=frozenset())
            self.machine, self.work = machine, Work(bare, self.program.drawn, self.program.calls)
        return self.work

    def question(self, batch: list[int]) -> Question:
        numbers, calls = self.moment()
        return Question(numbers, self.reduction.slope(self.count(batch)), [count for _, count in calls])


class OnWorkers(Gradients):
    """Gradients of batches by the workers of a client.

    client   of Dask
    shards   into how many the examples are cut
    """

    crew: Crew | None = None

    def __init__(self, by_graph: ByGraph, client: Any, shards: int, is_watched: bool):
        super().__init__(by_graph, True, is_watched)
        self.client, self.shards = connected(client), shards

    def on_trial(self, batch: list[int], batches_to_come: int) -> Answered:
        """A batch for the workers, once a few examples have told whether the program says what the engine says."""
        before = State(self.model)
        self.tried(batch[:COMPARED], len(batch) * batches_to_come)
        before.put_back()
        if not self.is_trusted:                         # the engine has to be asked, and perhaps raises an error
            return self.by_engine(batch)
        self.end()
        self.crew = self.program.crew = Crew(self.client, self.program.table, self.shards)
        return self.by_program(batch)

    def end(self) -> None:
        if self.crew:
            self.crew.end()

    def made(self, answered: Answered) -> Any:
        by = self.by_graph
        steps = ShardedSteps(by.model, by.loss, by.penalty, by.inputs, by.targets, answered.answers[0], by.weights)
        check_known(steps.program)
        return steps


def check_known(program: Program) -> None:
    """Refuse what workers do not know: their package has no code of others."""
    own = [op.name for op in program.tape.ops if op and not op.is_built_in]
    own += [type(source).__name__ for source in program.calls if type(source) is not Dropout]
    if own:
        raise TypeError(f"the workers do not know {own[0]}, which is your own: fit without client")
