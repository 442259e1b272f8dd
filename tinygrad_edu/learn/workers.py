"""The workers of a Dask cluster, for whoever hands them whole tasks: are they like us, and is there one at all?

Nothing here imports Dask: a client is what the user has made.  `docs/cluster.md` says how.
"""

import warnings
from collections.abc import Iterator
from typing import Any

from ..engine.number import printable, short_repr, truncate

LOOK = 10.0                     # seconds between two looks at whether anybody works
# Sent as text, since bytecode means something else to another Python: what runs there, and by which rules.
VERSIONS = ("__import__('platform').python_version(), __import__('tinygrad_edu').__version__, "
            "__import__('tinygrad_edu.fast.c_lanes').fast.c_lanes.fingerprint()")
NO_WORKER = "no worker of the cluster is left: waiting for one"


def checked_client(client: Any, module: str = "tinygrad_edu") -> Any:
    """A client of Dask whose workers give the numbers that we would get here.

    module   that they must be able to load

    Raises TypeError for what is no client, ConnectionError where there is no worker, and RuntimeError where one has
    another Python or another version of this package.

    >>> checked_client(8)
    Traceback (most recent call last):
    TypeError: client must be a Client of dask.distributed, such as Client("tcp://10.0.0.7:8786"), not int: got 8
    """
    if not (hasattr(client, "submit") and hasattr(client, "scheduler_info")):
        raise TypeError('client must be a Client of dask.distributed, such as Client("tcp://10.0.0.7:8786"), '
                        f"not {type(client).__name__}: got {short_repr(client)}")
    if client.asynchronous:
        raise TypeError("client must not be asynchronous: write Client(...) without asynchronous=True")
    look_around(client)
    found, scheduler = versions_of(client, None, module), address_of(client)
    if not found:
        raise ConnectionError(f"the scheduler at {scheduler} has no workers: start one by  dask worker {scheduler}")
    check_versions({"": of_scheduler(client), **found}, scheduler)
    return client


def versions_of(client: Any, workers: list[str] | None, module: str) -> dict[str, Any]:
    """{address: VERSIONS there, or the error that came} of these workers, or all; without those that are gone."""
    asked = f"(__import__({module!r}), ({VERSIONS}))[1]"
    try:
        found = client.run(eval, asked, workers=workers, on_error="return")
    except OSError:                         # not that of a worker, but that nothing can be asked
        raise no_answer(client) from None
    return {worker: there for worker, there in found.items() if not isinstance(there, OSError)}


def of_scheduler(client: Any) -> Any:
    """VERSIONS where the scheduler runs, which reads the tasks too, or the error that came."""
    try:
        return client.run_on_scheduler(eval, VERSIONS)
    except Exception as error:
        return error


def check_versions(found: dict[str, Any], scheduler: str = "") -> None:
    """Refuse workers that might give other numbers.

    found       {address: VERSIONS there, or the error that came}; "" is where the scheduler runs
    scheduler   its address
    """
    here = eval(VERSIONS)
    for worker, there in sorted(found.items()):
        who = f"worker {worker}" if worker else f"scheduler at {scheduler}"
        if isinstance(there, Exception):
            raise RuntimeError(f"the {who} cannot load tinygrad_edu {here[1]}: install it there "
                               f"({truncate(printable(there), 120)})")
        if (minor(there[0]), *there[1:]) != (minor(here[0]), *here[1:]):
            raise RuntimeError(f"the {who} has {in_words(*there)}, and here is {in_words(*here)}: "
                               "install the same")


def in_words(python: str, version: str, rules: int) -> str:
    """Versions in a message."""
    return f"Python {python} with tinygrad_edu {version} (rules {rules:08x})"


def minor(version: str) -> str:
    """The part of a version of Python on which bytecode and messages depend.

    >>> minor("3.11.2")
    '3.11'
    """
    return version.rpartition(".")[0]


def address_of(client: Any) -> str:
    """Where the scheduler of a client is."""
    return printable(client.scheduler.address)


def look_around(client: Any) -> bool:
    """Whether there is anybody to do the work.  Raises ConnectionError where there is no scheduler any more."""
    if client.status != "running":
        raise no_answer(client)
    return bool(client.scheduler_info()["workers"])


def no_answer(client: Any) -> ConnectionError:
    """The error where a client has no scheduler any more."""
    return ConnectionError(f"the scheduler of this client does not answer ({client.status}): start one, and make a "
                           "Client of it")


def as_they_end(client: Any, futures: list[Any]) -> Iterator[Any]:
    """The futures, each when its task has ended; a warning says where there is no worker to wait for.

    Raises ConnectionError where the scheduler is lost.
    """
    from concurrent.futures import CancelledError

    from distributed import wait
    waiting = set(futures)
    while waiting:
        try:
            with client.as_current():
                ended, waiting = wait(waiting, timeout=LOOK, return_when="FIRST_COMPLETED")
        except TimeoutError:
            if not look_around(client):
                warnings.warn(NO_WORKER, stacklevel=2)
            continue
        except CancelledError as error:
            look_around(client)
            raise ConnectionError(f"the scheduler at {address_of(client)} dropped the tasks: {error}") from None
        yield from ended
