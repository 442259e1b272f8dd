"""The graph as an object of the package graphviz, for those who want to change it."""

from pathlib import Path
from typing import TYPE_CHECKING

from ..engine.value import Value
from ..files import write_whole
from ..symbols.named import NamedGraph
from . import embedded
from .boxes import boxes_of, edges_of
from .folds import check_size, folded

if TYPE_CHECKING:
    import graphviz


def to_graphviz(output: Value, *, names: str = "auto") -> "graphviz.Digraph":
    """The graph as a `graphviz.Digraph`, for DOT, PDF or PNG, or to change it; `names` as in `draw`.

    SVG, DOT and JSON are made without the program `dot`; other formats need it.

    >>> graph = to_graphviz(Value(2.0, label="x") * 3)
    >>> graph.pipe(encoding="utf-8").count("<polygon")
    4
    """
    return graphviz_of(NamedGraph(output, names))


def graphviz_of(graph: NamedGraph) -> "graphviz.Digraph":
    """`to_graphviz`, for a graph that has its names."""
    import graphviz
    check_size(len(graph.nodes))
    groups = folded(graph.nodes, "none")
    boxes = boxes_of(graph, groups)
    font = {"fontname": "Courier"}              # whose widths Graphviz knows without any font installed
    made = digraph_class()(
        format="svg", graph_attr={"rankdir": "LR"}, node_attr={"shape": "box", **font}, edge_attr=font)
    for i, box in enumerate(boxes):
        head = f"{box.symbol}  {box.head}" if box.symbol else box.head
        lines = [head, *[f"{word} {number}" for word, number in box.rows]]
        more = {"style": "rounded"} if not box.symbol else {}
        if box.origin:
            more["tooltip"] = graphviz.escape(box.sentence)
        made.node(str(i), graphviz.escape("\n".join(lines)), _attributes=more)
    for edge, text in zip(*edges_of(graph, groups)):
        made.edge(str(edge.tail), str(edge.head), graphviz.escape(text))
    return made


def digraph_class() -> type:
    """`graphviz.Digraph` with the embedded Graphviz for what that can make."""
    import graphviz

    class Digraph(graphviz.Digraph):
        """A Digraph that needs no program `dot` for SVG."""

        def __repr__(self) -> str:
            return f"<graphviz.Digraph, {len(self.source.splitlines())} lines of DOT>"

        def pipe(self, format=None, encoding=None, **options):
            form = format or self.format
            if form not in ("svg", "dot", "json", "json0", "xdot", "plain") or options.get("engine"):
                return super().pipe(format=format, encoding=encoding, **options)
            made = embedded.render(self.source, form)
            return made.decode(encoding) if encoding else made

        def render(self, filename=None, directory=None, format=None, cleanup=False, outfile=None, **options):
            if (format or self.format) != "svg" or options:
                return super().render(filename=filename, directory=directory, format=format, cleanup=cleanup,
                                      outfile=outfile, **options)
            source = Path(self.save(filename, directory=directory))
            path = write_whole(outfile or f"{source}.svg", self.pipe(format="svg"))
            if cleanup:
                source.unlink()
            return str(path)
    return Digraph
