"""Who takes part in what `compile()` is measured on: for each a small adapter, as in `peers.py`.

An adapter opens its library, puts the numbers of a batch into its own arrays (untimed), and makes itself ready, up
to its first result (timed once).  Then `step` computes the loss and all gradients, and `forward` the loss alone;
both are timed, many times.  What came out is compared with ours.
"""

import ctypes
import os
import shutil
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .batches import Batch
from .peers import Answer, JaxEager, Limit, Ours, Peer, PyTorch, Unfit

EAGER, EXACT, FAST = "tinygrad_edu, eager", "tinygrad_edu, compile", "tinygrad_edu, compile fast"
TWO_THREADS = "tinygrad_edu, compile, 2 threads"
OLDER_JAX = "OLDER_JAX"                         # the variable of the environment that names its folder
MOST_EDGES = 500_000                            # of an eager graph, which has some hundred bytes each
Array = Any


class Batcher(Peer):
    """What all adapters share.

    first       the seconds from the function and its numbers to the first loss and gradients
    contracts   may a multiply and an add be one instruction?
    threads     how many it uses; one stays on one core
    """

    first = 0.0
    contracts = True
    threads = 1

    def ready(self, batch: Batch) -> None:
        self.batch = batch
        self.load()
        start = time.perf_counter()
        self.make()
        self.step()
        self.first = time.perf_counter() - start

    def load(self) -> None:
        """Take the numbers of the batch."""

    def make(self) -> None:
        """Whatever is done once for a function."""

    def step(self) -> Any:
        """Loss and all gradients."""
        raise NotImplementedError

    def forward(self) -> Any:
        """The loss alone."""
        raise NotImplementedError

    def answer(self) -> Answer:
        raise NotImplementedError

    def turns(self, what: str, count: int, runs: int) -> list[float]:
        """The seconds of a run of `step` or `forward`, for each of so many turns of so many runs."""
        run, clock, seconds = getattr(self, what), time.perf_counter, []
        for _ in range(count):
            start = clock()
            for _ in range(runs):
                run()
            seconds.append((clock() - start) / runs / self.batch.shares)
        return seconds


def numbers(arrays: Any) -> list[float]:
    """All numbers of these arrays, in order."""
    return [float(x) for array in arrays for x in np.asarray(array).reshape(-1)]


# ---- ours -------------------------------------------------------------------------------------------------


class Compiled(Batcher):
    package, module, install = Ours.package, Ours.module, Ours.install
    version = Ours.version
    what = "`tg.compile` of the loss of a row, called from Python with arrays"
    contracts = False
    fast = False

    def load(self) -> None:
        leaf = self.library.Value
        self.weights = {name: nested(leaf, weight) for name, weight in self.batch.weights.items()}
        self.leaves = [v for weight in self.weights.values() for v in flat(weight)]

    def make(self) -> None:
        f = partial(self.batch.scalar, self.library, self.weights)
        example = (part[0].tolist() for part in self.batch.inputs)
        self.program = self.library.compile(f, *example, fast=self.fast, threads=self.threads)

    def step(self) -> Any:
        if self.batch.gradients_of_inputs:
            return self.program.input_gradients(*self.batch.inputs)
        return self.program.backward(*self.batch.inputs)

    def forward(self) -> Any:
        return self.program(*self.batch.inputs)

    def answer(self) -> Answer:
        if self.batch.gradients_of_inputs:
            return self.library.sum(self.forward().tolist()), numbers([self.step()])
        for leaf in self.leaves:
            leaf.grad = 0.0
        loss = self.step()
        return loss, [leaf.grad for leaf in self.leaves]


class CompiledFast(Compiled):
    what = "the same with `fast=True`"
    contracts, fast = True, True


class CompiledOnTwo(Compiled):
    what = "the same with `threads=2`"
    threads = 2


def nested(leaf: Any, array: Array) -> Any:
    return [nested(leaf, part) for part in array] if array.ndim else leaf(float(array))


def flat(nest: Any) -> list:
    return [v for part in nest for v in flat(part)] if isinstance(nest, list) else [nest]


class Eager(Compiled):
    what = "the same function called for every row: a graph of nodes, and `backward`"

    def make(self) -> None:
        if self.batch.rows * self.batch.parameters > MOST_EDGES:
            raise Unfit("left out: its graph of nodes would take too long")
        self.given = self.batch.inputs
        if self.batch.gradients_of_inputs:
            self.given = tuple(nested(self.library.Value, part) for part in self.given)
        else:
            self.given = tuple(part.tolist() for part in self.given)

    def forward(self) -> Any:
        total = self.library.sum if self.batch.gradients_of_inputs else self.library.mean
        return total([self.batch.scalar(self.library, self.weights, *row) for row in zip(*self.given)])

    def step(self) -> Any:
        loss = self.forward()
        loss.backward()
        return loss.data

    def answer(self) -> Answer:
        leaves = flat(list(self.given)) if self.batch.gradients_of_inputs else self.leaves
        for leaf in leaves:
            leaf.grad = 0.0
        loss = self.step()
        return loss, [leaf.grad for leaf in leaves]


# ---- by hand ----------------------------------------------------------------------------------------------


class NumPy(Batcher):
    package = module = "numpy"
    what = "written out by hand, forward and backward, in matrices, one thread"

    def make(self) -> None:
        if not self.batch.by_hand:
            raise Unfit("not written by hand")

    def step(self) -> Any:
        return self.batch.by_hand(self.batch.weights, *self.batch.inputs)

    forward = None

    def answer(self) -> Answer:
        loss, gradients = self.step()
        return float(loss), numbers(gradients)


class C(Batcher):
    what = ("`benchmarks/by_hand.c`, for a network whose sizes the compiler knows; compiled when the benchmark runs, "
            "for this processor")
    contracts = False
    open, version = Limit.open, Limit.version
    forward = None

    def make(self) -> None:
        if not self.batch.c:
            raise Unfit("not written by hand")
        lines, name = self.batch.c
        self.library = built(self.compiler, lines, self.contracts)
        self.function = self.library[name]
        self.function.restype = ctypes.c_double
        weights = np.concatenate([weight.reshape(-1) for weight in self.batch.weights.values()])
        self.gradients = np.zeros_like(weights)
        self.arrays = [*self.batch.inputs, weights, self.gradients]             # kept, since pointers do not
        self.pointers = list(map(pointer, self.arrays))

    def step(self) -> Any:
        return self.function(*self.pointers)

    def answer(self) -> Answer:
        return self.step(), self.gradients.tolist()


class ContractedC(C):
    what = "the same with a multiply and an add as one instruction (`-ffp-contract=fast`)"
    contracts = True


def built(compiler: str, lines: str, contracts: bool) -> Any:
    """by_hand.c as a library, with these lines after it."""
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder) / "networks.c", Path(folder) / "networks.so"
        source.write_text(f'#include "{Path(__file__).with_name("by_hand.c").as_posix()}"\n{lines}\n', encoding="utf-8")
        rounding = f"-ffp-contract={'fast' if contracts else 'off'}"
        command = [compiler, "-O3", "-march=native", "-fno-trapping-math", rounding, "-shared", "-fPIC",
                   "-o", library, source, "-lm"]
        done = subprocess.run([*command, "-mprefer-vector-width=512"], capture_output=True)
        if done.returncode:                                                     # no processor of that kind
            subprocess.run(command, check=True, capture_output=True)
        return ctypes.CDLL(str(library))


def pointer(array: Array) -> Any:
    return array.ctypes.data_as(ctypes.c_void_p)


def ceiling(compiler: str, contracts: bool) -> float:
    """How many additions and multiplications a second this processor does at most, side by side in registers."""
    library, operations, best = built(compiler, "", contracts), ctypes.c_double(), 0.0
    for _ in range(20):
        start = time.perf_counter()
        library.ceiling(ctypes.c_long(200_000), ctypes.c_double(0.5), ctypes.byref(operations))
        best = max(best, operations.value / (time.perf_counter() - start))
    return best


# ---- a tape in C++ ----------------------------------------------------------------------------------------


class ADOLC(Batcher):
    what = ("`benchmarks/adolc.cpp`, compiled when the benchmark is run: the operations of one row on a tape, which is "
            "read forth and back for every row; compiling is untimed")
    install = "apt install libadolc-dev"

    def open(self) -> None:
        compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
        missing = "no C++ compiler (c++, g++, clang++) on the PATH"
        if not compiler:
            raise Unfit(missing)
        with tempfile.TemporaryDirectory() as folder:
            library = Path(folder) / "adolc.so"
            done = subprocess.run([compiler, "-O3", "-march=native", "-shared", "-fPIC", "-o", library,
                                   Path(__file__).with_name("adolc.cpp"), "-ladolc"], capture_output=True, text=True)
            if any(words in done.stderr for words in ("adolc/adolc.h:", "'adolc/adolc.h' file", "-ladolc")):
                raise Unfit(f"not installed: {self.install}")
            if "cc1plus" in done.stderr:                        # gcc is there, and its part for C++ is not
                raise Unfit(missing)
            done.check_returncode()
            self.library = ctypes.CDLL(str(library))
        self.library.step.restype = ctypes.c_double

    def version(self) -> str:
        told = shutil.which("pkg-config") and subprocess.run(["pkg-config", "--modversion", "adolc"],
                                                             capture_output=True, text=True)
        return told.stdout.strip() if told else ""

    def make(self) -> None:
        if not self.batch.layers:
            raise Unfit("written for networks of layers")
        if self.batch.rows * self.batch.parameters > MOST_EDGES:
            raise Unfit("left out: reading its tape would take too long")
        sizes, activation, loss = self.batch.layers
        self.weights = np.concatenate([weight.reshape(-1) for weight in self.batch.weights.values()])
        self.gradients = np.zeros_like(self.weights)
        self.library.record(len(sizes) - 1, (ctypes.c_int * len(sizes))(*sizes), activation == "relu", loss == "mse",
                            self.weights.size, pointer(self.weights))
        self.given = [self.batch.rows, sizes[0], sizes[-1], self.weights.size,
                      *map(pointer, (*self.batch.inputs, self.weights))]

    def step(self) -> Any:
        return self.library.step(*self.given, pointer(self.gradients))

    def forward(self) -> Any:
        return self.library.step(*self.given, None)

    def answer(self) -> Answer:
        return self.step(), self.gradients.tolist()


# ---- libraries of tensors -----------------------------------------------------------------------------------


class TorchBatch(Batcher):
    package, module = PyTorch.package, PyTorch.module
    what = "the batch as tensors, float64, `backward`, one thread"

    def load(self) -> None:
        torch = self.torch = self.library
        torch.set_num_threads(1)
        self.relu, self.tanh, self.linear = torch.relu, torch.tanh, torch.nn.functional.linear
        self.softmax, self.causal = partial(torch.softmax, dim=-1), lambda x: x + mask(torch.tensor, x)
        self.weights = {name: torch.tensor(w, requires_grad=True) for name, w in self.batch.weights.items()}
        self.inputs = [torch.tensor(part, requires_grad=self.batch.gradients_of_inputs) for part in self.batch.inputs]
        self.leaves = self.inputs if self.batch.gradients_of_inputs else [*self.weights.values()]
        self.targets = self.inputs[-1].argmax(-1).reshape(-1)

    def make(self) -> None:
        if not self.batch.tensor:
            raise Unfit("not written in tensors")

    def cross_entropy(self, scores: Array, y: Array) -> Array:
        return self.torch.nn.functional.cross_entropy(scores.reshape(-1, scores.shape[-1]), self.targets)

    def swapped(self, x: Array) -> Array:
        return x.transpose(1, 2)

    def turned(self, x: Array) -> Array:
        return x.transpose(-1, -2)

    def forward(self) -> Any:
        loss = self.batch.tensor(self, self.weights, *self.inputs)
        return loss.sum() if self.batch.gradients_of_inputs else loss

    def step(self) -> Any:
        for leaf in self.leaves:
            leaf.grad = None
        loss = self.forward()
        loss.backward()
        return loss

    def answer(self) -> Answer:
        return float(self.step().detach()), numbers(leaf.grad for leaf in self.leaves)


def mask(made: Any, x: Array) -> Array:
    """-inf where a place would see a later one."""
    return made(np.triu(np.full(x.shape[-2:], -np.inf), 1))


class JaxBatch(Batcher):
    package, module = JaxEager.package, JaxEager.module
    what = "the batch as arrays, float64, `jit` of `value_and_grad` (of `vmap` of it for single numbers), one thread"

    def load(self) -> None:
        jax = self.library
        jax.config.update("jax_enable_x64", True)
        jnp = jax.numpy
        self.relu, self.tanh, self.softmax = jax.nn.relu, jnp.tanh, jax.nn.softmax
        self.causal = lambda x: x + mask(jnp.array, x)
        self.weights = {name: jnp.array(weight) for name, weight in self.batch.weights.items()}
        self.inputs = [jnp.array(part) for part in self.batch.inputs]

    def linear(self, x: Array, W: Array, b: Array) -> Array:
        return x @ W.T + b

    def cross_entropy(self, scores: Array, y: Array) -> Array:
        return (self.library.nn.logsumexp(scores, -1) - (scores * y).sum(-1)).mean()

    def swapped(self, x: Array) -> Array:
        return x.swapaxes(1, 2)

    def turned(self, x: Array) -> Array:
        return x.swapaxes(-1, -2)

    def make(self) -> None:
        if not self.batch.tensor:
            raise Unfit("not written in arrays")
        jax, f = self.library, partial(self.batch.tensor, self)
        if self.batch.gradients_of_inputs:
            self.given = self.inputs
            self.gradient = jax.jit(jax.vmap(jax.value_and_grad(partial(f, {}))))
            self.value = jax.jit(jax.vmap(partial(f, {})))
        else:
            self.given = [self.weights, *self.inputs]
            self.gradient, self.value = jax.jit(jax.value_and_grad(f)), jax.jit(f)

    def step(self) -> Any:
        return self.library.block_until_ready(self.gradient(*self.given))

    def forward(self) -> Any:
        return self.library.block_until_ready(self.value(*self.given))

    def answer(self) -> Answer:
        value, gradients = self.step()
        if self.batch.gradients_of_inputs:
            return float(value.sum()), numbers([gradients])
        return float(value), numbers(gradients[name] for name in self.batch.weights)


class OlderJax(JaxBatch):
    """The JAX of the folder that `--jax` names, which comes first on the path of its process."""

    what = "the same by the version in the folder that `--jax` names"
    install = "pip install --target FOLDER jax==0.4.31 jaxlib==0.4.31, and --jax FOLDER"

    @property
    def settings(self) -> dict[str, str]:
        return {"PYTHONPATH": os.environ[OLDER_JAX]} if OLDER_JAX in os.environ else {}

    def open(self) -> None:
        if OLDER_JAX not in os.environ:
            raise Unfit(f"not installed: {self.install}")
        super().open()


BATCHERS: dict[str, Batcher] = {
    EXACT: Compiled(),
    FAST: CompiledFast(),
    "C by hand": C(),
    "C by hand, contracted": ContractedC(),
    "NumPy by hand": NumPy(),
    "ADOL-C": ADOLC(),
    "JAX, a batch": JaxBatch(),
    "older JAX, a batch": OlderJax(),
    "PyTorch, a batch": TorchBatch(),
    EAGER: Eager(),
    TWO_THREADS: CompiledOnTwo(),
}
