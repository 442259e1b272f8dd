"""How accurate every operation is, beside PyTorch and JAX: `python -m benchmarks.accuracy --write docs/accuracy.md`.

The points and the judge are those of tests/test_accuracy.py: every engine gets the same numbers, and
mpmath says at sixty digits what is true.  The same libraries on the same machine give the same page.
"""

import argparse
import importlib
import platform
import sys
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from draws import ulp_error
from judge import (
    MANY_DIGITS,
    SOFTMAX,
    all_points,
    logits_for,
    relative_error,
    row_constants,
    row_error,
    row_truth,
    rows_for,
    softmax_truth,
    truth,
)
from mpmath import mp
from textbook import is_defined

import tinygrad_edu as tg
from tinygrad_edu.engine.formula import COMPUTE

OURS, PEERS = "tinygrad_edu", {"PyTorch": "torch", "JAX": "jax"}
INSTALL = {"PyTorch": "pip install torch==2.13.0", "JAX": "pip install jax"}
ENGINES = (OURS, *PEERS)
LOST = 2.0 ** 26            # from so many ULP on, less than half of the digits are right
NOISE = 0.05                # in ULP: less is no difference


# ---- the engines: each takes columns of inputs and gives (values, [gradients by each input]) -------------


def ours(op: Any, columns: list[list], constants: dict) -> tuple[list, list]:
    with tg.errstate(all="ignore"):
        answers = [op.evaluate(*inputs, **constants) for inputs in zip(*columns)]
    return [value for value, _ in answers], [list(column) for column in zip(*[grads for _, grads in answers])]


def torch_functions() -> dict[str, Callable]:
    import torch
    from torch.nn import functional
    torch.set_num_threads(1)
    names = ("add sub mul neg square abs sign sqrt hypot exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos "
             "atan atan2 sinh cosh tanh asinh acosh atanh erf erfc maximum minimum sigmoid pow reciprocal remainder "
             "floor ceil round xlogy logaddexp logit").split()
    activations = {"gelu": "gelu", "relu": "relu", "elu": "elu", "softplus": "softplus", "silu": "silu",
                   "softsign": "softsign", "log_sigmoid": "logsigmoid"}
    return {name: getattr(torch, name) for name in names} | {
        name: getattr(functional, theirs) for name, theirs in activations.items()} | {
        "div": torch.div, "power": lambda x, n: torch.pow(x, n), "where": lambda c, x, y: torch.where(c != 0, x, y),
        "leaky_relu": lambda x, slope: functional.leaky_relu(x, slope),
        "elu": lambda x, alpha: functional.elu(x, alpha), "clip": lambda x, low, high: torch.clamp(x, low, high),
        "sum": lambda x: x.sum(-1), "mean": lambda x: x.mean(-1), "prod": lambda x: x.prod(-1),
        "max": lambda x: x.amax(-1), "min": lambda x: x.amin(-1), "logsumexp": lambda x: x.logsumexp(-1),
        "dot": torch.linalg.vecdot, "norm": lambda x: torch.linalg.vector_norm(x, dim=-1),
        "floor_divide": lambda x, y: torch.div(x, y, rounding_mode="floor"), "normal_cdf": torch.special.ndtr,
        "softmax_at": lambda x, index: x.softmax(-1)[..., int(index)],
        "log_softmax_at": lambda x, index: x.log_softmax(-1)[..., int(index)],
        "softmax_cross_entropy": lambda x, t: functional.cross_entropy(x, t, reduction="none"),
    }


def by_torch(function: Callable, columns: list[list], constants: dict) -> tuple[list, list]:
    import torch
    tensors = [torch.tensor(column, dtype=torch.float64, requires_grad=True) for column in columns]
    value = function(*tensors, **constants)
    value.sum().backward()
    return value.tolist(), [(x.grad if x.grad is not None else torch.zeros_like(x)).tolist() for x in tensors]


def jax_functions() -> dict[str, Callable]:
    import jax
    from jax import numpy, scipy
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platforms", "cpu")
    names = ("square abs sign sqrt cbrt hypot exp exp2 expm1 log log2 log10 log1p sin cos tan sinh cosh tanh maximum "
             "minimum sum mean prod max min dot reciprocal remainder floor_divide floor ceil round logaddexp").split()
    inverse = {name: getattr(numpy, "arc" + name[1:]) for name in "asin acos atan atan2 asinh acosh atanh".split()}
    activations = "relu softplus silu sigmoid log_sigmoid".split()
    return {name: getattr(numpy, name) for name in names} | inverse | {
        name: getattr(jax.nn, name) for name in activations} | {
        "add": numpy.add, "sub": numpy.subtract, "mul": numpy.multiply, "div": numpy.divide, "neg": numpy.negative,
        "pow": numpy.power, "power": lambda x, n: numpy.power(x, n),
        "erf": scipy.special.erf, "erfc": scipy.special.erfc,
        "gelu": lambda x: jax.nn.gelu(x, approximate=False), "softsign": jax.nn.soft_sign,
        "leaky_relu": lambda x, slope: jax.nn.leaky_relu(x, slope), "elu": lambda x, alpha: jax.nn.elu(x, alpha),
        "clip": lambda x, low, high: numpy.clip(x, low, high), "where": lambda c, x, y: numpy.where(c != 0, x, y),
        "softmax_at": lambda x, index: jax.nn.softmax(x)[int(index)],
        "log_softmax_at": lambda x, index: jax.nn.log_softmax(x)[int(index)],
        "logsumexp": scipy.special.logsumexp, "xlogy": scipy.special.xlogy, "logit": scipy.special.logit,
        "normal_cdf": scipy.stats.norm.cdf, "norm": numpy.linalg.norm,
    }


def by_jax(function: Callable, columns: list[list], constants: dict) -> tuple[list, list]:
    import jax
    def of_inputs(*inputs):
        return function(*inputs, **constants)
    differentiated = jax.vmap(jax.value_and_grad(of_inputs, argnums=tuple(range(len(columns)))))
    value, grads = jax.jit(differentiated)(*[jax.numpy.array(column, dtype="float64") for column in columns])
    return value.tolist(), [grad.tolist() for grad in grads]


def installed_peers() -> tuple[dict[str, str], dict[str, Callable]]:
    """({peer: version, or how to install it}, {peer: what evaluates an op, or gives None})."""
    versions, evaluate = {}, {}
    for name, functions_of, run in ("PyTorch", torch_functions, by_torch), ("JAX", jax_functions, by_jax):
        try:
            versions[name] = importlib.import_module(PEERS[name]).__version__
        except ImportError:
            versions[name] = f"not installed: {INSTALL[name]}"
            continue
        evaluate[name] = answering(functions_of(), run)
    return versions, evaluate


def answering(functions: dict[str, Callable], run: Callable) -> Callable:
    def answer(op: Any, columns: list[list], constants: dict) -> tuple[list, list] | None:
        return run(functions[op.name], columns, constants) if op.name in functions else None
    return answer


# ---- measuring -------------------------------------------------------------------------------------------


class Place(NamedTuple):
    """What an engine said, and what is true."""

    op: str
    inputs: Any
    constants: dict
    got: float
    true: Any

    def __str__(self) -> str:
        inputs = ", ".join([*map(repr, self.inputs), *[f"{name}={c:.6g}" for name, c in self.constants.items()]])
        return f"{self.op}({inputs}): {float(self.got)!r}, not {mp.nstr(self.true, 17)}"


class Worst(NamedTuple):
    """The largest error, and where it is; counted apart is what was lost: half of the digits, or a 0 instead."""

    error: float = 0.0
    at: Place | None = None
    lost: int = 0
    lost_at: Place | None = None

    def with_one(self, error: float, place: Place) -> "Worst":
        if error >= LOST or (place.got == 0 and error > 1):
            return self._replace(lost=self.lost + 1, lost_at=self.lost_at or place)
        return self._replace(error=error, at=place) if error > self.error else self

    def __str__(self) -> str:
        return f"{rounded(self.error)}{f', {self.lost} lost' if self.lost else ''}"


def rounded(error: float) -> str:
    """Two digits.

    >>> rounded(0.5), rounded(3.14159), rounded(4712345.6)
    ('0.50', '3.1', '4.7e+06')
    """
    return "0" if error == 0 else f"{error:.2f}" if error < 1 else f"{error:.1f}" if error < 1000 else f"{error:.1e}"


class Row(NamedTuple):
    """What was measured of one op: how many points, and {engine: (worst value, worst gradient)}; None: no such op."""

    op: str
    count: int
    worst: dict[str, tuple[Worst, Worst] | None]


def measured(op: Any, engines: dict[str, Callable]) -> Row:
    """One op at all its points, by every engine."""
    groups: dict[Any, list] = defaultdict(list)
    for xs, constants in all_points(op):
        groups[tuple(constants.items())].append(truth(op, xs, constants))
    worst: dict[str, tuple[Worst, Worst] | None] = {}
    for name, evaluate in engines.items():
        pair: tuple[Worst, Worst] | None = (Worst(), Worst())
        for constants, found in groups.items():
            answer = evaluate(op, [list(column) for column in zip(*[p.inputs for p in found])], dict(constants))
            pair = pair and answer and worst_of(op, found, answer, pair)
        worst[name] = pair
    return Row(op.name, sum(map(len, groups.values())), worst)


def worst_of(op: Any, found: list, answer: tuple[list, list], pair: tuple[Worst, Worst]) -> tuple[Worst, Worst]:
    value, slope = pair
    for point, mine, *grads in zip(found, answer[0], *answer[1]):
        where = op.name, point.inputs, point.constants
        value = value.with_one(ulp_error(mine, point.value), Place(*where, mine, point.value))
        for grad, true in zip(grads, point.slopes):
            if true is not None:
                slope = slope.with_one(ulp_error(float(grad), true), Place(*where, grad, true))
    return value, slope


def measured_rows(op: Any, engines: dict[str, Callable]) -> Row:
    """One op on rows: values in units of n u Σ|terms|, gradients in ULP."""
    def error(rows: list, true: Any, terms: list, mine: float) -> float:
        return row_error(mine, true, terms) / len(rows[0])
    with mp.workdps(MANY_DIGITS):
        points = [(rows, row_constants(op, rows), row_truth(op, rows)) for rows in rows_for(op, 2000)]
        return Row(op.name, len(points), {
            name: worst_rows(op, points, evaluate, error, lambda rows, mine, true: ulp_error(mine, true))
            for name, evaluate in engines.items()})


def measured_logits(op: Any, engines: dict[str, Callable]) -> Row:
    """Softmax or its logarithm on rows of 2 to 1,000 logits: all in units of (n + 4) u, what is promised."""
    def error(rows: list, mine: float, true: Any) -> float:
        return relative_error(mine, true) / (len(rows[0]) + 4)
    points = []
    for row in logits_for(1003):
        for index in (0, len(row) - 1):
            value, slopes = softmax_truth(op, row, index)
            points.append(([row], {"index": float(index)}, (value, [], [slopes])))
    return Row(op.name, len(points), {
        name: worst_rows(op, points, evaluate, lambda rows, true, _, mine: error(rows, mine, true), error)
        for name, evaluate in engines.items()})


def worst_rows(op: Any, points: list, evaluate: Callable, value_error: Callable,
               slope_error: Callable) -> tuple[Worst, Worst] | None:
    """The worst value and gradient of (rows, constants, truth), which an engine gets in groups of one shape."""
    groups: dict[Any, list] = defaultdict(list)
    for rows, constants, true in points:
        groups[len(rows[0]), tuple(constants.items())].append((rows, true))
    value, slope = Worst(), Worst()
    for (_, constants), found in groups.items():
        answer = evaluate(op, [list(column) for column in zip(*[rows for rows, _ in found])], dict(constants))
        if not answer:
            return None
        for (rows, (true, terms, slopes)), mine, *grads in zip(found, answer[0], *answer[1]):
            where = op.name, rows, dict(constants)
            value = value.with_one(value_error(rows, true, terms, mine), Place(*where, mine, true))
            for row, right in zip(grads, slopes):
                for grad, exact in zip(row, right):
                    slope = slope.with_one(slope_error(rows, float(grad), exact), Place(*where, grad, exact))
    return value, slope


# ---- the page ----------------------------------------------------------------------------------------------


def machine() -> str:
    """What our own figures depend on: the C library, and, as a checksum, what it computes on this processor."""
    said = " ".join(COMPUTE[name](i / 512).hex() for i in range(2000)
                    for name in ("exp", "expm1", "log1p", "sin", "tan", "tanh", "erf", "atan", "cbrt"))
    library = " ".join(platform.libc_ver()).strip() or "a C library of its own"
    return f"{platform.system()} {platform.machine()}, {library} (checksum {zlib.crc32(said.encode()):08x})"


def table(rows: Iterable[Row], versions: dict[str, str]) -> str:
    shown = [name for name in ENGINES if name == OURS or not versions[name].startswith("not")]
    titles = [what if name == OURS else name for what in ("value", "gradient") for name in shown]
    lines = [f"| op | points | {' | '.join(titles)} |", "|---|---:|" + "---:|" * (2 * len(shown))]
    for row in sorted(rows):
        cells = [str(pair[i]) if (pair := row.worst[name]) else "–" for i in (0, 1) for name in shown]
        lines.append(f"| `{row.op}` | {row.count:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def behind(rows: Iterable[Row]) -> list[str]:
    """A line for each op and peer where we lose more, or are further off."""
    lines = []
    for row in sorted(rows):
        for name in PEERS:
            for i, what in enumerate(("value", "gradient")):
                mine, theirs = row.worst[OURS][i], (row.worst.get(name) or row.worst[OURS])[i]       # type: ignore[index]
                if mine.lost > theirs.lost or (mine.lost == theirs.lost and mine.error > theirs.error + NOISE):
                    lines.append(f"| `{row.op}` | {what} | {mine} | {name}: {theirs} | `{mine.lost_at or mine.at}` |")
    return lines


def examples(rows: Iterable[Row]) -> list[str]:
    """Where a peer is more than 4 ULP off, or loses the number: its first such point."""
    lines = []
    for row in sorted(rows):
        for name in PEERS:
            for what, worst in zip(("value", "gradient"), row.worst.get(name) or ()):
                if worst.lost or worst.error > 4:
                    lines.append(f"| `{row.op}` | {name} | {what} | `{worst.lost_at or worst.at}` |")
    return lines


def page(single: list[Row], on_rows: list[Row], versions: dict[str, str], on_logits: Iterable[Row] = ()) -> str:
    text = Path(__file__).with_name("accuracy_page.md").read_text(encoding="utf-8")
    all_rows = [*single, *on_rows, *on_logits]
    parts = {
        "MACHINE": machine(), "VERSIONS": "; ".join(f"{name}: {version}" for name, version in versions.items()),
        "TABLE": table(single, versions), "ROWS": table(on_rows, versions), "LOGITS": table(on_logits, versions),
        "BEHIND": "\n".join(behind(all_rows)) or "| nowhere | | | | |",
        "EXAMPLES": "\n".join(map(shortened, examples(all_rows))) or "| none measured | | | |",
    }
    for name, part in parts.items():
        text = text.replace(f"@{name}@", part)
    return text


def shortened(line: str, limit: int = 180) -> str:
    return line if len(line) <= limit else f"{line[:limit - 60]} … {line[line.rindex('): '):]}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=(
        "Measure how many units in the last place every op is off, beside PyTorch and JAX."))
    parser.add_argument("--write", metavar="FILE", type=Path, help="write the page there instead of printing it")
    args = parser.parse_args()
    from benchmarks import derivatives
    from benchmarks.marks import with_table
    versions, peers = installed_peers()
    engines = {OURS: ours, **peers}
    single, on_rows, on_logits = [], [], []
    for op in filter(is_defined, tg.OPS.values()):
        print(op.name, file=sys.stderr, flush=True)
        if op.name in SOFTMAX:
            on_logits.append(measured_logits(op, engines))
        else:
            (on_rows if op.rows else single).append((measured_rows if op.rows else measured)(op, engines))
    text = page(single, on_rows, versions, on_logits)
    text = with_table(text, derivatives.MARKS, derivatives.tables(derivatives.measured()))
    if args.write:
        args.write.write_text(text, encoding="utf-8", newline="\n")
    else:
        print(text)


if __name__ == "__main__":
    main()
