"""The same bytes from every process, whatever its hash seed: values, gradients, trained weights, pictures, pages.

Default: three processes; `pytest -m long tests/test_determinism.py`: twenty.
"""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import hashlib, tempfile
from functools import partial
from pathlib import Path
import tinygrad_edu as tg
from tinygrad_edu.learn.named import optimizers_by_name

told = hashlib.sha256()
def tell(*things):
    told.update(repr(things).encode())

f = tg.expression("q = logsumexp(a, b, a*b); r = max(a, b, 1) * tanh(a) + hypot(a, b); q*r + gelu(b) - erf(a)/softmax_cross_entropy([a, b, c], [0.2, 0.5, 0.3])",
                  a=1.25, b=-2.5, c=0.1)
f.backward()
for node in tg.topological_order(f):
    tell(node.data.hex(), node.grad.hex(), node.op, node.label, [g.hex() for g in node.local_grads])
for name, op in tg.OPS.items():
    tell(name, *[tg.source(op, language) for language in ("python", "c", "javascript", "latex")])
second = tg.replay(f, tg.Value)
tell(tg.symbolic(f), tg.exact(tg.expression("(x + y)**3 / x", x=0.1, y=7)), {name: second[name].data.hex() for name in "abc"})

data = tg.data.xor(24, seed=0)
options = [partial(tg.SGD, momentum=0.9, dampening=0.5), partial(tg.RMSprop, centered=True), partial(tg.AdamW, amsgrad=True)]
for optimizer in [*optimizers_by_name().values(), *options]:
    model = tg.MLP(2, [4, 2], activation="tanh", rng=0)
    history = tg.fit(model, data.inputs, data.targets, optimizer=optimizer(model.parameters(), lr=0.05), epochs=3, progress=False)
    tell(getattr(optimizer, "__name__", "with options"), [x.hex() for x in model.state_dict().values()], [x.hex() for x in history.loss])
with tempfile.TemporaryDirectory() as folder:
    told.update(tg.save(model, Path(folder) / "model.json", about={"names": ["b", "a"]}).read_bytes())

network = tg.mse(tg.MLP(2, [3, 1], rng=0)([1.0, 2.0]), 0.5)
network.backward()
for graph in (f, network):
    for layout in ("embedded", "simple"):
        told.update(tg.draw(graph, layout=layout).svg.encode())
    told.update((tg.play(graph).html + str(tg.steps(graph)) + tg.to_graphviz(graph).source).encode())
told.update(tg.draw(network, fold="layer").svg.encode())
for bad in ("tnah(a)", "a +", "b * c"):
    try:
        tg.expression(bad, a=1)
    except tg.ExpressionError as error:
        told.update(str(error).encode())
print(told.hexdigest())
"""


def hashes(seeds):
    """What processes of these hash seeds print."""
    return {subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True,
                           env={**os.environ, "PYTHONSAFEPATH": "1", "PYTHONHASHSEED": str(seed)}).stdout for seed in seeds}


def test_three_processes_agree_on_every_bit():
    assert len(hashes(["0", "1", "random"])) == 1


@pytest.mark.long
def test_twenty_processes_agree_on_every_bit():
    assert len(hashes([*range(2, 20), "random", "random"])) == 1


def test_an_order_that_depends_on_the_seed_would_be_noticed(monkeypatch):
    planted = SCRIPT.replace("print(told", "tell({'a', 'b', 'c', 'd', 'e', 'f', 'g'})\nprint(told")
    monkeypatch.setitem(globals(), "SCRIPT", planted)
    assert len(hashes(["0", "1"])) == 2
