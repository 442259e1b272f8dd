"""A test of the tests: wrong engines, optimizers and losses, each of which the suite must catch.

Each bug is a change of one line in a copy of the package; the tests named beside it are run on that
copy and must fail.  All of it takes minutes: `pytest -m long`.  A few run by default.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tinygrad_edu

TESTS = Path(__file__).resolve().parent
PACKAGE = Path(tinygrad_edu.__file__).parent
UNCOPIED = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")       # the copy has no compiled engine, so that its lines count
QUICK = ("gradients are set instead of added", "Adam without bias correction", "cross-entropy of the wrong class")

BUGS = {    # name: (file, the line as it is, the line with the bug, the tests that must fail)
    "gradients are set instead of added": (
        "engine/value.py", "so_far(parent, 0.0) + upstream * local_grad", "upstream * local_grad", "test_exact_graphs"),
    "the sum starts from the gradient of the pass before": (
        "engine/value.py", "so_far(parent, 0.0) + upstream", "so_far(parent, parent._grad) + upstream", "test_value"),
    "leaves forget earlier passes": (
        "engine/value.py", "gradient if node._parents else node._grad + gradient", "gradient", "test_value"),
    "inner nodes keep earlier passes": (
        "engine/value.py", "gradient if node._parents else node._grad + gradient", "node._grad + gradient", "test_value"),
    "the first parent is walked first": (
        "engine/value.py", "parents, local_grads, i = node._parents, node._local_grads, len(node._parents)\n",
        "parents, local_grads, i = node._parents[::-1], node._local_grads[::-1], len(node._parents)\n", "test_laws"),
    "a copy forgets its gradients": (
        "engine/value.py", "Value.restored(type(node), node._data, node._grad, parents",
        "Value.restored(type(node), node._data, 0.0, parents", "test_machine"),
    "pickles lose a local gradient": (
        "engine/value.py", "tuple([nodes[i] for i in parents]), local_grads, op", "tuple([nodes[i] for i in parents]), local_grads[:1] * len(parents), op",
        "test_machine"),
    "a node is visited before all who use it": (
        "engine/value.py", "for node in reversed(order):\n        upstream", "for node in [order[-1], *order[:-1]]:\n        upstream",
        "test_exact_graphs"),
    "the seed is ignored": ("engine/value.py", "arrived = {order[-1]: seed}", "arrived = {order[-1]: 1.0}", "test_value"),
    "local gradients are not multiplied": (
        "engine/value.py", "so_far(parent, 0.0) + upstream * local_grad", "so_far(parent, 0.0) + local_grad", "test_exact_graphs"),
    "parents come twice into the order": (
        "engine/value.py", "elif node not in seen:\n            seen.add(node)", "elif node:\n            seen.add(node)", "test_value"),
    "an edge that was not taken is walked": (
        "engine/value.py", "if (local_grad or not node._op.selects) and (", "if (True) and (", "test_conventions"),
    "every edge of slope 0 is skipped": (
        "engine/value.py", "if (local_grad or not node._op.selects) and (", "if local_grad and (", "test_conventions"),
    "a bad gradient is let through": (
        "engine/value.py", "if errors.strict.get() and not all(", "if False and not all(", "test_conventions"),
    "relu has slope 1 at 0": ("engine/ops.py", "m.larger(x, 0), (m.where(x > 0, 1, 0),)", "m.larger(x, 0), (m.where(x >= 0, 1, 0),)",
                              "test_conventions"),
    "tanh with the slope 1 - t": (
        "engine/ops.py", "4 * e / ((1 + e) * (1 + e))", "1 - y", "test_finite_differences"),
    "tanh with the plain 1 - t²": (
        "engine/ops.py", "4 * e / ((1 + e) * (1 + e))", "1 - y * y", "test_accuracy"),
    "a quotient's slopes have the same sign": (
        "engine/ops.py", "-quotient / y", "quotient / y", "test_finite_differences"),
    "each of two equal maxima gets all of the gradient": (
        "engine/ops.py", "return m.larger(x, y), (share(x, y, x > y), share(x, y, y > x))",
        "return m.larger(x, y), (m.where(x >= y, 1, 0), m.where(y >= x, 1, 0))", "test_conventions"),
    "hypot overflows": ("engine/ops.py", "    scale = scale_for(x, y)\n    a, b = x * scale, y * scale\n    scaled",
                        "    scale = 1\n    a, b = x * scale, y * scale\n    scaled", "test_conventions"),
    "momentum without memory": (
        "nn/optim.py", 'memory["G"] = at.momentum * memory["G"] + g\n            return', 'memory["G"] = g\n            return', "test_optim"),
    "the two conventions of momentum are one": (
        "nn/optim.py", 'memory["step"] = at.momentum * memory["step"] - at.lr * g\n        return -memory["step"]',
        'memory["step"] = at.momentum * memory["step"] - g\n        return -at.lr * memory["step"]', "test_optim"),
    "Nesterov is plain momentum": (
        "nn/optim.py", 'return at.lr * (g + at.momentum * memory["G"])', 'return at.lr * memory["G"]', "test_optim"),
    "Adam without bias correction": (
        "nn/optim.py", 'm_hat = memory["m"] / (1 - beta1 ** memory["t"])', 'm_hat = memory["m"]', "test_optim"),
    "Adam with eps under the root": (
        "nn/optim.py", "m_hat / (math.sqrt(v_hat) + at.eps)", "m_hat / math.sqrt(v_hat + at.eps)", "test_optim"),
    "AdamW decays through the gradient": (
        "nn/optim.py", "w * (1 - at.lr * at.weight_decay) - self.step_for(g, memory, at)",
        "w - self.step_for(g + at.weight_decay * w, memory, at)", "test_optim"),
    "RMSprop forgets to square": (
        "nn/optim.py", "(1 - at.alpha) * g * g", "(1 - at.alpha) * abs(g)", "test_optim"),
    "weight decay climbs": ("nn/optim.py", "g + at.weight_decay * w, memory", "g - at.weight_decay * w, memory", "test_optim"),
    "some parameters move before a bad one is met": (
        "nn/optim.py", "            moves.append((p, before, after))", "            p.data = after\n            moves.append((p, before, after))",
        "test_optim"),
    "cross-entropy of the wrong class": (
        "nn/losses.py", "[float(i == place) for i in range(classes)]", "[float(i == classes - 1 - place) for i in range(classes)]",
        "test_losses"),
    "mean losses are sums": ("nn/losses.py", 'ops.mean(losses) if reduction == "mean"', 'ops.sum(losses) if reduction == "mean"',
                             "test_losses"),
    "the half squared error is whole": ("nn/losses.py", 'ops.div(mse(predictions, targets, "sum"), 2.0)', 'mse(predictions, targets, "sum")',
                                        "test_losses"),
    "KL with its arguments swapped": ("nn/losses.py", "ops.mul(a, ops.sub(ops.log(a), ops.log(b)))", "ops.mul(b, ops.sub(ops.log(b), ops.log(a)))",
                                      "test_losses"),
    "L2 without its half": ("nn/penalties.py", "self.strength / 2", "self.strength", "test_optim"),
    "dropout scales in training and in evaluation": (
        "nn/modules.py", "list(x) if self.inverted else", "[ops.mul(keep, e) for e in x] if self.inverted else", "test_nn"),
    "a state is loaded halfway": (
        "nn/modules.py", "        numbers = {name: Value(number).data for name, number in state.items()}\n        for name, parameter in parameters.items():\n"
        "            parameter.data = numbers[name]",
        "        for name, parameter in parameters.items():\n            parameter.data = Value(state[name]).data", "test_nn"),
    "replay forgets shared parents": (
        "engine/replay.py", "reached[parent] + part if parent in reached else part", "part", "test_exact_graphs"),
}


def copy_with(folder, bug):
    """A copy of the package with one bug in it."""
    file, line, wrong, _ = BUGS[bug]
    shutil.copytree(PACKAGE, folder / "tinygrad_edu", ignore=UNCOPIED)
    path = folder / "tinygrad_edu" / file
    source = path.read_text(encoding="utf-8")
    assert source.count(line) == 1, f"{bug}: the line stands {source.count(line)} times in {file}"
    path.write_text(source.replace(line, wrong), encoding="utf-8")


def outcome(folder, tests):
    """The exit code of pytest on the copy, and what it printed."""
    done = subprocess.run([sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", str(TESTS / f"{tests}.py")],
                          env={**os.environ, "PYTEST_ADDOPTS": "", "PYTHONPATH": str(folder), "HYPOTHESIS_STORAGE_DIRECTORY": str(folder)},
                          cwd=folder, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout


def rows():
    return [pytest.param(bug, id=bug, marks=[] if bug in QUICK else pytest.mark.long) for bug in BUGS]


@pytest.mark.parametrize("bug", rows())
def test_the_suite_catches(bug, tmp_path):
    copy_with(tmp_path, bug)
    code, printed = outcome(tmp_path, BUGS[bug][-1])
    assert code == 1, f"{bug} was not caught by {BUGS[bug][-1]}:\n{printed[-2000:]}"


@pytest.mark.long
@pytest.mark.parametrize("tests", sorted({bug[-1] for bug in BUGS.values()}))
def test_the_same_tests_pass_without_a_bug(tests, tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "tinygrad_edu", ignore=UNCOPIED)
    code, printed = outcome(tmp_path, tests)
    assert code == 0, printed[-2000:]


def explained():
    """(module, line) for every line whose mutants `docs/mutation.md` explains."""
    for section in (TESTS.parent / "docs" / "mutation.md").read_text(encoding="utf-8").split("\n## ")[1:]:
        for diff in section.split("```diff")[1:]:
            for line in diff.partition("```")[0].splitlines():
                if line.startswith("- "):
                    yield section.splitlines()[0], line[2:]


def test_the_lines_whose_mutants_are_explained_still_stand():
    rows = list(explained())
    assert rows
    for module, line in rows:
        source = (PACKAGE / f"{module}.py").read_text(encoding="utf-8")
        assert line in map(str.strip, source.splitlines()), f"{module}: there is no line {line}"
