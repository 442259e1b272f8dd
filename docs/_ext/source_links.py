"""The pages of the source lead back to the reference, also from a file whose names are public in two modules."""

import re
from collections.abc import Iterable
from typing import Any

LINK = re.compile(r'#(tinygrad_edu\.[\w.]+)"')


def place_of(name: str, known: Iterable[str]) -> str:
    """The name as the reference has it, which may be that of another module.

    >>> place_of("tinygrad_edu.orders", ["tinygrad_edu.cost", "tinygrad_edu.classroom.orders"])
    'tinygrad_edu.classroom.orders'
    """
    last = name.rpartition(".")[2]
    return name if name in known else next((other for other in known if other.endswith(f".{last}")), name)


def mend(app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Sphinx takes the module of one name for all names of a file."""
    if pagename.startswith("_modules/"):
        known = app.env.domains["py"].objects
        context["body"] = LINK.sub(lambda found: f'#{place_of(found[1], known)}"', context.get("body", ""))


def setup(app: Any) -> dict[str, bool]:
    app.connect("html-page-context", mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
