"""The benchmark compares engines fairly only if both do the same work: that is tested here.

No test looks at a time.  The benchmark is not part of the package, so it is found by its place
beside the tests.
"""

import importlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

import tinygrad_edu as tg

SCRIPT = Path(__file__).resolve().parent.parent / "benchmarks" / "graph.py"
SIZES = [1, 2, 19, 20, 41, 1000]


def loaded():
    spec = importlib.util.spec_from_file_location("benchmarks_graph", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


graph = loaded()


class PlainValue:
    """The least that runs the graphs; nodes are kept in the order they were made."""

    made: list["PlainValue"]

    def __init__(self, data, edges=()):
        self.data, self.grad, self.edges = data, 0.0, edges
        self.made.append(self)

    def __add__(self, other):
        other = other if isinstance(other, PlainValue) else PlainValue(other)
        return PlainValue(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        other = other if isinstance(other, PlainValue) else PlainValue(other)
        return PlainValue(self.data * other.data, [(self, other.data), (other, self.data)])

    __radd__, __rmul__ = __add__, __mul__

    def relu(self):
        return PlainValue(max(self.data, 0.0), [(self, float(self.data > 0))])

    def backward(self):
        self.grad = 1.0
        for node in reversed(self.made):
            for parent, slope in node.edges:
                parent.grad += slope * node.grad


PEERS = [PlainValue]
if importlib.util.find_spec("micrograd"):
    PEERS.append(importlib.import_module("micrograd.engine").Value)


def reached(output, parents):
    """How many nodes the output was made from, itself included."""
    seen, stack = set(), [output]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack.extend(parents(node))
    return len(seen)


def parents_of(node):
    return node._prev if hasattr(node, "_prev") else [parent for parent, _ in node.edges]


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.__module__)
@pytest.mark.parametrize("operations", SIZES)
def test_every_engine_builds_the_same_graph_and_gets_the_same_gradients(peer, operations):
    PlainValue.made = []
    plan = graph.random_plan(seed=operations, operations=operations)
    (ours, our_leaves), (theirs, their_leaves) = graph.build(tg.Value, plan), graph.build(peer, plan)
    assert len(tg.topological_order(ours)) == reached(theirs, parents_of)
    assert tg.leaves(ours) and set(tg.leaves(ours)) == set(our_leaves)
    ours.backward()
    theirs.backward()
    assert ours.data == theirs.data
    assert [leaf.grad for leaf in our_leaves] == pytest.approx([leaf.grad for leaf in their_leaves], rel=1e-12)


@pytest.mark.parametrize("operations", SIZES)
def test_a_graph_has_exactly_the_operations_asked_for(operations):
    output, _ = graph.build(tg.Value, graph.random_plan(seed=1, operations=operations))
    assert sum(bool(node.parents) for node in tg.topological_order(output)) == operations


def test_the_same_seed_gives_the_same_graph_and_another_seed_another():
    assert graph.random_plan(3, 200) == graph.random_plan(3, 200) != graph.random_plan(4, 200)


def test_results_are_used_more_than_once():
    output, _ = graph.build(tg.Value, graph.random_plan(seed=2, operations=500))
    used = [parent for node in tg.topological_order(output) for parent in node.parents if parent.parents]
    assert len(used) > len(set(used))


def test_the_process_of_an_engine_prints_its_times_as_json():
    command = [sys.executable, "-P", str(SCRIPT), "tinygrad_edu", "--graphs", "3", "--operations", "50"]
    output = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert list(output) == ["engine", "version", "seconds", "results"]
    assert (output["engine"], output["version"]) == ("tinygrad_edu", tg.__version__)
    assert [type(x) for x in output["seconds"]] == [float] * 3
    result, gradients = graph.forward_backward(tg.Value, graph.random_plan(seed=2, operations=50))
    assert output["results"][2] == [result, sum(gradients)]


def test_results_are_the_same_but_for_the_order_of_additions():
    ours = {"results": [[0.3, 6.0], [2.0, 5.0]]}
    assert graph.same_results({"results": [[0.1 + 0.2, 6.0], [2.0, 5.0]]}, ours)
    assert not graph.same_results({"results": [[0.3, 6.0], [2.0, 5.001]]}, ours)


def test_a_peer_that_is_missing_is_named_with_the_remedy():
    missing = graph.Engine("no-such-engine", "no_such_engine.core", "pip install no-such-engine")
    with pytest.raises(SystemExit, match="not installed: pip install no-such-engine"):
        graph.value_class(missing)
