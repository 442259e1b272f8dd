"""What the program tab is built from: its examples, each a program that runs anywhere."""

from pathlib import Path

from tinygrad_edu.show.page import as_json

FOLDER = Path(__file__).parent / "programs"
EXAMPLES = ("loop", "recursion", "own_op", "neuron", "training", "newton")      # the first is there at the start


def script() -> str:
    """The script that stands before the tab's own: its examples by their names."""
    return f"const program_examples = {as_json({name: text_of(name) for name in EXAMPLES})};"


def text_of(name: str) -> str:
    """The text of an example.

    >>> text_of("loop").partition("\\n")[0]
    'import tinygrad_edu as tg'
    """
    return (FOLDER / f"{name}.py").read_text(encoding="utf-8")
