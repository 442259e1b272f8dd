"""What can be known of a student's file without running it: its text, its package, what it imports, what to run.

Notebooks and files that print, train and plot where they are loaded are normal submissions: of these, only imports,
definitions and assignments are run.  A file of a package is imported, and run so if that takes too long.
"""

import ast
import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOREIGN = ("tinygrad_edu", "torch", "jax", "autograd", "micrograd", "tensorflow", "casadi", "tinygrad", "minitorch",
           "aesara", "pytensor", "theano", "mxnet", "paddle", "chainer", "keras", "flax", "functorch", "pyadjoint",
           "algopy", "jaxlib", "mlx", "pennylane")
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
LARGEST, MOST_CODE = 20 * 2**20, 2**20      # bytes of a submission, as notebooks have pictures; and of its code
ASSIGNMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign)


class CannotLoad(ValueError):
    """The file is not there, is no Python, or has no readable cells."""


class Definitions(str):
    """The text of an adapter file, which has been read."""


@dataclass
class Submission:
    """A file as it is sent to the child, and what its text tells.

    job             what `child.load` reads
    foreign         libraries of autodiff that the file imports, anywhere but under `if __name__ == "__main__":`
    seeds_by_hand   whether it sets some gradient of an output to 1 itself, as engines want that do not do so
    notes           what was found out on the way
    needs           operations without which it is not finished
    """

    job: dict[str, Any]
    foreign: list[str] = field(default_factory=list)
    seeds_by_hand: bool = False
    notes: list[str] = field(default_factory=list)
    needs: set[str] = field(default_factory=lambda: {"add", "mul"})


def file_and_class(text: str) -> tuple[Path, str | None]:
    """The two parts of FILE:CLASS; the colon of a drive, as in C:work, is none.

    >>> file_and_class("engine.py:Value")[1], file_and_class("engine.py")[1], file_and_class("C:engine")[1]
    ('Value', None, None)
    """
    file, colon, cls = text.rpartition(":")
    return (Path(file), cls) if colon and len(file) > 1 and cls.isidentifier() else (Path(text), None)


def words_of(text: str) -> tuple[str, ...]:
    """The words between commas or spaces."""
    return tuple(filter(None, re.split(r"[,\s]+", text)))


def read(file: str | Path, cls: str | None = None, adapter: str | Path | None = None,
         within: Path | None = None) -> Submission:
    """Read a file or a notebook, with the name of its class if one is given, and an adapter: a file, or a line of text.

    within    the file or folder that was handed in; nothing beside it belongs to the submission

    Raises CannotLoad where the file cannot be read as Python.
    """
    path = Path(file).resolve()
    source = source_of(path)
    tree = parsed(source, path)
    within = within.resolve() if within else Path(path.anchor)
    root, module = package_of(path, within)
    own = modules_in(root, within)
    libraries = [name for name in FOREIGN if not any(entry.is_file() or (entry / "__init__.py").is_file()
                                                     for entry in own.get(name, ()))]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    in_package = module != "submission"
    beside = [] if in_package else imported_beside(tree, own)
    busy = None if in_package else busy_at_top(tree)
    by = "definitions" if busy or path.suffix == ".ipynb" else "import"
    job = {"file": str(path), "root": str(root), "module": module, "package": package, "source": source, "by": by,
           "definitions": definitions(tree), "class": cls, "adapter": adapter_source(adapter) if adapter else None,
           "foreign": libraries, "beside": beside}
    notes = [f"line {busy.lineno} runs something at once, so only definitions were loaded"] if busy else []
    notes += [f"it imports what is beside it: {', '.join(beside)}"] if beside else []
    return Submission(job, imported_libraries(tree, libraries), seeds_by_hand=seeds_by_hand(source), notes=notes)


def parsed(source: str, path: Path) -> ast.Module:
    """The tree of a file's text.

    Raises CannotLoad where it is not Python, or is nested deeper than Python reads.
    """
    try:
        return ast.parse(source)
    except SyntaxError as error:
        raise CannotLoad(f"{path.name} is not Python: line {error.lineno}: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        why = error if isinstance(error, ValueError) else "it is nested too deeply"
        raise CannotLoad(f"{path.name} is not Python: {why}") from error


def source_of(path: Path) -> str:
    """The text of a file; of a notebook, its code cells in order, without what is not Python.

    Raises CannotLoad where there is no such file, or no notebook in it.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise CannotLoad(f"{path.name} is larger than {LARGEST // 2**20} MB")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise CannotLoad(f"{path.name} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CannotLoad(f"{path.name} is not text in UTF-8: byte {error.start}") from error
    cells = cells_of(text, path) if path.suffix == ".ipynb" else [text]
    if sum(map(len, cells)) > MOST_CODE:
        raise CannotLoad(f"{path.name} has more than {MOST_CODE // 2**20} MB of code: put data into a file of its own")
    return "\n".join(map(code_of_cell, cells)) if path.suffix == ".ipynb" else text


def cells_of(text: str, path: Path) -> list[str]:
    """The code cells of a notebook."""
    try:
        return ["".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CannotLoad(f"{path.name} is no notebook: {error}") from error


def code_of_cell(text: str) -> str:
    """A cell without magics and shell lines; a cell that is not Python, as a whole or by `%%`, is left out."""
    if text.lstrip().startswith("%%"):
        return ""
    code = re.sub(r"^([ \t]*)[%!?].*$", r"\1pass", text, flags=re.MULTILINE)
    try:
        ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return code


def package_of(path: Path, within: Path) -> tuple[Path, str]:
    """The folder to import from, and the name of the module there: "submission" for a file outside of packages."""
    folder, parts = path.parent, [] if path.name == "__init__.py" else [path.stem]
    while folder.is_relative_to(within) and (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    in_package = folder != path.parent
    return folder, ".".join(parts) if in_package else "submission"


def adapter_source(adapter: str | Path) -> str:
    """The text of an adapter file, or definitions made of a line such as "grad=v.partial()".

    In a line, x is the number of a new leaf, v one of the student's numbers, out the output; what speaks of none of
    them is a function as it stands.

    >>> print(adapter_source("leaf=Var(x); grad=v.partial(); backward=Var.seed"))
    def leaf(x): return Var(x)
    def grad(v): return v.partial()
    backward = Var.seed
    """
    if isinstance(adapter, Definitions):
        return adapter
    lines = [re.fullmatch(r"\s*(leaf|data|grad|backward|operators|make)\s*=(?!=)\s*(.+?)\s*", part, re.DOTALL)
             for part in str(adapter).split(";")]
    if all(lines):
        return "\n".join(adapter_line(*match.groups()) for match in lines if match)
    try:
        return Path(adapter).read_text(encoding="utf-8")
    except OSError as error:
        raise CannotLoad(f"there is no adapter file {adapter}; a line that adapts is leaf=…, data=…, grad=…, "
                         "backward=…, operators=… or, of layers and optimizers, make=…") from error


def adapter_line(name: str, expression: str) -> str:
    """One definition of an adapter."""
    if name == "make":
        return f"def make(): return {expression}"
    argument = {"leaf": "x", "data": "v", "grad": "v", "backward": "out"}.get(name, "")
    if argument and re.search(rf"\b{argument}\b", expression):
        return f"def {name}({argument}): return {expression}"
    return f"{name} = {expression}"


# ---- what the text tells

def under_main(node: ast.stmt) -> bool:
    """Whether a statement is `if __name__ == "__main__":`, which loading does not run."""
    return isinstance(node, ast.If) and "__name__" in [getattr(part, "id", "") for part in ast.walk(node.test)]


def harmless(node: ast.stmt) -> bool:
    """Whether loading a statement only defines something: imports, definitions, assignments, docstrings, setattr."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) or getattr(getattr(node.value, "func", None), "id", "") == "setattr"
    if isinstance(node, (ast.If, ast.Try, ast.For)):
        inner = [*node.body, *node.orelse, *getattr(node, "finalbody", ())]
        inner += [statement for handler in getattr(node, "handlers", ()) for statement in handler.body]
        return under_main(node) or all(map(harmless, inner))
    return isinstance(node, (*DEFINITIONS, *ASSIGNMENTS, ast.Pass, ast.Raise, ast.Assert, ast.Delete))


def busy_at_top(tree: ast.Module) -> ast.stmt | None:
    """The first statement that does something where the file is loaded, such as a loop or a bare call."""
    return next((node for node in tree.body if not harmless(node)), None)


def definitions(tree: ast.Module) -> list[tuple[str, int, str]]:
    """What to run where only definitions are wanted: (kind, line, text)."""
    kept = []
    for node in tree.body:
        if harmless(node) and not under_main(node) and not isinstance(node, (ast.Assert, ast.Delete)):
            first = min([node.lineno, *(line.lineno for line in getattr(node, "decorator_list", ()))])
            kind = "assignment" if isinstance(node, (*ASSIGNMENTS, ast.For)) else "definition"
            with suppress(RecursionError):          # where a formula is read, but too long to be written again
                kept.append((kind, first, ast.unparse(node)))
    return kept


def modules_in(folder: Path, within: Path) -> dict[str, list[Path]]:
    """{name: files and folders} of what can be imported from a folder: what was handed in, and no links."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.is_relative_to(within) and not path.is_symlink() and (path.is_dir() or path.suffix == ".py"):
            found.setdefault(path.name.removesuffix(".py"), []).append(path)
    return found


def imported_beside(tree: ast.Module, modules: dict[str, list[Path]]) -> list[str]:
    """The files and packages out of the same folder that a file imports, and those that they import."""
    found: dict[str, None] = {}
    waiting = [tree]
    while waiting:
        for name in sorted(imported_names(waiting.pop())):
            for path in modules.get(name, ()):
                if path.name not in found:
                    found[path.name] = None
                    with suppress(CannotLoad):
                        waiting.append(parsed(source_of(path) if path.is_file() else "", path))
    return list(found)


def imported_names(tree: ast.AST) -> set[str]:
    """The first names of what is imported, also by `importlib.import_module("torch")`."""
    met = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            met |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            met.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Call) and "import" in getattr(node.func, "id", getattr(node.func, "attr", "")):
            met |= {argument.value.partition(".")[0] for argument in node.args
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str)}
    return met


def imported_libraries(tree: ast.Module, libraries: list[str]) -> list[str]:
    """Those libraries that a file imports, also inside functions."""
    met = [imported_names(node) for node in tree.body if not under_main(node)]
    return sorted(set().union(*met) & set(libraries))


def seeds_by_hand(source: str) -> bool:
    """Whether some output's gradient is set to 1 from outside, as in `out.grad = 1`."""
    return any(match[1] != "self" for match in re.finditer(r"\b(\w+)\.\w+\s*=\s*1(?:\.0*)?\s*(?:[;#\n\"'`]|$)", source))
