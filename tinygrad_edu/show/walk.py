"""The steps in a terminal, one at a time: arrow keys go forward and back.

The player's page for people who stay in the terminal: the step in symbols and in numbers, and
below it what is known of every node by then.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..engine.number import short
from .steps import Steps

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.table import Table

HELP = "→ next   ← back   Home start   f end of forward   End last   q quit"
MOVES: dict[str, Callable[[int, int, int], int]] = {    # of (place, end of forward, last place)
    "next": lambda place, turn, last: min(place + 1, last),
    "back": lambda place, turn, last: max(place - 1, 0),
    "start": lambda place, turn, last: 0,
    "turn": lambda place, turn, last: turn,
    "last": lambda place, turn, last: last,
}
KEYS_OF = {                                             # what terminals send, the last two those of Windows
    "next": ("\x1b[C", "\x1bOC", " ", "\r", "\n", "\x00M", "\xe0M"),
    "back": ("\x1b[D", "\x1bOD", "\x7f", "\x08", "\x00K", "\xe0K"),
    "start": ("\x1b[H", "\x1bOH", "\x1b[1~", "\x1b[7~", "\x00G", "\xe0G"),
    "last": ("\x1b[F", "\x1bOF", "\x1b[4~", "\x1b[4", "\x1b[8~", "\x00O", "\xe0O"),
    "turn": ("f",),
    "quit": ("q", "Q", "\x1b", "\x1b\x1b", "\x04"),
}
MOVE_OF = {key: move for move, keys in KEYS_OF.items() for key in keys}


def walk(events: Steps, console: "Console", read: Callable[[], str] | None = None) -> None:
    """Show the steps one at a time until q is pressed.

    console   where to; it must be a terminal
    read      gives the next key; by default from the keyboard
    """
    from rich.live import Live
    read = read or keyboard()
    turn, place = [event.kind for event in events].index("seed"), 0
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(screen(events, place, console.height), refresh=True)
            move = MOVE_OF.get(read())
            if move == "quit":
                return
            if move:
                place = MOVES[move](place, turn, len(events))


def keyboard() -> Callable[[], str]:
    try:
        from readchar import readkey
    except ModuleNotFoundError:
        raise ModuleNotFoundError("walking with keys needs the package readchar: pip install readchar",
                                  name="readchar") from None
    return readkey


def screen(events: Steps, place: int, height: int) -> "Group":
    """What stands on the screen once the first `place` events are done."""
    from rich.console import Group
    from rich.text import Text
    event = events[place - 1] if place else None
    lines = [Text(f"step {place} of {len(events)}  {event.kind if event else 'start'}", "bold"), Text()]
    if event is None:
        lines += [Text("The leaves have their numbers; nothing is computed yet."), Text(), Text()]
    else:
        because = f"because {event.partial} = {event.local}" if event.local else ""
        lines += [Text(event.formula, "bold"), Text(f"    = {event.numbers}" if event.kind != "backward" else
                                                   f"    {event.numbers}"), Text(because, "dim")]
    return Group(*lines, Text(), state(events, place, height - 9), Text(), Text(HELP, "dim"))


def state(events: Steps, place: int, rows: int) -> "Table":
    """The numbers of every node that are known by then, those of this step marked."""
    from rich.table import Table
    from rich.text import Text
    known = numbers_at(events, place)
    now = {events[place - 1].node, events[place - 1].parent} if place else set()
    names = list(known)
    at = next((i for i, name in enumerate(names) if known[name][2] in now), 0)
    first = max(0, min(at - rows // 2, len(names) - rows))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title, style in ("node", ""), ("data", "blue"), ("grad", "dark_orange3"):
        table.add_column(title, style=style, justify="left" if title == "node" else "right", no_wrap=True)
    for name in names[first:first + max(rows, 1)]:
        data, grad, node = known[name]
        table.add_row(Text(name), Text(data), Text(grad), style="reverse" if node in now else "")
    return table


def numbers_at(events: Steps, place: int) -> dict:
    """{name: [data, grad, node]} of the leaves and of what the first `place` events have made."""
    names = {event.parent: event.parent_name for event in events}
    parents = dict.fromkeys(parent for event in events for parent in event.node.parents)
    known: dict = {names[leaf]: [short(leaf.data), "", leaf] for leaf in parents if not leaf.parents and leaf in names}
    for event in events[:place]:
        if event.kind == "forward":
            known[event.name] = [short(event.value), "", event.node]
        elif event.kind == "seed":
            known.setdefault(event.name, [short(event.node.data), "", event.node])[1] = short(event.value)
        else:
            known[event.parent_name][1] = short(event.value)
    return known

