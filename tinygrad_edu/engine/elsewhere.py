"""Names of micrograd and PyTorch that have no twin here: whoever asks for one is told what to write.

Nothing else reads these tables.  Unlike `__getattr__`, a `Missing` costs the other attributes of a class nothing.
"""

import sys
from typing import Any, NoReturn

from .number import ALL_DIGITS, format_number

Node = Any                      # a Value of either engine

SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "remainder": "%", "floor_divide": "//", "neg": "-",
         "pow": "**", "square": "**2", "relu": "ReLU"}

ONE_NUMBER = "a Value is one number, and a list of Values has a len"
IN_PLACE = "set the number of a leaf, as in v.data += 1.0"
NO_DEVICE = "there is no device to choose here: leave it out"
OF_VALUES = {
    "_backward": "v.backward() walks the whole graph, and tg.steps(v) shows what each node passes on",
    "_children": "v.parents are the nodes it was made from",
    "requires_grad": "a Value takes gradients unless v.is_constant is True, which may be set",
    "requires_grad_": "set v.is_constant = False, or True to freeze a leaf",
    "grad_fn": "v.op is the name of the operation, and v.parents are its inputs",
    "is_leaf": "a leaf is a Value whose v.parents are ()",
    "retain_grad": "every node keeps its grad",
    "numpy": "v.data is the number, and np.array([v.data for v in values]) an array of several",
    "tolist": "v.data is the number",
    "clone": "+v is a node of its own with the same number",
    "detach_": "v.detach() is the same number as a constant",
    "zero_": "write v.data = 0.0, or v.grad = 0.0",
    **dict.fromkeys(["add_", "sub_", "mul_", "div_", "copy_", "fill_"], IN_PLACE),
    **dict.fromkeys(["size", "shape", "view", "reshape", "T"], ONE_NUMBER),
    **dict.fromkeys(["to", "cpu", "cuda", "device"], NO_DEVICE),
    **{name: f"write tg.{name}([...]) of a list of Values"
       for name in ("sum", "mean", "max", "min", "prod", "std", "var", "norm")},
    "matmul": "write tg.dot(row, x), for each row of a matrix",
}

OF_NETWORKS = {
    **dict.fromkeys(["to", "cpu", "cuda"], NO_DEVICE),
    "requires_grad_": "write model.freeze(), or model.freeze(False)",
    "children": "model.modules() are the model and all modules within it",
}

VALUES = "Value(2.0) is one number, and [Value(x) for x in row] a row of them"
OF_MODULES = {
    **dict.fromkeys(["tensor", "Tensor", "from_numpy", "zeros", "ones", "randn", "Parameter"], VALUES),
    "Linear": "write tg.Layer(inputs, outputs), which has no activation unless you name one",
    "ModuleList": "an attribute that is a plain list of modules will do",
    **{theirs: f'write tg.{ours}(x), or activation="{ours}" of tg.MLP and tg.Layer' for theirs, ours in {
        "ReLU": "relu", "LeakyReLU": "leaky_relu", "ELU": "elu", "GELU": "gelu", "SiLU": "silu", "Tanh": "tanh",
        "Sigmoid": "sigmoid", "LogSigmoid": "log_sigmoid", "Softplus": "softplus", "Softsign": "softsign",
    }.items()},
    "Softmax": "write tg.softmax(logits)", "LogSoftmax": "write tg.log_softmax(logits)",
    **{theirs: f"write tg.{ours}(predictions, targets)" for ours, names in {
        "mse": "MSELoss mse_loss", "mae": "L1Loss l1_loss", "huber": "HuberLoss huber_loss",
        "smooth_l1": "SmoothL1Loss smooth_l1_loss", "bce": "BCELoss binary_cross_entropy",
        "kl_divergence": "KLDivLoss kl_div", "nll": "NLLLoss nll_loss",
        "bce_with_logits": "BCEWithLogitsLoss binary_cross_entropy_with_logits", "cross_entropy": "CrossEntropyLoss",
    }.items() for theirs in names.split()},
    **dict.fromkeys(["MarginRankingLoss", "margin_ranking_loss"], "write tg.margin_ranking(first, second, targets)"),
    "functional": "the functions stand in tinygrad_edu itself: tg.relu, tg.softmax, tg.cross_entropy",
    "init": 'say it where weights are made: tg.MLP(2, [3], init="he")',
    "autograd": "v.backward() fills in the gradients, and tg.grad(f)(x) is that of a function",
    **dict.fromkeys(["enable_grad", "set_grad_enabled", "inference_mode"], "gradients are on but within tg.no_grad()"),
    "manual_seed": "give the seed where it is used: tg.MLP(2, [3], rng=0), tg.fit(..., seed=0)",
    **dict.fromkeys(["matmul", "mm", "mv"], "write [tg.dot(row, x) for row in matrix]"),
    **dict.fromkeys(["cat", "stack"], "rows of Values are plain lists: a + b, [a, b]"),
    "argmax": "write max(range(len(row)), key=lambda i: row[i].data)",
    "utils": "clipping stands in tinygrad_edu itself: tg.clip_gradients_by_norm(parameters, limit)",
    "clip_grad_norm_": "write tg.clip_gradients_by_norm(parameters, limit)",
    "clip_grad_value_": "write tg.clip_gradients_by_value(parameters, limit)",
    **dict.fromkeys(["arange", "linspace"], "rows of numbers are plain lists, or arrays of numpy"),
    **dict.fromkeys(["DataLoader", "Dataset"],
                    "inputs and targets are plain lists or arrays: tg.fit(..., batch_size=16), or tg.data.batches"),
    **{f"arc{name}": f"write tg.a{name}(x)" for name in ("sin", "cos", "tan", "tan2", "sinh", "cosh", "tanh")},
}
OF_PACKAGE = {**OF_MODULES, "optim": "the optimizers stand in tinygrad_edu itself: tg.SGD, tg.Adam",
              "lr_scheduler": "write optimizer.lr = ... between steps, or a schedule of tg.schedules"}


class Missing:
    """Stands in a class for an attribute that its like has elsewhere; to `hasattr` it is not there.

    An instance of a subclass may have one of this name.
    """

    def __init__(self, whose: str, name: str, instead: str):
        self.name = name
        self.__doc__ = f"a {whose} has no {name}: {instead}"           # also what help(Value) says of it

    def __get__(self, node: Any, kind: type | None = None) -> Any:
        if self.name not in getattr(node, "__dict__", ()):
            raise AttributeError(self.__doc__)
        return vars(node)[self.name]

    def __set__(self, node: Any, new: Any) -> None:
        if not hasattr(node, "__dict__"):
            raise AttributeError(self.__doc__)
        vars(node)[self.name] = new


def refuse_name(module: str, name: str, instead: dict[str, str] = OF_MODULES) -> NoReturn:
    """Say what to write instead of a name that a module does not have: what `__getattr__` of a module does.

    `from module import name` drops the words of an AttributeError, so there they are those of an ImportError.
    """
    if name not in instead:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    is_import = sys._getframe(2).f_code.co_name == "_handle_fromlist"          # of importlib, which asks first
    raise (ImportError if is_import else AttributeError)(f"{module} has no {name}: {instead[name]}")


def sign_of(node: Node) -> str:
    """The operation as micrograd writes it: `+`, `**3`, `ReLU`; the name of others, "" of a leaf."""
    if node.op == "power":
        return f"**{format_number(node.constants['n'], ALL_DIGITS)}"
    return SIGNS.get(node.op, node.op)
