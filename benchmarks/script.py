"""A GPT in one flat file, such as the public one: run with its own `Value`, and with ours in its place.

The file is changed as a syntax tree, in three places: its class `Value` gives way to an import of
ours; its training loop, the one that calls `backward`, ends after some steps and keeps the loss of
each; and what follows the loop is left out.  It finds a file input.txt of names.
"""

import ast
import tempfile
from collections.abc import Iterable
from contextlib import chdir
from itertools import islice
from pathlib import Path
from types import CodeType
from typing import Any

from .peers import OURS, PURE, Answer, Ours, Peer, Unfit, clock, pure
from .workloads import Workload, gpt_code

STEPS = 10                                  # of training, a run
THEIRS = "its own Value"
IMPORT = ast.parse("from tinygrad_edu import Value").body[0]


class OwnValue(Peer):
    """The script as it stands."""

    replaced = False

    def open(self) -> None:
        """Nothing is imported but what the script imports."""

    def version(self) -> str:
        return ""

    def ready(self, workload: Workload) -> None:
        self.code = code_of(workload.program, self.replaced)

    def timed(self, numbers: list[float], runs: int) -> tuple[float, Answer]:
        """The answer is the last loss, and those of all steps."""
        seconds = 0.0
        for _ in range(runs):
            took, losses = trained(*self.code)
            if len(losses) < STEPS:
                raise Unfit(f"its loop ends after {len(losses)} steps, and {STEPS} are timed")
            seconds += took
        return seconds, (losses[-1], losses)


class OurValue(OwnValue):
    """The script with only its class replaced."""

    package, module, install = Ours.package, Ours.module, Ours.install
    open, version = Peer.open, Ours.version
    replaced = True


def code_of(path: Path, replaced: bool) -> tuple[CodeType, CodeType]:
    """The script up to its training loop, and the loop; ValueError names what a file lacks."""
    try:
        body = ast.parse(path.read_text(encoding="utf-8")).body
    except SyntaxError as error:
        raise ValueError(f"{path} is not Python: {error}") from None
    if not any(is_value(statement) for statement in body):
        raise ValueError(f"{path} has no class Value at its top level, for ours to replace")
    place, loss = next(((i, loss) for i, statement in enumerate(body) if isinstance(statement, ast.For)
                        for loss in losses_of(statement)), (None, None))
    if place is None:
        raise ValueError(f"{path} has no loop at its top level that calls NAME.backward()")
    before = [IMPORT if replaced and is_value(statement) else statement for statement in body[:place]]
    loop = body[place]
    loop.iter = ast.Call(ast.Name("__first__", ast.Load()), [loop.iter], [])
    loop.body += ast.parse(f"__losses__.append({loss}.data)").body
    return compiled(before, path), compiled([loop], path)


def is_value(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ClassDef) and statement.name == "Value"


def losses_of(loop: ast.For) -> list[str]:
    """The names on which the loop calls `backward`."""
    return [call.func.value.id for call in ast.walk(loop) if isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute) and call.func.attr == "backward"
            and isinstance(call.func.value, ast.Name)]


def compiled(body: list[ast.stmt], path: Path) -> CodeType:
    return compile(ast.fix_missing_locations(ast.Module(body, [])), str(path), "exec")


def trained(before: CodeType, loop: CodeType) -> tuple[float, list[float]]:
    """The seconds of so many steps, and the loss of each."""
    losses: list[float] = []
    scope: dict[str, Any] = {"__name__": "__main__", "__losses__": losses, "__first__": first}
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        Path("input.txt").write_text("\n".join(gpt_code()["names"]), encoding="utf-8")
        exec(before, scope)
        start = clock()
        exec(loop, scope)
        return clock() - start, losses


def first(steps: Iterable[Any]) -> Iterable[Any]:
    return islice(steps, STEPS)


SCRIPTS: dict[str, Peer] = {OURS: OurValue(), PURE: pure(OurValue()), THEIRS: OwnValue()}
