"""Plots where matplotlib is not installed, as in a browser: the words of its figures that `plots` speaks, as SVG.

A chart is plainer than a figure of matplotlib, and shows the same numbers.
"""

import math
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..engine.number import format_number
from ..engine.printer import escape
from ..files import checked_ending, write_whole
from .plane import BLACK, GREY, spaced
from .svg import at

Place = Callable[[float, float], tuple[float, float]]

LEFT, TOP, BOTTOM, GAP = 74, 34, 48, 26         # around the area of a panel, in points
AREA, HIGH, LINE = 470, 280, 20                 # the width and the height of the area, and the height of a line below
DASHED = {"-": "", "--": "8 4", "-.": "9 3 2 3", ":": "2 3"}
SHAPES = {
    "o": "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z", "s": "M-4-4h8v8h-8z", "D": "M0-5 5 0 0 5-5 0z", "^": "M0-5 5 4h-10z",
    "v": "M0 5 5-4h-10z", "P": "M-2-5h4v3h3v4h-3v3h-4v-3h-3v-4h3z",
    "X": "M-5-3-3-5 0-2 3-5 5-3 2 0 5 3 3 5 0 2-3 5-5 3-2 0z",
    "*": "M0-6 2-2 6-2 3 1 4 5 0 3-4 5-3 1-6-2-2-2z"}
BLUES = ("#08306b", "#1c5fa6", "#3f8fc5", "#74b3d8", "#a9cfe5", "#d0e2f2", "#eaf2fa")     # from low to high


class Axis:
    """One direction of a panel: its range, which grows with what is drawn until it is set, and its name."""

    def __init__(self) -> None:
        self.numbers: list[float] = []
        self.low = self.high = math.nan
        self.is_log = self.is_turned = False
        self.name = ""

    def add(self, numbers: Iterable[float]) -> None:
        self.numbers += [x for x in numbers if math.isfinite(x) and (x > 0 or not self.is_log)]

    def scaled(self, x: float) -> float:
        return (math.log10(x) if x > 0 else -math.inf) if self.is_log else x

    def ends(self) -> tuple[float, float]:
        """The range, with some room where it was not set."""
        kept = [self.scaled(x) for x in self.numbers if x > 0 or not self.is_log] or [0.0]
        room = (max(kept) - min(kept) or 1.0) / 20
        low = min(kept) - room if math.isnan(self.low) else self.scaled(self.low)
        high = max(kept) + room if math.isnan(self.high) else self.scaled(self.high)
        return low, high

    def share(self, x: float) -> float:
        """Where a number lies between the ends, from 0 to 1."""
        low, high = self.ends()
        part = (self.scaled(x) - low) / (high - low or 1.0)
        return 1 - part if self.is_turned else part

    def ticks(self) -> list[float]:
        """Round numbers at equal distances within the range; powers of ten where it is logarithmic."""
        low, high = self.ends()
        step = next(size * 10.0 ** power for power in range(-300, 300) for size in (1, 2, 5)
                    if (high - low) / (size * 10.0 ** power) <= 6)
        step = max(1.0, step) if self.is_log else step
        found = [step * i for i in range(math.ceil(low / step), math.floor(high / step) + 1)]
        return [10.0 ** x for x in found] if self.is_log else found


class Panel:
    """One area with two axes.  What is drawn waits, as functions of where numbers lie, until the ranges are known."""

    def __init__(self) -> None:
        self.x, self.y = Axis(), Axis()
        self.marks: list[Callable[[Place], str]] = []
        self.names: list[tuple[str, str]] = []          # of the legend: its mark, as SVG, and its text
        self.title = ""

    # ---- marks

    def plot(self, xs: Any, ys: Any, *, color: str = BLACK, linestyle: str = "-", linewidth: float = 2,
             label: str = "", marker: str = "", markersize: float = 4, markevery: int = 1) -> None:
        """A line through points, or one point; what is not finite leaves a gap."""
        points = list(zip(xs, ys)) if isinstance(xs, Iterable) else [(xs, ys)]
        self.x.add(x for x, _ in points)
        self.y.add(y for _, y in points)
        stroke = (f'fill="none" stroke="{color}" stroke-width="{at(linewidth)}"'
                  + f' stroke-dasharray="{DASHED.get(linestyle)}"' * bool(DASHED.get(linestyle)))

        def line(place: Place) -> str:
            shapes = "".join(shape(place(*point), marker, color) for point in points[::markevery]
                             if marker and finite(point))
            return f'<path d="{path(points, place)}" {stroke}/>{shapes}' if linestyle else shapes
        self.marks.append(line)
        key = f'<path d="M0 0h26" {stroke}/>' * bool(linestyle) + (shape((13, 0), marker, color) if marker else "")
        self.name(key, label)

    def scatter(self, xs: Sequence[float], ys: Sequence[float], *, color: str, marker: str, label: str = "",
                **look: Any) -> None:
        self.plot(xs, ys, color=color, linestyle="", marker=marker, label=label)

    def axhline(self, y: float, **look: Any) -> None:
        self.marks.append(lambda place: f'<path d="M0 {at(place(0, y)[1])}h{AREA}" stroke="{GREY}"/>')

    def axvline(self, x: float, **look: Any) -> None:
        self.marks.append(lambda place: f'<path d="M{at(place(x, 0)[0])} 0v{HIGH}" stroke="{GREY}"/>')

    def hist(self, numbers: Sequence[float], *, bins: Sequence[float], color: str, label: str = "",
             **look: Any) -> None:
        """How many numbers lie in each bin, as an outline."""
        width = bins[1] - bins[0]
        places = [min(int((x - bins[0]) / width), len(bins) - 2) for x in numbers]
        counts = [places.count(i) for i in range(len(bins) - 1)]
        corners = [(x, count) for i, count in enumerate(counts) for x in bins[i:i + 2]]
        outline = [(bins[0], 0), *corners, (bins[-1], 0)]
        self.plot([x for x, _ in outline], [y for _, y in outline], color=color, label=label)

    def quiver(self, xs: Any, ys: Any, dxs: Any, dys: Any, *, color: str, scale: float, **look: Any) -> None:
        """Arrows with their middles at these places."""
        for x, y, dx, dy in zip(xs, ys, dxs, dys):
            ends = [(x - dx / scale / 2, y - dy / scale / 2), (x + dx / scale / 2, y + dy / scale / 2)]
            self.plot([end[0] for end in ends], [end[1] for end in ends], color=color)
            self.plot(*ends[1], color=color, marker="o", linestyle="")

    def cells(self, xs: list[float], ys: list[float], colour: Callable[[int, int], str]) -> None:
        """A rectangle about each point of a grid, in a colour or in none; equal neighbours of a row are one."""
        self.x.low, self.x.high, self.y.low, self.y.high = xs[0], xs[-1], ys[0], ys[-1]

        def drawn(place: Place) -> str:
            lefts, tops = (edges(numbers) for numbers in (xs, ys))
            found = []
            for j in range(len(ys)):
                starts = [i for i in range(len(xs)) if not i or colour(i, j) != colour(i - 1, j)]
                for i, end in zip(starts, [*starts[1:], len(xs)]):
                    (x0, y0), (x1, y1) = place(lefts[i], tops[j + 1]), place(lefts[end], tops[j])
                    if colour(i, j):
                        box = f"M{at(x0)} {at(y0)}H{at(x1)}V{at(y1)}H{at(x0)}z"
                        found.append(f'<path d="{box}" fill="{colour(i, j)}"/>')
            return f'<g fill-opacity=".3" shape-rendering="crispEdges">{"".join(found)}</g>'
        self.marks.append(drawn)

    def contourf(self, xs: list[float], ys: list[float], heights: list[list[float]], *, levels: Sequence[float],
                 colors: Sequence[str] = (), **look: Any) -> None:
        """Where heights lie between the first and the last level, in one colour, or in a shade for each level."""
        def colour(i: int, j: int) -> str:
            height = heights[j][i]
            if not levels[0] <= height <= levels[-1]:
                return ""
            rank = sum(height >= level for level in levels) / len(levels)
            return colors[0] if colors else BLUES[min(int(rank * len(BLUES)), len(BLUES) - 1)]
        self.cells(xs, ys, colour)

    # ---- words and ranges, as matplotlib calls them

    def name(self, key: str, label: str) -> None:
        if label:
            self.names.append((key, label))

    def set_title(self, title: str, **look: Any) -> None:
        self.title = title

    def set_xlabel(self, name: str) -> None:
        self.x.name = name

    def set_ylabel(self, name: str) -> None:
        self.y.name = name

    def set_yscale(self, scale: str) -> None:
        self.y.is_log = scale == "log"

    def set_ylim(self, bottom: float, top: float = math.nan) -> None:
        self.y.low, self.y.high = bottom, top

    def set(self, xscale: str = "", yscale: str = "", xlim: Any = None, ylim: Any = None) -> None:
        self.x.is_log, self.y.is_log = xscale == "log", yscale == "log" or self.y.is_log
        if xlim and ylim:
            (self.x.low, self.x.high), (self.y.low, self.y.high) = xlim, ylim

    def only_in_matplotlib(self, *what: Any, **look: Any) -> None:
        """Borders as lines, places of legends, equal scales, whole ticks: a chart goes without."""

    contour = legend = set_aspect = locator_params = only_in_matplotlib

    def invert_xaxis(self) -> None:
        self.x.is_turned = True

    # ---- the panel itself

    def height(self) -> int:
        return TOP + HIGH + BOTTOM + LINE * len(self.names)

    def svg(self) -> str:
        """The panel; what lies outside of its area is cut off."""
        def place(x: float, y: float) -> tuple[float, float]:
            return AREA * self.x.share(x), HIGH * (1 - self.y.share(y))
        inside = "".join(mark(place) for mark in self.marks)
        legend = "".join(f'<g transform="translate(0 {HIGH + BOTTOM + LINE * i})">{key}{words(36, 4, label)}</g>'
                         for i, (key, label) in enumerate(self.names))
        return (f'{words(0, -14, self.title, weight="bold")}<svg width="{AREA}" height="{HIGH}">{inside}</svg>'
                f'<path d="M0 0V{HIGH}H{AREA}" fill="none" stroke="{GREY}"/>{self.scales()}{legend}'
                f'{words(AREA / 2, HIGH + 37, self.x.name, "middle")}'
                f'<g transform="translate(-58 {HIGH / 2}) rotate(-90)">{words(0, 0, self.y.name, "middle")}</g>')

    def scales(self) -> str:
        """The ticks of both axes with their numbers."""
        across = [(AREA * self.x.share(x), short(x)) for x in self.x.ticks()]
        up = [(HIGH * (1 - self.y.share(y)), short(y)) for y in self.y.ticks()]
        lines = [f"M{at(x)} {HIGH}v5" for x, _ in across] + [f"M-5 {at(y)}h5" for y, _ in up]
        numbers = [words(x, HIGH + 19, text, "middle") for x, text in across]
        numbers += [words(-9, y + 4, text, "end") for y, text in up]
        return f'<path d="{"".join(lines)}" stroke="{GREY}"/>{"".join(numbers)}'


class Chart:
    """Panels side by side, which notebooks show and `savefig` writes as SVG."""

    def __init__(self, panels: int):
        self.panels = [Panel() for _ in range(panels)]

    def _repr_svg_(self) -> str:
        step = LEFT + AREA + GAP
        width, height = step * len(self.panels), max(panel.height() for panel in self.panels)
        title = escape("; ".join(panel.title for panel in self.panels))
        drawn = "".join(f'<g transform="translate({LEFT + step * i} {TOP})">{panel.svg()}</g>'
                        for i, panel in enumerate(self.panels))
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
                f'viewBox="0 0 {width} {height}" role="img" font-size="12" '
                f'font-family="DejaVu Sans, Verdana, sans-serif"><title>{title}</title>'
                f'<rect width="{width}" height="{height}" fill="#fff"/>{drawn}</svg>')

    def savefig(self, fname: "str | os.PathLike[str]") -> None:
        """Write the chart to a file that ends in .svg; ModuleNotFoundError for another, which takes matplotlib."""
        try:
            checked_ending(fname, ("svg",), "charts")
        except ValueError as error:
            raise ModuleNotFoundError(f"{error}; others are drawn by matplotlib: pip install matplotlib") from None
        write_whole(fname, self._repr_svg_().encode())


# ---- parts


def finite(point: tuple[float, float]) -> bool:
    return math.isfinite(point[0]) and math.isfinite(point[1])


def path(points: Sequence[tuple[float, float]], place: Place) -> str:
    """A line through points, broken where one is not finite."""
    parts, is_down = [], False
    for point in points:
        x, y = place(*point) if finite(point) else (math.nan, math.nan)
        is_there = math.isfinite(x) and math.isfinite(y)
        if is_there:
            y = min(max(y, -9 * HIGH), 9 * HIGH)            # far outside it goes straight up or down
            parts.append(f"{'L' if is_down else 'M'}{at(x)} {at(y)}")
        is_down = is_there
    return "".join(parts)


def shape(place: tuple[float, float], marker: str, colour: str) -> str:
    return (f'<path transform="translate({at(place[0])} {at(place[1])})" d="{SHAPES[marker]}" fill="{colour}" '
            'stroke="#fff" stroke-width=".7"/>')


def words(x: float, y: float, text: str, anchor: str = "start", weight: str = "normal") -> str:
    if not text:
        return ""
    return f'<text x="{at(x)}" y="{at(y)}" text-anchor="{anchor}" font-weight="{weight}">{escape(text)}</text>'


def short(x: float) -> str:
    return format_number(x, 3).replace("-", "−")


def edges(numbers: list[float]) -> list[float]:
    """The borders between numbers at equal distances, and those beyond them.

    >>> edges([0.0, 1.0, 2.0])
    [-0.5, 0.5, 1.5, 2.5]
    """
    half = (numbers[1] - numbers[0]) / 2
    return spaced(numbers[0] - half, numbers[-1] + half, len(numbers) + 1)
