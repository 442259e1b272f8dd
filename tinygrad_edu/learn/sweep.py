"""The same training under many settings: seeds and hyper-parameters, each run a task, what comes of them a table.

A run depends on its settings, the data and the model alone.  So it gives the same numbers here and on any worker, and
what a file has kept need not be run again.
"""

import inspect
import pickle
import re
import sys
import types
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import partial
from itertools import product
from typing import Any, NamedTuple

from ..engine.arrays import as_lists
from ..engine.errors import DomainError, GradientError, PoleError, RangeError, errstate
from ..engine.number import check_kind, nearest, printable, short_repr
from ..nn.checks import checked_path, listed
from ..nn.modules import Module
from .examples import answers
from .fit import fit, is_best_wanted
from .history import History
from .progress import ProgressBar, in_notebook
from .runs import MEASURES, Row, Run, RunFile, Runs, in_a_cell
from .workers import as_they_end, checked_client

NOT_SWEPT = {"validation": "it belongs to the data: (inputs, targets, validation)",
             "progress": "say sweep(..., progress=...)", "client": "say sweep(..., client=...)",
             "checkpoint": "say sweep(..., file=...), which keeps whole runs", "log": "each run keeps its history",
             "callbacks": "a run may be on another machine, or be known from the file"}
OF_FIT = [name for name, each in inspect.signature(fit).parameters.items()
          if each.kind is each.KEYWORD_ONLY and name not in NOT_SWEPT]
LIKE = "{'hidden': [8, 16], 'lr': [0.01, 0.1], 'seed': range(5)}"
NO_NUMBERS = (DomainError, PoleError, RangeError, GradientError)
PROBED = 2                      # examples that a model is told by


def sweep(make_model: Callable[..., Module], data: Any, settings: Mapping[str, Any], *, client: Any = None,
          file: Any = None, progress: bool | None = None) -> Runs:
    """Train a new model under each combination of settings; returns `Runs`, which print as a table.

    make_model   a function that returns a new model.  It is given those settings that it has parameters for; its
                 parameter `rng` gets the seed too
    data         the examples: those of `tg.data`, or a pair of them for training and validation, as `split` gives
                 them, or (inputs, targets), or (inputs, targets, validation)
    settings     {name: values}.  What `fit` has a parameter for goes there, as `epochs` and `lr` do; what both have
                 goes to both, as `seed` does, which is 0 where it is not named.  A list, a tuple or a range holds
                 values, anything else is one value; a dict names them, as in {"penalty": {"none": None, "L2": L2(0.1)}}
    client       of Dask: its workers do the runs, to the same numbers and in the same order of the table
                 (see "Beyond one machine")
    file         a file such as "sweep.jsonl", which gets a line when a run has ended.  If it is there, its runs are
                 taken over, and the others are done
    progress     a bar; by default in a terminal or a notebook

    A run that fails, as one that diverges, is a row with its `error`, and the others go on.  A file keeps failed runs
    of DomainError and GradientError alone; others are tried again.  Ctrl-C ends the sweep and returns the runs so far.
    Raises TypeError or ValueError for settings that neither make_model nor `fit` has, for a model that is not the same
    whenever it is made, and for a file of other data or of another model.

    >>> from tinygrad_edu import MLP, data
    >>> runs = sweep(lambda hidden, seed: MLP(2, [hidden, 2], rng=seed), data.split(data.xor(60, seed=0)),
    ...              {"hidden": [2, 8], "lr": 0.1, "epochs": 15, "seed": range(3)})
    >>> print(runs)
    hidden  seed  loss    accuracy  validation_loss  validation_accuracy
    2       0     0.1802  1.000     0.1785           1.000
    2       1     0.0426  1.000     0.0335           1.000
    2       2     0.1246  1.000     0.1210           1.000
    8       0     0.2120  1.000     0.1663           1.000
    8       1     0.0466  1.000     0.0330           1.000
    8       2     0.0666  1.000     0.0636           1.000
    >>> print(runs.over_seeds())
    hidden  loss             accuracy       validation_loss  validation_accuracy  runs
    2       0.1158 ± 0.0692  1.000 ± 0.000  0.1110 ± 0.0730  1.000 ± 0.000        3
    8       0.1084 ± 0.0903  1.000 ± 0.000  0.0876 ± 0.0698  1.000 ± 0.000        3
    >>> runs.over_seeds().best()["hidden"]
    8
    """
    jobs = jobs_of(make_model, settings)
    examples = examples_of(data)
    check_model(make_model, examples, jobs[0])
    client = None if client is None else checked_client(client)
    kept = None if file is None else RunFile(checked_path("file", file), letters_of(examples))
    found = runs_in(kept, make_model, examples, jobs) if kept else {}
    waiting = [i for i in range(len(jobs)) if i not in found]
    done = runs_of(client, make_model, examples, [jobs[i] for i in waiting])
    with bar_for(progress, jobs) as show, suppress(KeyboardInterrupt), closing(done):
        for i, run in done:
            found[waiting[i]] = run
            if kept and is_for_good(run):
                kept.add(run)
            show(list(found.values()))
    return Runs([found[i] for i in sorted(found)], list(jobs[0].settings), len(jobs))


def bar_for(progress: bool | None, jobs: "list[Job]") -> ProgressBar:
    """The bar that counts runs; by default in a terminal or a notebook."""
    wanted = sys.stderr.isatty() or in_notebook() if progress is None else progress
    varied = [name for name in jobs[0].settings if len({repr(job.settings[name]) for job in jobs}) > 1]
    return ProgressBar(wanted, len(jobs), "run", partial(last_of, varied))


def last_of(varied: list[str], runs: list[Run]) -> str:
    """The run that ended last, in a line: the settings that vary, and the last of its measures."""
    run = runs[-1]
    measured = [f"{name} {in_a_cell(name, value)}" for name, value in run.measured.items()][-1:]
    return "  ".join([*[f"{name}={run.settings[name]}" for name in varied], *measured, run.error])


# ---- what is to be run ----------------------------------------------------------------------------------------


class Named(NamedTuple):
    """A value of a setting: what it is called, what it is, and what is in it, in a few letters; none for plain data."""

    name: Any
    value: Any
    content: str = ""


class Job(NamedTuple):
    """A run that is to be done; see `Run` for the first two."""

    settings: Row
    contents: dict[str, str]
    for_model: dict[str, Any]
    for_fit: dict[str, Any]


def jobs_of(make_model: Any, settings: Any) -> list[Job]:
    """One job for each combination of settings, the last of them changing fastest."""
    if not isinstance(settings, Mapping):
        raise TypeError(f"settings must be a dict, such as {LIKE}, not {type(settings).__name__}: "
                        f"got {short_repr(settings)}")
    takes, takes_all = parameters_of(make_model)
    for name in settings:
        check_name(name, takes, takes_all)
    if "seed" not in settings:
        settings = {**settings, "seed": 0}
    for name, is_needed in takes.items():
        if is_needed and name not in {*settings, "rng"}:
            raise ValueError(f"make_model needs {name}: name its values in the settings")
    values = {name: named_values(name, given) for name, given in settings.items()}
    return [job_of(dict(zip(values, chosen)), takes, takes_all) for chosen in product(*values.values())]


def parameters_of(make_model: Any) -> tuple[dict[str, bool], bool]:
    """{name: must it be given?} of the parameters, and whether any other name will do."""
    if not callable(make_model):
        raise TypeError("make_model must be a function, such as lambda hidden, seed: tg.MLP(2, [hidden, 2], rng=seed), "
                        f"not {type(make_model).__name__}: got {short_repr(make_model)}")
    found = inspect.signature(make_model).parameters.values()
    takes = {each.name: each.default is each.empty for each in found
             if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)}
    return takes, any(each.kind is each.VAR_KEYWORD for each in found)


def check_name(name: Any, takes: dict[str, bool], takes_all: bool) -> None:
    """Refuse a setting that nobody has."""
    if name in takes:
        return
    if name in NOT_SWEPT:
        raise ValueError(f"{name} is no setting of a run: {NOT_SWEPT[name]}")
    if name not in OF_FIT and not takes_all:
        near = nearest(str(name), [*takes, *OF_FIT])
        raise ValueError(f"neither make_model nor fit has a parameter {short_repr(name)}"
                         + (f": did you mean {near!r}?" if near else f"; make_model has {', '.join(takes) or 'none'}"))


def job_of(chosen: dict[str, Named], takes: dict[str, bool], takes_all: bool) -> Job:
    """The job of one combination."""
    given = {name: named.value for name, named in chosen.items()}
    for_model = {name: value for name, value in given.items() if name in takes or (takes_all and name not in OF_FIT)}
    if "rng" in takes:
        for_model.setdefault("rng", given["seed"])
    return Job({name: named.name for name, named in chosen.items()},
               {name: named.content for name, named in chosen.items() if named.content}, for_model,
               {name: value for name, value in given.items() if name in OF_FIT})


def named_values(name: str, given: Any) -> list[Named]:
    """The values of a setting, each with a name of its own.

    >>> [named.name for named in named_values("optimizer", ["sgd", "adam"])], named_values("lr", 0.1)
    (['sgd', 'adam'], [Named(name=0.1, value=0.1, content='')])
    """
    if isinstance(given, Mapping):
        found = [Named(str(key), value, letters(content_of(value))) for key, value in given.items()]
    else:
        are_several = isinstance(given, list | tuple | range) or getattr(given, "ndim", 0) == 1
        found = [named(value) for value in (given if are_several else [given])]
    if not found:
        raise ValueError(f"{name} has no values: give one at least")
    names = [repr(each.name) for each in found]
    for shown in names:
        if names.count(shown) > 1:
            raise ValueError(f"{name} has {shown} twice; a list that is one value stands in a list of its own, and "
                             f"what has no name gets one, as in {{'{name}': {{'first': ..., 'second': ...}}}}")
    return found


def named(value: Any) -> Named:
    """Plain data are their own names; functions and objects are called as they call themselves."""
    value = as_lists(value.item() if hasattr(value, "dtype") and value.shape == () else value)
    if is_plain(value):
        return Named(value, value)
    return Named(getattr(value, "__name__", without_addresses(short_repr(value))), value, letters(content_of(value)))


def is_plain(x: Any) -> bool:
    """Is it a number, a text, None, or a list of such?"""
    return x is None or type(x) in (bool, int, float, str) or (type(x) is list and all(map(is_plain, x)))


def examples_of(data: Any) -> tuple[Any, Any, Any]:
    """(inputs, targets, validation) of whatever form data have."""
    if hasattr(data, "targets"):
        return data.inputs, data.targets, None
    if isinstance(data, tuple | list) and len(data) == 2 and all(hasattr(part, "targets") for part in data):
        return data[0].inputs, data[0].targets, (data[1].inputs, data[1].targets)
    if not isinstance(data, tuple | list) or len(data) not in (2, 3):
        raise TypeError("data are examples of tg.data, (inputs, targets) or (inputs, targets, validation): "
                        f"got {short_repr(data)}")
    inputs, targets, *others = data
    others = [(part.inputs, part.targets) if hasattr(part, "targets") else part for part in others]
    return inputs, targets, others[0] if others else None


# ---- what is the same -----------------------------------------------------------------------------------------


def letters(content: Any) -> str:
    """A few letters that are others for other content."""
    import hashlib  # which takes a while to load
    return hashlib.sha256(repr(content).encode()).hexdigest()[:16]


def letters_of(examples: tuple[Any, Any, Any]) -> str:
    """Examples in a few letters, whatever they come in."""
    inputs, targets, validation = examples
    parts = [inputs, targets, *(validation or ())]
    return letters([as_lists(listed("data", part)) for part in parts])


def without_addresses(text: str) -> str:
    return re.sub(r" at 0x[0-9A-Fa-f]+", "", text)


def content_of(x: Any, within: tuple[Any, ...] = ()) -> Any:
    """What a value is made of, down to plain data: the same whenever the program is started."""
    if any(x is each for each in within):
        return "itself"
    inner = partial(content_of, within=(*within, x))
    if isinstance(x, types.CodeType):
        return x.co_code, x.co_names, [*map(inner, x.co_consts)]
    if isinstance(x, types.FunctionType):
        cells = [cell.cell_contents for cell in x.__closure__ or ()]
        return [inner(part) for part in (x.__code__, x.__defaults__, x.__kwdefaults__, *cells)]
    if isinstance(x, list | tuple):
        return [*map(inner, x)]
    if isinstance(x, Mapping):
        return [(inner(key), inner(value)) for key, value in x.items()]
    if isinstance(x, type) or not hasattr(x, "__dict__"):
        return without_addresses(repr(x))
    return type(x).__qualname__, inner(vars(x))


def told(model: Any, inputs: Any) -> str:
    """A model in a few letters: what it is made of, its weights, and what it says of some examples."""
    check_kind(model, Module)
    with errstate(all="ignore"):
        said = answers(model, listed("training inputs", inputs)[:PROBED])
    return letters((without_addresses(repr(model)), model.state_dict(), said))


def check_model(make_model: Callable[..., Module], examples: tuple[Any, ...], job: Job) -> None:
    """Refuse a model that is not the same whenever it is made, or is not made anew: no run could be had again."""
    first, second = make_model(**job.for_model), make_model(**job.for_model)
    if told(first, examples[0]) != told(second, examples[0]):
        raise ValueError("make_model gives another model each time for the same settings: let it take the seed, and "
                         "give it to the model, as in  lambda hidden, seed: tg.MLP(2, [hidden, 2], rng=seed)")
    if any(not p.is_constant for p in {*first.parameters()} & {*second.parameters()}):
        raise ValueError("make_model gives the weights of an earlier model again, which a run has trained: let it make "
                         "new ones, as in  lambda hidden, seed: tg.MLP(2, [hidden, 2], rng=seed)")


def runs_in(kept: RunFile, make_model: Callable[..., Module], examples: tuple[Any, ...],
            jobs: list[Job]) -> dict[int, Run]:
    """The runs of a file by the number of their jobs.  Raises ValueError where they were of another model."""
    found = {}
    for i, job in enumerate(jobs):
        if run := kept.known(job.settings, job.contents):
            if run.model != told(make_model(**job.for_model), examples[0]):
                raise ValueError(f"{printable(kept.path)} has a run of another model for {short_repr(job.settings)}: "
                                 "use the same make_model, or another file")
            found[i] = run
    return found


# ---- the runs -------------------------------------------------------------------------------------------------


def runs_of(client: Any, make_model: Callable[..., Module], examples: tuple[Any, ...],
            jobs: list[Job]) -> Generator[tuple[int, Run]]:
    """(number of the job, its run) of each, as they end: here, or on the workers of a client."""
    if client is not None and jobs:
        yield from runs_by(client, make_model, examples, jobs)
        return
    for i, job in enumerate(jobs):
        yield i, one_run((make_model, examples), job)


def runs_by(client: Any, make_model: Callable[..., Module], examples: tuple[Any, ...],
            jobs: list[Job]) -> Iterator[tuple[int, Run]]:
    """The same on the workers of a client."""
    with by_value(make_model) as packed:
        shared, own = packed((make_model, examples)), [packed(job) for job in jobs]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sending large graph")        # it is sent once
        futures = [client.submit(tried, shared, pure=False)]
    try:
        for future in as_they_end(client, futures):
            check_shared(future)
        futures += [client.submit(unpacked_run, futures[0], job, pure=False) for job in own]
        numbers = {future.key: i for i, future in enumerate(futures[1:])}
        for future in as_they_end(client, futures[1:]):
            yield numbers[future.key], run_of(future, jobs[numbers[future.key]])
    finally:
        with suppress(Exception):               # the cluster may be gone; what ended this is what is to be told
            client.cancel(futures)


@contextmanager
def by_value(make_model: Callable[..., Module]) -> Iterator[Callable[[Any], bytes]]:
    """A function that packs objects, with the code of the file that make_model is from: workers need not have it."""
    import cloudpickle  # which comes with Dask
    file = sys.modules.get(make_model.__module__) if isinstance(make_model, types.FunctionType) else None
    is_own = file is not None and file.__name__ != "__main__" and not file.__name__.startswith("tinygrad_edu")
    if is_own:
        cloudpickle.register_pickle_by_value(file)
    try:
        yield cloudpickle.dumps
    finally:
        if is_own:
            cloudpickle.unregister_pickle_by_value(file)


def tried(shared: bytes) -> bytes:
    """What all runs share, seen to be loadable; as a task's result it is made again where a worker is lost."""
    pickle.loads(shared)
    return shared


def unpacked_run(shared: bytes, job: bytes) -> Run:
    """A run on a worker."""
    return one_run(pickle.loads(shared), pickle.loads(job))


def check_shared(future: Any) -> None:
    """Refuse what workers cannot load."""
    if future.status == "error":
        raise RuntimeError(f"the workers cannot load make_model or the data ({in_a_line(future.exception())}): install "
                           "what they need there, or send it by client.upload_file")


def run_of(future: Any, job: Job) -> Run:
    """The run of a task that has ended."""
    try:
        return future.result()
    except Exception as error:                  # its workers were lost
        return Run(job.settings, error=in_a_line(error), contents=job.contents)


def one_run(shared: tuple[Callable[..., Module], tuple[Any, ...]], job: Job) -> Run:
    """Train a new model; what goes wrong is noted.  Raises KeyboardInterrupt where that ended the training."""
    make_model, (inputs, targets, validation) = shared
    run = Run(job.settings, contents=job.contents)
    try:
        with errstate(all="raise"):
            model = make_model(**job.for_model)
            run.model = told(model, inputs)
            run.history = fit(model, inputs, targets, validation=validation, progress=False, **job.for_fit)
    except Exception as error:
        run.error = in_a_line(error)
    if run.history.stopped == "interrupted":
        raise KeyboardInterrupt
    run.measured = measured(run.history, job.for_fit)
    return run


def measured(history: History, for_fit: dict[str, Any]) -> dict[str, float]:
    """What the model came to: the numbers of the epoch whose weights it has."""
    keeps_best = len(history) and is_best_wanted(for_fit.get("restore_best"), for_fit.get("patience"))
    epoch = history.best_epoch() if keeps_best else -1
    return {name: numbers[epoch] for name in MEASURES if (numbers := getattr(history, name))}


def in_a_line(error: Exception) -> str:
    """An error as a row has it."""
    return f"{type(error).__name__}: {printable(' '.join(str(error).split()))}"


def is_for_good(run: Run) -> bool:
    """Whether the run would end in the same way again: it came to its end, or its numbers became none."""
    return bool(run.model) and run.error.partition(":")[0] in ("", *[kind.__name__ for kind in NO_NUMBERS])
