"""Is a backward pass written by hand right?  A layer on NumPy arrays, compared with the scalar engine."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..calculus.differences import numeric_derivative
from ..engine.number import format_number, told_apart, truncate
from ..engine.value import Value
from .report import Finding, GradientCheck

as_numbers = np.frompyfunc(lambda v: v.data if isinstance(v, Value) else v, 1, 1)
as_gradients = np.frompyfunc(lambda v: v.grad, 1, 1)
as_values = np.frompyfunc(Value, 1, 1)


def check_transform(transform: Any, x: Any, labels: Any = None) -> GradientCheck:
    """Compare a layer's hand-written backward with the scalar engine, gradient by gradient.

    transform   a `Transform`, or a loss with forward(x, labels) and backward()
    x           an input for it, such as a few rows of random numbers
    labels      for a loss

    forward is run again on arrays of Values, with the parameters W and b of the layer, and of
    layers inside it, as Values too; so the engine differentiates exactly what forward computes, for
    L = Σ c · out with fixed random c (a loss is its own L).  backward is to return dL/dx, and to add
    dL/dW and dL/db to the attributes dW and db: the findings "after 2 passes" show whether it adds, and
    the others whether zerograd forgets.  W and b are attributes, or come from getW and getb and are
    set with loadparams.  The layer itself is left as it was.  There is a finding for each gradient.

    Plain NumPy runs on Values: + − * / ** @, exp, log, tanh, maximum, where, sum, mean, max ...
    Where forward does not (x * (x > 0) multiplies by a bool, np.var, a conversion to float), central
    differences are used, to six digits; the report says so, and why.  Keep x away from kinks: at 0,
    np.maximum(x, 0) on Values has slope 1, on central differences 1/2.

    Raises TypeError where a parameter has no gradient to compare.

    >>> from tinygrad_edu.nn.matrix_layers import LinearMap
    >>> class Transposed(LinearMap):
    ...     def backward(self, grad_wrt_out):
    ...         self.dW += (self.x.T @ grad_wrt_out).T
    ...         self.db += grad_wrt_out.sum(axis=0, keepdims=True)
    ...         return grad_wrt_out @ self.W.T
    >>> report = check_transform(Transposed(2, 2, rng=1), [[1.0, 2.0], [-1.0, 0.5]])
    >>> bool(report), [finding.name for finding in report.findings if not finding.ok]
    (False, ['W', 'W after 2 passes'])
    """
    probe = Probe(transform, np.array(x, float), () if labels is None else (np.array(labels, float),))
    passes = backward_passes(probe)
    try:
        truth = by_engine(probe)
    except Exception as error:      # whatever a student's forward makes of Values
        truth = by_central_differences(probe, error)
    findings = [compared(name, gradient, times, truth)
                for times, gradients in passes.items() for name, gradient in gradients.items()]
    return GradientCheck(findings, len(findings), type(transform).__name__, truth.against)


# ---- the layer as a function ----------------------------------------------------------------------------


class Probe:
    """A layer as a function of numbers: L = Σ c · out with fixed random c, or the loss that it is.

    point   x and the parameters, by name: where L is differentiated
    twin    a copy of the layer, after its forward pass there
    """

    def __init__(self, transform: Any, x: np.ndarray, labels: tuple):
        self.transform, self.labels = transform, labels
        self.point = {"x": x, **{name: np.array(p.read(), float) for name, p in parameters(transform).items()}}
        self.twin, self.output = self.forward(self.point)
        self.upstream = np.ones(()) if labels else np.random.default_rng(0).normal(size=self.output.shape)

    def forward(self, point: dict[str, np.ndarray]) -> tuple[Any, np.ndarray]:
        """A copy of the layer and its output at a point: copies all draw the same dropout mask."""
        twin = copy.deepcopy(self.transform)
        for name, parameter in parameters(twin).items():
            parameter.write(point[name].copy())
        drawn_so_far = np.random.get_state()        # for layers that draw from numpy's own generator
        try:
            return twin, np.asarray(twin.forward(point["x"].copy(), *self.labels))
        finally:
            np.random.set_state(drawn_so_far)

    def backward(self) -> Any:
        """What the copy's backward gives for dL/dx."""
        return self.twin.backward() if self.labels else self.twin.backward(self.upstream.copy())


@dataclass
class Parameter:
    """The W or b of a layer: how to read it, replace it, and find its gradient."""

    owner: Any
    letter: str

    def read(self) -> Any:
        if hasattr(self.owner, self.letter):
            return getattr(self.owner, self.letter)
        return getattr(self.owner, f"get{self.letter}")()

    def write(self, array: np.ndarray) -> None:
        if hasattr(self.owner, self.letter):
            setattr(self.owner, self.letter, array)
        else:
            both = {"W": self.owner.getW(), "b": self.owner.getb(), self.letter: array}
            self.owner.loadparams(both["W"], both["b"])

    def gradient(self) -> np.ndarray:
        if not hasattr(self.owner, f"d{self.letter}"):
            raise TypeError(f"{type(self.owner).__name__} has a {self.letter} but no gradient of it to compare: "
                            f"let backward add to an attribute d{self.letter}")
        return np.array(getattr(self.owner, f"d{self.letter}"), float)


def parameters(transform: Any, prefix: str = "") -> dict[str, Parameter]:
    """The parameters of a layer and of the layers inside it, by name: "W", "layers[0].b"."""
    inside = dict(layers_inside(transform))
    found = {name: p for path, layer in inside.items() for name, p in parameters(layer, f"{prefix}{path}.").items()}
    for letter in ("W", "b"):
        if hasattr(transform, letter) or (hasattr(transform, f"get{letter}") and not inside):
            found[prefix + letter] = Parameter(transform, letter)
    return found


def layers_inside(transform: Any) -> Iterator[tuple[str, Any]]:
    """What has a forward and a backward within a layer, alone or in lists, each once, with the name of its place."""
    seen: set[int] = set()
    for name, held in vars(transform).items():
        several = isinstance(held, list | tuple)
        for place, layer in [(f"{name}[{i}]", each) for i, each in enumerate(held)] if several else [(name, held)]:
            if hasattr(layer, "forward") and hasattr(layer, "backward") and id(layer) not in seen:
                seen.add(id(layer))
                yield place, layer


# ---- what it says, and what is true ---------------------------------------------------------------------


def backward_passes(probe: Probe) -> dict[int, dict[str, Any]]:
    """{1: what backward gives after one pass since zerograd, 2: after two}.

    The pass before zerograd leaves something to forget.
    """
    found = parameters(probe.twin)
    if not found:
        return {1: {"x": probe.backward()}}
    probe.backward()
    probe.twin.zerograd()
    once = {"x": probe.backward(), **{name: parameter.gradient() for name, parameter in found.items()}}
    probe.backward()
    return {1: once, 2: {name: parameter.gradient() for name, parameter in found.items()}}


class Truth(NamedTuple):
    """The gradients as they should be, where they come from, and how exact they are."""

    against: str
    gradients: dict[str, np.ndarray]
    relative: float
    absolute: float


def by_engine(probe: Probe) -> Truth:
    """The gradients from one backward of the scalar engine, through forward run on Values."""
    leaves = {name: as_values(array) for name, array in probe.point.items()}
    output = probe.forward(leaves)[1]
    if output.dtype != object:
        raise TypeError("it made plain numbers of them")
    data, expected = np.asarray(as_numbers(output), float), probe.output
    if data.shape != expected.shape or not np.allclose(data, expected, rtol=1e-9, atol=1e-12):
        raise ValueError("it computed something else from them than from floats")
    total = np.asarray(probe.upstream * output, object).sum()
    if isinstance(total, Value):            # a plain number, where no output depends on anything
        total.backward()
    grads = {name: np.asarray(as_gradients(array), float) for name, array in leaves.items()}
    return Truth("the scalar engine", grads, 1e-9, 1e-12)


def by_central_differences(probe: Probe, why: Exception) -> Truth:
    """The gradients from moving every number a little up and down."""
    def slope(name, index):
        def total(t):
            array = probe.point[name].copy()
            array[index] = t
            return float((probe.upstream * probe.forward({**probe.point, name: array})[1]).sum())
        return numeric_derivative(total, float(probe.point[name][index]), "central").value
    grads = {name: np.reshape([slope(name, index) for index in np.ndindex(array.shape)], array.shape)
             for name, array in probe.point.items()}
    reason = truncate(f"{type(why).__name__}: {why}".split("\n")[0], 100)
    return Truth(f"central differences (forward does not run on Values: {reason})", grads,
                 1e-6, 1e-8 * max(1.0, float(np.abs(probe.output).sum())))


def compared(name: str, gradient: Any, times: int, truth: Truth) -> Finding:
    """What there is to say of one gradient after so many passes, which is to be so many times the true one."""
    true: Any = times * truth.gradients[name]
    name += f" after {times} passes" if times > 1 else ""
    shape = None if gradient is None else np.shape(gradient)
    if shape != true.shape:
        trouble = "backward returns nothing" if shape is None else f"has shape {shape}, should have {true.shape}"
        return Finding("wrong", None, f"{name}: {trouble}", name=name)
    got = np.asarray(gradient, float)
    with np.errstate(invalid="ignore"):
        off = np.abs(got - true)
    index = tuple(int(i) for i in np.unravel_index(off.argmax(), off.shape))     # a nan counts as the largest
    stored, measured = float(got[index]), float(true[index])
    if off[index] <= truth.relative * np.abs(true).max() + truth.absolute:
        text = f"{name}, off by {format_number(off[index], 2)} at most"
        return Finding("right", None, text, None, stored, measured, name, index)
    ours, theirs = told_apart(stored, measured)
    text = f"{name} at {index}: backward says {ours}, but it should be {theirs}"
    return Finding("wrong", None, text, None, stored, measured, name, index)
