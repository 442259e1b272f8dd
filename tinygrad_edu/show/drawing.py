"""A finished picture, which notebooks show and `save` writes to a file: SVG, PNG or PDF."""

import warnings
from pathlib import Path
from typing import Any

from ..files import checked_ending, write_whole
from .export import KINDS, exported


class Drawing:
    """A finished picture.

    svg      its text
    layout   what placed the boxes: "embedded" (Graphviz), "dot", "simple" where neither runs, or "columns" of a network
    note     why the layout is simple, where nobody asked for that, or ""

    Notebooks show it; `save` writes it to a file.
    """

    note = ""                       # also of those that were pickled without one

    def __init__(self, svg: str, layout: str, title: str, note: str = ""):
        self.svg, self.layout, self.title, self.note = svg, layout, title, note

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over a pickled picture; those of version 0.1 have the layout under its former name."""
        vars(self).update({"layout" if name == "engine" else name: value for name, value in state.items()})

    @property
    def engine(self) -> str:
        """The former name of `layout`; the next version will not know it any more."""
        warnings.warn("engine, what placed the boxes of a picture, is now layout", DeprecationWarning, stacklevel=2)
        return self.layout

    def save(self, path: "str | Path", *, theme: str = "auto", scale: float = 2.0) -> Path:
        """Write the picture to a file that ends in .svg, .png or .pdf, and return its path.

        theme   "light", "dark", or "auto": SVG follows the mode of whoever looks at it, PNG and PDF are light
        scale   pixels of a PNG for each point of the picture: 1 as on a page, 2 for slides, 3 for paper

        ValueError for other endings; ModuleNotFoundError for PNG without the package resvg-py.
        """
        return write_whole(path, exported(self.svg, checked_ending(path, KINDS, "pictures"), theme, scale))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<drawing of {self.title}, placed by the {self.layout} layout, {len(self.svg)} characters of SVG>"
