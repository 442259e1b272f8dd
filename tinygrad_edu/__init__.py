"""tinygrad_edu: scalar reverse-mode automatic differentiation that shows every number.

>>> import tinygrad_edu as tg
>>> x, y, z = tg.Value(-2, label="x"), tg.Value(5, label="y"), tg.Value(-4, label="z")
>>> f = (x + y) * z
>>> f.backward()
>>> f.data, x.grad, y.grad, z.grad
(-12.0, -4.0, -4.0, 3.0)

`tg.steps(f)` lists every forward and backward step, `tg.draw(f)` is the graph as a picture,
`tg.play(f)` a page that walks through it,
`tg.symbolic(f)` and `tg.exact(f)` are its gradients as formulas and as fractions.
`tg.expression("(x + y) * z", x=-2, y=5, z=-4)` builds the same graph from text.
"""

import sys as _sys
import typing as _typing
from importlib import import_module as _import_module

from . import classroom
from .calculus.differences import Estimate, numeric_derivative
from .calculus.transforms import (
    derivative,
    grad,
    gradient_graph,
    hessian,
    hvp,
    jacobian,
    jvp,
    value_and_grad,
    vjp,
)
from .check.gradcheck import gradcheck
from .check.nonfinite import FirstNonfinite, first_nonfinite
from .check.report import Finding, GradientCheck
from .classroom.cost import Cost, cost
from .classroom.explain import Explanation, explain
from .classroom.predict import predict
from .engine import elsewhere as _elsewhere
from .engine.composites import (
    cumsum,
    log_softmax,
    maxout,
    mish,
    scaled_relu,
    selu,
    softmax,
    softmin,
    std,
    var,
)
from .engine.declare import op
from .engine.domain import BENT, KINKED, NONZERO, POSITIVE, REAL, UNIT, Interval
from .engine.errors import (
    DomainError,
    ExpressionError,
    ExpressionWarning,
    GradientError,
    NotRationalError,
    PoleError,
    RangeError,
    ReplayError,
    errstate,
    no_grad,
)
from .engine.more_ops import (
    ceil,
    floor,
    floor_divide,
    log_base,
    log_softmax_at,
    logaddexp,
    logit,
    norm,
    normal_cdf,
    reciprocal,
    remainder,
    softmax_at,
    xlogy,
)
from .engine.more_ops import round as round
from .engine.op import OPS, Op
from .engine.ops import abs as abs
from .engine.ops import (
    acos,
    acosh,
    add,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    cbrt,
    clip,
    cos,
    cosh,
    div,
    dot,
    elu,
    equal,
    erf,
    erfc,
    exp,
    exp2,
    expm1,
    gelu,
    greater,
    greater_equal,
    hypot,
    identity,
    leaky_relu,
    less,
    less_equal,
    log,
    log1p,
    log2,
    log10,
    log_sigmoid,
    logsumexp,
    maximum,
    mean,
    minimum,
    mul,
    neg,
    not_equal,
    power,
    prod,
    relu,
    sigmoid,
    sign,
    silu,
    sin,
    sinc,
    sinh,
    softmax_cross_entropy,
    softplus,
    softsign,
    sqrt,
    square,
    step,
    sub,
    tan,
    tanh,
    where,
)
from .engine.ops import max as max
from .engine.ops import min as min
from .engine.ops import sum as sum
from .engine.origin import Origin, trace_origin
from .engine.replay import Replay, replay
from .engine.value import Value, engine_name, leaves, live_values, topological_order
from .engine.value import pow as pow
from .fast.program import Program
from .fast.program import compile as compile
from .fast.trace import TraceError
from .learn import data
from .learn.animation import animate_training
from .learn.fit import fit
from .learn.history import History
from .learn.runs import Runs
from .learn.sanity import check_training
from .learn.sweep import sweep
from .nn import schedules
from .nn.export.from_torch import from_torch
from .nn.export.script import script
from .nn.export.to_torch import to_torch
from .nn.losses import (
    bce,
    bce_with_logits,
    brier,
    cross_entropy,
    half_squared_error,
    hinge,
    huber,
    kl_divergence,
    mae,
    margin_ranking,
    mse,
    nll,
    smooth_l1,
    sum_squared_error,
)
from .nn.modules import MLP, Dropout, Layer, Maxout, Module, Neuron, Sequential
from .nn.optim import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    Lion,
    Momentum,
    Nesterov,
    Optimizer,
    RMSprop,
    clip_gradients_by_norm,
    clip_gradients_by_value,
)
from .nn.penalties import L1, L2
from .nn.weights import WeightFileError, load, save
from .show import plots
from .show.dot import to_graphviz
from .show.draw import draw
from .show.drawing import Drawing
from .show.frames import Frames, frames
from .show.language import languages, set_language
from .show.live import play
from .show.page import Page
from .show.scopes import scope
from .show.steps import Event, Steps, steps
from .symbols.expression import expression
from .symbols.named import names
from .symbols.source import source
from .symbols.symbolic import exact, symbolic

__version__ = "0.2.0"

# Where these modules stood in version 0.1: its pickles, and imports from there, find them until the next version.
for _then, _now in {"calculus": "calculus.transforms", "expression": "symbols.expression",
                    "gradcheck": "check.gradcheck", "nonfinite": "check.nonfinite",
                    "numeric": "calculus.differences", "symbolic": "symbols.symbolic"}.items():
    _sys.modules[f"{__name__}.engine.{_then}"] = _sys.modules[f"{__name__}.{_now}"]

# Python has these names too: tg.max is ours, while `from tinygrad_edu import *` leaves Python's max alone.
_python_has_too = ["abs", "compile", "max", "min", "pow", "round", "sum"]

__all__ = [
    "Adadelta", "Adagrad", "Adam", "AdamW", "BENT", "Cost", "DomainError", "Drawing", "Dropout", "Estimate", "Event",
    "Explanation", "ExpressionError", "ExpressionWarning", "Finding", "FirstNonfinite", "Frames", "GradientCheck",
    "GradientError", "History",
    "Interval", "KINKED", "L1", "L2", "Layer", "Lion", "MLP", "Maxout", "Module", "Momentum", "NONZERO", "Nesterov",
    "Neuron", "NotRationalError", "OPS", "Op", "Optimizer", "Origin", "POSITIVE", "Page", "PoleError", "Program",
    "REAL", "RMSprop", "RangeError", "Replay", "ReplayError", "Runs", "SGD", "Sequential", "Steps",
    "TraceError", "UNIT", "Value", "WeightFileError",
    "acos", "acosh", "add", "animate_training", "asin", "asinh", "atan", "atan2", "atanh", "bce", "bce_with_logits",
    "brier", "cbrt", "ceil", "check_training",
    "classroom", "clip", "clip_gradients_by_norm", "clip_gradients_by_value", "cos",
    "cosh", "cost", "cross_entropy", "cumsum", "data", "derivative", "div", "dot", "draw", "elu", "engine_name",
    "equal", "erf", "erfc", "errstate", "exact", "exp", "exp2", "explain", "expm1", "expression", "first_nonfinite",
    "fit", "floor", "floor_divide", "frames", "from_torch",
    "gelu", "grad", "gradcheck", "gradient_graph", "greater", "greater_equal", "half_squared_error",
    "hessian", "hinge", "huber", "hvp", "hypot", "identity", "jacobian", "jvp", "kl_divergence", "languages",
    "leaky_relu", "leaves",
    "less", "less_equal", "live_values", "load", "log", "log10", "log1p", "log2", "log_base", "log_sigmoid",
    "log_softmax", "log_softmax_at", "logaddexp", "logit", "logsumexp", "mae", "margin_ranking", "maximum",
    "maxout", "mean", "minimum",
    "mish", "mse", "mul", "names", "neg", "nll", "no_grad", "norm", "normal_cdf", "not_equal", "numeric_derivative",
    "op", "play", "plots", "power", "predict", "prod", "reciprocal", "relu", "remainder", "replay", "save",
    "scaled_relu",
    "schedules", "scope", "script", "selu", "set_language", "sigmoid", "sign", "silu", "sin", "sinc", "sinh",
    "smooth_l1", "softmax",
    "softmax_at",
    "softmax_cross_entropy", "softmin", "softplus", "softsign", "source", "sqrt", "square", "std", "step", "steps",
    "sub", "sum_squared_error", "sweep", "symbolic", "tan", "tanh", "to_graphviz", "to_torch", "topological_order",
    "trace_origin", "value_and_grad", "var", "vjp", "where", "xlogy",
]

# These load scikit-learn, so they are fetched when they are asked for; `from tinygrad_edu import *` leaves them out.
# Where it is not installed, dir() does not have them either: `help(tg)` asks for all that it finds there.
_of_scikit_learn = ["Classifier", "Regressor"]

if _typing.TYPE_CHECKING:
    from .learn.estimators import Classifier as Classifier
    from .learn.estimators import Regressor as Regressor
else:                               # for a type checker, any name would be there
    def __dir__():
        from importlib.util import find_spec
        return [*globals(), *(_of_scikit_learn if find_spec("sklearn") else ())]

    def __getattr__(name):
        if name in _of_scikit_learn:
            return getattr(_import_module(".learn.estimators", __name__), name)
        _elsewhere.refuse_name(__name__, name, _elsewhere.OF_PACKAGE)
