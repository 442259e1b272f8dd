"""Graphviz run by a browser's own WebAssembly, where Python runs in a page.

A careful page gives Python no object of JavaScript but `WebAssembly`: no network and no document.  Nothing else is
asked for here, and no text is run as a program, so that a policy without 'unsafe-eval' will do.  What the module asks
of its system are a few words of WASI: it has no files, no clock and no environment, and nobody reads what it writes.
"""

from collections.abc import Callable
from typing import Any

OK, BAD_FILE, NO_ENTRY = 0, 8, 44           # answers of WASI


class Exited(Exception):
    """The module ended itself."""


class Browser:
    """The module compiled by the browser; `instance` gives it a memory of its own, and forgets the last one."""

    def __init__(self, module: bytes):
        from js import WebAssembly
        from pyodide.ffi import JsException, to_js
        data, objects = to_js(module), WebAssembly.constructor
        self.faults: tuple[type[Exception], ...] = (JsException, Exited, MemoryError)
        self.assembly, self.module, self.array = WebAssembly, WebAssembly.Module.new(data), data.constructor
        self.imports = to_js({"wasi_snapshot_preview1": self.wasi()}, dict_converter=objects.fromEntries)
        self.exports: Any = None

    def instance(self) -> "Browser":
        self.exports = self.assembly.Instance.new(self.module, self.imports).exports
        return self

    def call(self, name: str, *numbers: int) -> int:
        return getattr(self.exports, name)(*numbers)

    def read(self, address: int, size: int) -> bytes:
        return self.exports.memory.buffer.slice(address, address + size).to_bytes()

    def write(self, address: int, data: bytes) -> None:
        self.array.new(self.exports.memory.buffer, address, len(data)).assign(data)

    # ---- what the module asks of its system

    def wasi(self) -> dict[str, Callable]:
        """The functions that it imports, by their names."""
        of_files = ("fd_close", "fd_fdstat_get", "fd_fdstat_set_flags", "fd_filestat_get", "fd_prestat_get",
                    "fd_prestat_dir_name", "fd_read", "fd_seek")
        return dict.fromkeys(of_files, lambda *numbers: BAD_FILE) | {
            "path_open": lambda *numbers: NO_ENTRY,
            "path_filestat_get": lambda *numbers: NO_ENTRY,
            "environ_get": lambda names, texts: OK,
            "environ_sizes_get": lambda count, size: self.zeros(count, 4) or self.zeros(size, 4),
            "clock_time_get": lambda clock, precision, at: self.zeros(at, 8),
            "random_get": self.zeros,
            "fd_write": self.pass_over,
            "proc_exit": self.end,
        }

    def zeros(self, address: int, size: int) -> int:
        self.write(address, bytes(size))
        return OK

    def pass_over(self, file: int, pieces: int, count: int, written: int) -> int:
        """Say that all pieces were written, each of which is an address and a size."""
        sizes = [int.from_bytes(self.read(pieces + 8 * k + 4, 4), "little") for k in range(count)]
        self.write(written, sum(sizes).to_bytes(4, "little"))
        return OK

    def end(self, code: int) -> None:
        raise Exited(f"it ended itself with code {code}")
