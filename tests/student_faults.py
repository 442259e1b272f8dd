"""What is in the folder student_engines, and what a grader is to find in it.

Each file is right, as far as its shape goes: what most engines do not stand (a second backward, depth) is in the table.
`FAULTS` are the same files with one typical fault each: a piece of text that is exchanged.
"""

from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "student_engines"
DEEP, TWICE = {"deep-chain"}, {"second-backward"}

SUBMISSIONS: dict[str, set[str]] = {
    "array_gradient.py": DEEP,
    "closures.py": DEEP | TWICE,
    "dataclass_node.py": DEEP | TWICE,
    "duals.py": set(),
    "equal_floats.py": DEEP,
    "forward_dict.py": set(),
    "french_names.py": DEEP | TWICE,
    "function_classes.py": DEEP,
    "local_gradients.py": set(),
    "module_backward.py": DEEP,
    "name_first.py": DEEP | {"doublings-path"},             # the names of its nodes double, too
    "notebook.ipynb": DEEP | TWICE,
    "operator_functions.py": DEEP,
    "package/littlegrad/scalar.py": DEEP | TWICE,
    "path_by_path.py": DEEP | {"doublings-path"},
    "pull.py": DEEP,
    "pull_partial.py": set(),
    "registry.py": set(),
    "requires_grad.py": DEEP,
    "returns_dict.py": set(),
    "seeded_by_hand.py": TWICE,
    "slots.py": DEEP,
    "spellings.py": DEEP | {"extremes-sigmoid"},
    "tensor_only.py": DEEP,
    "trains_at_top.py": DEEP,
    "underscore_data.py": DEEP | TWICE,
    "value_derivative.py": DEEP | TWICE,
}
"""The finished files, and the checks that each fails in any tier."""

UNFINISHED = ("unfinished_pass.py", "unfinished_raises.py")

ADAPTERS = {
    "operator_functions.py": "operators={'+': Add.apply, '*': Mul.apply, 'tanh': Tanh.apply}",
    "tensor_only.py": "leaf=Tensor([x]); data=v.numbers[0]; grad=v.gradient[0]; backward=out.backward([1.0])",
}
"""The one line that some need."""


class Fault(NamedTuple):
    """A file in which a piece of text is exchanged, and the checks that find it, besides those of the file itself."""

    name: str
    file: str
    right: str
    wrong: str
    found_by: set[str]
    folder: str = "student_engines"

    @property
    def source(self) -> str:
        """The faulty file."""
        source = (Path(__file__).parent / self.folder / self.file).read_text(encoding="utf-8")
        assert source.count(self.right) == 1, f"{self.name}: {source.count(self.right)} times {self.right!r} in {self.file}"
        return source.replace(self.right, self.wrong)


ALL_DERIVATIVES = {f"derivative-{op}" for op in (
    "add", "sub", "mul", "div", "pow", "neg", "relu", "tanh", "exp", "log", "sigmoid", "abs", "sin", "cos", "sqrt")}
NO_NUMBERS = {"forward-sub", "forward-neg", *(f"{side}-{op}" for side in ("reflected", "constant") for op in ("add", "mul", "div"))}

FAULTS = (
    Fault("2 - a is a - 2", "closures.py", "return other + (-self)", "return self - other", {"reflected-sub"}),
    Fault("2 / a is a / 2", "dataclass_node.py", "return as_node(other) / self", "return self / other", {"reflected-div"}),
    Fault("no 2 - a", "trains_at_top.py", "def __rsub__", "def minus", set()),
    Fault("exponent", "value_derivative.py", "if self.value > 0:", "if False:", {"derivative-exponent"}),
    Fault("= in exp alone", "closures.py", "self.grad += out.data * out.grad", "self.grad = out.data * out.grad", {"chain-exp"}),
    Fault("= everywhere", "dataclass_node.py", "parent.grad += node.grad * slope", "parent.grad = node.grad * slope", {"reuse-leaves"}),
    Fault("seed at the first leaf", "local_gradients.py", "        self.grad = 1.0\n        for", "        order[0].grad = 1.0\n        for", ALL_DERIVATIVES),
    Fault("recursion without order", "dataclass_node.py", "            if id(node) in seen:\n                return\n", "", {"reuse-leaves"}),
    Fault("forward order", "spellings.py", "for v in reversed(order):", "for v in order:", {"reuse-leaves"}),
    Fault("edges in a dict", "local_gradients.py", "in zip(node.parents, node.slopes):", "in dict(zip(node.parents, node.slopes)).items():", {"reuse-leaves"}),
    Fault("tanh: 1 - x²", "value_derivative.py", "1 - t ** 2", "1 - self.value ** 2", {"derivative-tanh"}),
    Fault("relu': always 1", "function_classes.py", "g if ctx.saved[0] else 0.0", "g", {"derivative-relu"}),
    Fault("a - b: sign", "module_backward.py", "def __sub__(self, other): return combine(self, other, lambda a, b: (a - b, 1, -1))", "def __sub__(self, other): return combine(self, other, lambda a, b: (a - b, 1, 1))", {"derivative-sub"}),
    Fault("-a cuts the graph", "underscore_data.py", "Scalar(-self._data, (self,), (-1.0,))", "Scalar(-self._data)", {"derivative-neg"}),
    Fault("quotient rule: sign", "duals.py", "self.dual * other.real - self.real * other.dual", "self.dual * other.real + self.real * other.dual", {"derivative-div"}),
    Fault("not squared", "forward_dict.py", "-self.val / other.val ** 2", "-self.val / other.val", {"derivative-div"}),
    Fault("nodes equal by value", "function_classes.py", "    def backward(self, grad=1.0):", "    def __eq__(self, other): return self.data == other.data\n    def __hash__(self): return hash(self.data)\n\n    def backward(self, grad=1.0):", {"derivative-relu", "reuse-leaves"}),
    Fault("power not lowered", "pull_partial.py", "n * self.real ** (n - 1)", "n * self.real ** n", {"derivative-pow"}),
    Fault("single precision", "array_gradient.py", "np.array([data], float)", "np.array([data], np.float32)", {"forward-div", "forward-exp", "extremes-relu"}),
    Fault("no plain numbers", "name_first.py", "return x if isinstance(x, Node) else Node(str(x), x)", "return x", NO_NUMBERS),
    Fault("whole division", "module_backward.py", "def __truediv__(self, other): return combine(self, other, lambda a, b: (a / b,", "def __truediv__(self, other): return combine(self, other, lambda a, b: (a // b,", {"forward-div"}),
    Fault("gradients of a dict lost", "returns_dict.py", "grads.get(source, 0.0) + slope", "slope", {"reuse-leaves"}),
    Fault("pull: one child", "pull.py", "sum(weight * child.grad() for weight, child in self.children)", "[weight * child.grad() for weight, child in self.children][-1]", {"reuse-leaves"}),
    Fault("taken for an array", "slots.py", "    def relu(self):", "    def __len__(self): return 1\n    def __getitem__(self, i): return self\n\n    def relu(self):", {"numbers-left"}),
    Fault("mul: factors exchanged", "tensor_only.py", "[(self, other.numbers), (other, self.numbers)]", "[(self, self.numbers), (other, other.numbers)]", {"derivative-mul"}),
)

HANGS = ("closures.py", "        for v in reversed(order):\n", "        while True:\n            v = self\n")


def class_of(folder: Path, count: int = 60) -> list[Path]:
    """Write the files of a class that need no adapter: right ones, faulty ones, unfinished ones, one that hangs."""
    alone = [file for file in SUBMISSIONS if file not in ADAPTERS and "/" not in file]
    texts = [(file, (FOLDER / file).read_text(encoding="utf-8")) for file in (*alone, *UNFINISHED)]
    texts += [(fault.file, fault.source) for fault in FAULTS if fault.file in alone]
    hanging = Fault("hangs", *HANGS, set())
    texts = [texts[i % len(texts)] for i in range(count - 1)] + [(hanging.file, hanging.source)]
    written = [folder / f"student-{i:02}{Path(file).suffix}" for i, (file, _) in enumerate(texts, 1)]
    for path, (_, text) in zip(written, texts):
        path.write_text(text, encoding="utf-8")
    return written


if __name__ == "__main__":
    import sys
    print(len(class_of(Path(sys.argv[1]))), "files written")
