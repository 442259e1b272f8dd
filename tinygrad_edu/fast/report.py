"""What became of a function: how many operations were recorded, and how few steps do them."""

from dataclasses import dataclass
from typing import Any

from .steps import Layer, Plan


@dataclass(frozen=True)
class Report:
    """What `Program.report` returns; it prints as a table.

    name          of the function
    inputs        how many numbers a row has
    parameters    how many numbers all rows share
    operations    how many were recorded: what the engine does for each row, and undoes for its gradients
    forward, backward, sums     how many steps do them: forward, back to the inputs, and for the parameters
    layers        (lanes, neurons) of each layer that was found on the way forward
    bytes         how large the table is that a block of rows is run in, or a row where NumPy runs all at once
    rows          how many rows a block has at most, 0 where NumPy runs all at once
    run_by        the instruction set that the executor in C uses, or "NumPy"
    threads       how many threads share a long batch
    """

    name: str
    inputs: int
    parameters: int
    operations: int
    forward: int
    backward: int
    sums: int
    layers: tuple[tuple[int, int], ...]
    bytes: int
    rows: int
    run_by: str
    threads: int

    def __repr__(self) -> str:
        layers = ", ".join(f"{lanes} → {neurons}" for lanes, neurons in self.layers)
        rows = {"inputs": f"{self.inputs:,}", "parameters": f"{self.parameters:,}",
                "operations": f"{self.operations:,} for each row",
                "steps": f"{self.forward} forward, {self.backward} backward, {self.sums} for the parameters",
                "layers found": layers or "none",
                "table": f"{size(self.bytes)} for {f'{self.rows} rows at a time' if self.rows else 'each row'}",
                "run by": f"{self.run_by}, {self.threads} thread{'s' * (self.threads != 1)}"}
        width = max(map(len, rows))
        return "\n".join([self.name, *[f"  {title:{width}}  {text}" for title, text in rows.items()]])


def size(count: int) -> str:
    """A number of bytes for people.

    >>> size(800), size(123_456), size(7_000_000)
    ('800 bytes', '123 kB', '7.0 MB')
    """
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def report_of(name: str, inputs: int, plan: Plan, machine: Any) -> Report:
    """The report of a plan and of what runs it."""
    layers = [(int((step.lanes != plan.one).sum()), len(step.out)) for step in plan.forward if isinstance(step, Layer)]
    columns = machine.columns * machine.block if machine.block else len(plan.columns)
    return Report(name, inputs, len(plan.tape.parameters), len(plan.tape.computed), len(plan.forward),
                  len(plan.backward), len(plan.outer), tuple(layers), 8 * columns, machine.block,
                  machine.instruction_set, machine.threads)
