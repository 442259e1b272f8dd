"""The steps in a terminal, one at a time: arrow keys go forward and back.

The player's page for people who stay in the terminal: the step in symbols and in numbers, and
below it what is known of every node by then.
"""

import io
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ..engine.number import format_number
from .page import sentences, words_of
from .reasons import said
from .steps import Event, Steps

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

MOVES: dict[str, Callable[[int, int, int], int]] = {    # of (place, end of forward, last place)
    "next": lambda place, turn, last: min(place + 1, last),
    "back": lambda place, turn, last: max(place - 1, 0),
    "start": lambda place, turn, last: 0,
    "turn": lambda place, turn, last: turn,
    "last": lambda place, turn, last: last,
}
KEYS = {"next": ("right", "down", "enter", " "), "back": ("left", "up", "backspace"), "start": ("home",),
        "last": ("end",), "turn": ("f",), "quit": ("q", "escape", "c-d")}


def walk(events: Steps) -> None:
    """Show the steps one at a time in the terminal until q is pressed.

    Raises ModuleNotFoundError without prompt_toolkit, KeyboardInterrupt at Ctrl-C.
    """
    application(events).run()


def application(events: Steps) -> Any:
    """The full-screen program; its `place` is the step that is shown."""
    try:
        from prompt_toolkit import Application
        from prompt_toolkit.formatted_text import ANSI
        from prompt_toolkit.layout import FormattedTextControl, Layout, Window
    except ModuleNotFoundError:
        raise ModuleNotFoundError("walking with keys needs the package prompt_toolkit: "
                                  "pip install prompt_toolkit") from None

    def content() -> ANSI:
        size = app.output.get_size()
        return ANSI(drawn(events, app.place, size.columns, size.rows))
    app: Any = Application(layout=Layout(Window(FormattedTextControl(content))), full_screen=True)
    app.place, app.key_bindings = 0, bindings(events)
    return app


def bindings(events: Steps) -> Any:
    """What the keys do to the program."""
    from prompt_toolkit.key_binding import KeyBindings
    keys, turn = KeyBindings(), [event.kind for event in events].index("seed")

    def act(move: str, event: Any) -> None:
        if move == "quit":
            event.app.exit()
        else:
            event.app.place = MOVES[move](event.app.place, turn, len(events))
    for move, names in KEYS.items():
        for key in names:
            keys.add(key, eager=key == "escape")(partial(act, move))
    keys.add("c-c")(lambda event: event.app.exit(exception=KeyboardInterrupt()))
    return keys


def drawn(events: Steps, place: int, width: int, height: int) -> str:
    """The screen as text with colours."""
    from rich.console import Console
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system="standard", highlight=False)
    console.print(screen(events, place, height))
    return console.file.getvalue()          # type: ignore[attr-defined]


def screen(events: Steps, place: int, height: int) -> "Group":
    """What stands on the screen once the first `place` events are done."""
    from rich.console import Group
    from rich.text import Text
    event, told = events[place - 1] if place else None, sentences("steps")
    title = told["title"].format(at=place, count=len(events), kind=told[event.kind if event else "begin"])
    lines = [Text(title, "bold"), Text()]
    if event is None:
        lines += [Text(told["start"]), Text(), Text()]
    else:
        numbers = event.numbers if event.parent is not None else f"= {event.numbers}"
        lines += [Text(event.formula, "bold"), Text(f"    {numbers}"), Text(because(event), "dim")]
    return Group(*lines, Text(), state(events, place, height - 9), Text(), Text(told["keys"], "dim"))


def because(event: Event) -> str:
    """The reason of a step, which begins with "because" where it does not say it within."""
    has_words = event.kind == "backward" and event.because
    return event.reason if has_words or not event.reason else said("because", reason=event.reason)


def state(events: Steps, place: int, rows: int) -> "Table":
    """The numbers of every node that are known by then, those of this step marked."""
    from rich.table import Table
    from rich.text import Text
    known, told = numbers_at(events, place), words_of("player").page
    now = {events[place - 1].node, events[place - 1].parent, *events[place - 1].behind} if place else set()
    names = list(known)
    at = next((i for i, name in enumerate(names) if known[name][2] in now), 0)
    first = max(0, min(at - rows // 2, len(names) - rows))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title, style in ("node", ""), ("data", "cyan"), ("grad", "yellow"):
        table.add_column(told[title], style=style, justify="left" if title == "node" else "right", no_wrap=True)
    for name in names[first:first + max(rows, 1)]:
        data, grad, node = known[name]
        table.add_row(Text(name), Text(data), Text(grad), style="reverse" if node in now else "")
    return table


def numbers_at(events: Steps, place: int) -> dict:
    """{name: [data, grad, node]} of the leaves and of what the first `place` events have made."""
    names = {event.parent: event.parent_name for event in reversed(events) if event.parent is not None}
    for event in events:
        names |= event.behind
    known: dict = {name: [format_number(node.data), "", node] for node, name in names.items() if not node.parents}
    for event in events[:place]:
        if event.kind == "forward":
            known[event.name] = [format_number(event.value), "", event.node]
        elif event.kind == "seed":
            row = known.setdefault(event.name, [format_number(event.node.data), "", event.node])
            row[1] = format_number(event.value)
        elif event.kind == "stopped":
            for name in event.behind.values():
                known[name][1] = format_number(event.value)
        else:
            known[event.parent_name][1] = format_number(event.value)
    return known

