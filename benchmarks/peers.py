"""The engines side by side: for each a small adapter, so that all run the same programs.

An adapter opens its library, is made ready for a workload (what is compiled is compiled then,
untimed), makes leaves (untimed), runs the program forward and backward (timed), and says what
came out (untimed).  The words `relu`, `dot` and `total` are for the programs to use.
"""

import ctypes
import operator
import shutil
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from .workloads import Workload

OURS = "tinygrad_edu"
PURE = "tinygrad_edu, pure"
GPTS = "GPT's Value"
BENCH = 'pip install ".[bench]"'
# Time of the processor, which no other program takes part in; where its ticks are coarse, that of the wall.
clock = time.perf_counter if sys.platform == "win32" else time.process_time
ONLY_OPERATORS = "the program needs a class of numbers with data, grad, exp(), log(), relu()"
CHUNK = 100                                 # runs whose leaves are made beforehand
Answer = tuple[float, list[float]]          # the result, the gradients, and where there is one what `after` made


class Unfit(Exception):
    """This peer cannot run this workload; the text says why."""


class Peer:
    """What all adapters share.

    package    its name on PyPI
    module     what is imported
    install    the command that installs it
    what       how it is used, and what is not in its times
    settings   variables of the environment of its process
    """

    package = module = ""
    install = BENCH
    what = ""
    settings: Mapping[str, str] = {}
    relu: Callable[[Any], Any] = operator.methodcaller("relu")

    def open(self) -> None:
        """Import the library; Unfit says how to get it."""
        try:
            self.library = import_module(self.module)
        except ModuleNotFoundError as error:
            if error.name != self.module.split(".")[0]:
                raise
            raise Unfit(f"not installed: {self.install}") from None

    def version(self) -> str:
        return metadata.version(self.package)

    def ready(self, workload: Workload) -> None:
        self.program, self.after, self.count = workload.program, workload.after, len(workload.numbers)

    def leaves(self, numbers: list[float]) -> Any:
        raise NotImplementedError

    def run(self, leaves: Any) -> Any:
        """The timed part."""
        raise NotImplementedError

    def answer(self, result: Any, leaves: Any) -> Answer:
        raise NotImplementedError

    def timed(self, numbers: list[float], runs: int) -> tuple[float, Answer]:
        """The seconds that so many runs take, and the answer of the last."""
        seconds = 0.0
        for first in range(0, runs, CHUNK):
            rows = [self.leaves(numbers) for _ in range(min(CHUNK, runs - first))]
            start = clock()
            for leaves in rows:
                result = self.run(leaves)
            seconds += clock() - start
        return seconds, self.answer(result, leaves)

    def dot(self, w: list[Any], x: list[Any]) -> Any:
        raise Unfit("has no dot product that is one node")

    def total(self, f: Callable[[Any], Any], rows: list[Any]) -> Any:
        return reduce(operator.add, map(f, rows))


# ---- engines whose numbers remember how they were made ---------------------------------------------------


class Tape(Peer):
    """An engine with a class for numbers: operators build the graph, `backward` fills in gradients."""

    def open(self) -> None:
        super().open()
        self.leaf = self.library.Value

    def leaves(self, numbers: list[float]) -> list[Any]:
        return list(map(self.leaf, numbers))

    def run(self, leaves: list[Any]) -> Any:
        output = self.program(self, leaves)
        output.backward()
        if self.after:
            self.after(leaves)
        return output.data                          # the graph is let go of here, and that is timed too

    def timed(self, numbers: list[float], runs: int) -> tuple[float, Answer]:
        return self.repeated(numbers, runs) if isinstance(self.program, str) else super().timed(numbers, runs)

    def repeated(self, numbers: list[float], runs: int) -> tuple[float, Answer]:
        """The seconds of a statement, without those of the loop around it."""
        [x] = self.leaves(numbers)
        names = {"x": x, "tg": self.library}
        loop, empty = (timeit.Timer(text, "import gc; gc.enable()", clock, names).timeit(runs)
                       for text in (self.program, "pass"))
        result = eval(self.program, names)
        result.backward()
        return loop - empty, self.answer(result.data, [x])

    def answer(self, result: Any, leaves: list[Any]) -> Answer:
        moved = [float(leaf.data) for leaf in leaves] if self.after else []
        return float(result), [float(leaf.grad) for leaf in leaves] + moved


class Ours(Tape):
    package, module, install = "tinygrad-edu", "tinygrad_edu", "pip install ."

    def open(self) -> None:
        super().open()
        self.dot = self.library.dot

    def version(self) -> str:
        return f"{self.library.__version__}, {self.library.engine_name} engine"


def pure(peer: Peer) -> Peer:
    """The same with the engine in Python."""
    peer.settings = {"TINYGRAD_EDU_PURE": "1"}
    return peer


class Plain(Tape):
    module = "benchmarks.plain"
    what = "`benchmarks/plain.py`: a tuple of parents and one of local gradients for each node, in plain Python"

    def version(self) -> str:
        return sys.version.split()[0]


class GPTValue(Plain):
    module = "benchmarks.gpt_value"
    what = ("`benchmarks/gpt_value.py`, written for this purpose: the shape of the public 200-line GPT's, with "
            "`_children`, `_local_grads`, and an order found by recursion")


class Micrograd(Tape):
    package, module = "micrograd", "micrograd.engine"


class PyTorch(Tape):
    package, module = "torch", "torch"
    what = "tensors without dimensions, float64, one thread"

    def open(self) -> None:
        Peer.open(self)
        self.library.set_num_threads(1)
        self.leaf = lambda x: self.library.tensor(x, dtype=self.library.float64, requires_grad=True)

    def leaves(self, numbers: list[float]) -> list[Any]:
        leaves = super().leaves(numbers)
        if self.after:                              # which wants a gradient of 0, not None, for what is not used
            for leaf in leaves:
                leaf.grad = self.library.zeros_like(leaf)
        return leaves


class XAD(Peer):
    package = module = "xad"
    what = "active numbers of its C++ on a tape, from Python"

    def open(self) -> None:
        super().open()
        self.numbers, self.math = import_module("xad.adj_1st"), import_module("xad.math")
        self.relu = lambda x: self.math.max(x, 0.0)

    def ready(self, workload: Workload) -> None:
        if workload.after:
            raise Unfit(ONLY_OPERATORS)
        super().ready(workload)

    def leaves(self, numbers: list[float]) -> list[Any]:
        return list(map(self.numbers.Real, numbers))

    def run(self, leaves: list[Any]) -> tuple[float, list[float]]:
        with self.numbers.Tape() as tape:
            tape.registerInputs(leaves)
            tape.newRecording()
            output = self.program(self, leaves)
            tape.registerOutput(output)
            output.derivative = 1.0
            tape.computeAdjoints()
            return output.value, [leaf.derivative for leaf in leaves]

    def answer(self, result: Any, leaves: list[Any]) -> Answer:
        return result


# ---- libraries that differentiate functions ----------------------------------------------------------------


class Functional(Peer):
    """A library that makes, from a function, the function that gives its value and gradient."""

    def ready(self, workload: Workload) -> None:
        if workload.after:
            raise Unfit(ONLY_OPERATORS)
        super().ready(workload)
        self.gradient = self.differentiated(lambda x: self.program(self, [x[i] for i in range(self.count)]))

    def differentiated(self, f: Callable[[Any], Any]) -> Callable[[Any], Any]:
        raise NotImplementedError

    def run(self, leaves: Any) -> Any:
        return self.gradient(leaves)

    def answer(self, result: Any, leaves: Any) -> Answer:
        return float(result[0]), list(map(float, result[1]))


class Autograd(Functional):
    package, module = "autograd", "autograd"
    what = ("`value_and_grad` of a function of an array, which is taken apart into its numbers; the points of the "
            "network go through it side by side, as arrays")

    def open(self) -> None:
        super().open()
        self.numpy = import_module("autograd.numpy")
        self.relu = lambda x: self.numpy.maximum(x, 0.0)

    def differentiated(self, f: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return self.library.value_and_grad(f)

    def leaves(self, numbers: list[float]) -> Any:
        return self.numpy.array(numbers)

    def total(self, f: Callable[[Any], Any], rows: list[Any]) -> Any:
        return self.numpy.sum(f(self.numpy.array(rows).T))


class JaxEager(Functional):
    package, module = "jax", "jax"
    what = ("`value_and_grad` of a function of a list of scalars, float64, one thread; the points of the network go "
            "through it side by side (`vmap`)")

    def open(self) -> None:
        super().open()
        self.library.config.update("jax_enable_x64", True)
        self.numpy = self.library.numpy
        self.relu = lambda x: self.numpy.maximum(x, 0.0)

    def differentiated(self, f: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return self.library.value_and_grad(f)

    def leaves(self, numbers: list[float]) -> Any:
        return [self.numpy.float64(x) for x in numbers]

    def run(self, leaves: Any) -> Any:
        return self.library.block_until_ready(self.gradient(leaves))

    def total(self, f: Callable[[Any], Any], rows: list[Any]) -> Any:
        return self.library.vmap(f)(self.numpy.array(rows)).sum()


class JaxJit(JaxEager):
    what = "the same compiled, of a function of an array that is taken apart into its numbers; compiling is not timed"

    def ready(self, workload: Workload) -> None:
        super().ready(workload)
        self.run(self.leaves(workload.numbers))                 # compiles it

    def differentiated(self, f: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return self.library.jit(self.library.value_and_grad(f))

    def leaves(self, numbers: list[float]) -> Any:
        return self.numpy.array(numbers)


class CasADi(Functional):
    package, module = "casadi", "casadi"
    what = "an `SX` function of value and gradient, run by its virtual machine on buffers; making it is not timed"

    def open(self) -> None:
        super().open()
        self.relu = lambda x: self.library.fmax(x, 0.0)

    def differentiated(self, f: Callable[[Any], Any]) -> Callable[[Any], Any]:
        ca = self.library
        x = ca.SX.sym("x", self.count)
        output = f(x)
        buffer, evaluate = ca.Function("f", [x], [output, ca.densify(ca.gradient(output, x))]).buffer()
        self.value, self.slopes = (ctypes.c_double * 1)(), (ctypes.c_double * self.count)()
        for place, room in enumerate((self.value, self.slopes)):
            buffer.set_res(place, memoryview(room).cast("B").cast("d"))

        def gradient(leaves: memoryview) -> tuple[Any, Any]:
            buffer.set_arg(0, leaves)
            evaluate()
            return self.value, self.slopes
        return gradient

    def leaves(self, numbers: list[float]) -> memoryview:
        return memoryview((ctypes.c_double * len(numbers))(*numbers)).cast("B").cast("d")

    def answer(self, result: Any, leaves: Any) -> Answer:
        return result[0][0], list(result[1])


# ---- what the machine can do ---------------------------------------------------------------------------------


class Limit(Peer):
    """The same sums and products written in C by hand, for this one graph: no engine gets below it."""

    what = ("`benchmarks/limit.c`, compiled by `cc -O2` when the benchmark runs: loops over arrays, no graph at all; "
            "the random graph is a tape of places, read forth and back")

    def open(self) -> None:
        self.compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if not self.compiler:
            raise Unfit("no C compiler (cc, gcc, clang) on the PATH")

    def version(self) -> str:
        told = subprocess.run([self.compiler, "--version"], capture_output=True, text=True)
        return told.stdout.splitlines()[0]

    def ready(self, workload: Workload) -> None:
        super().ready(workload)
        with tempfile.TemporaryDirectory() as folder:
            library = Path(folder) / "limit.so"
            source = Path(__file__).with_name("limit.c")
            subprocess.run([self.compiler, "-O2", "-shared", "-fPIC", "-o", library, source, "-lm"], check=True)
            self.library = ctypes.CDLL(str(library))
        self.library.repeated.restype = ctypes.c_double
        self.function = self.library[workload.c]
        self.data = numbers_of(workload.data)
        self.slopes = numbers_of([0.0] * self.count * (2 if self.after else 1))

    def timed(self, numbers: list[float], runs: int) -> tuple[float, Answer]:
        x = numbers_of(numbers)
        start = clock()
        result = self.library.repeated(self.function, ctypes.c_long(runs), x, self.slopes, self.data,
                                       ctypes.c_long(len(self.data)))
        return clock() - start, (result, list(self.slopes))


def numbers_of(numbers: Sequence[float]) -> Any:
    return (ctypes.c_double * len(numbers))(*numbers)


PEERS: dict[str, Peer] = {
    OURS: Ours(),
    PURE: pure(Ours()),
    "micrograd": Micrograd(),
    "plain Value": Plain(),
    GPTS: GPTValue(),
    "XAD": XAD(),
    "PyTorch": PyTorch(),
    "autograd": Autograd(),
    "JAX": JaxEager(),
    "jax.jit": JaxJit(),
    "CasADi": CasADi(),
    "C by hand": Limit(),
}
