"""Mutation testing: one small change of the library at a time, each of which the tests must notice.

    python tests/mutation.py                      every module of the table below
    python tests/mutation.py nn/losses            one of them
    python tests/mutation.py nn/losses --again    its survivors once more, after tests were added

Changes are made by Cosmic Ray (`pip install -e ".[mutation]"`), in a copy of the package, and tested in
a forked process.  What was found is kept in `build/mutation`, under a name made of the module's own
text: an interrupted run goes on where it was, and a changed module begins afresh.  What survives is
compared with the reasons in `mutants.toml`, and a reason whose line is gone is named.  The figures stand
in `docs/mutation.md`.
"""

import ast
import contextlib
import difflib
import hashlib
import multiprocessing
import os
import re
import resource
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path

import hypothesis
import mpmath  # noqa: F401        here, so that the forked processes need not import it
import numpy  # noqa: F401
import pytest
from cosmic_ray.commands import init
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import use_db
from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkResult

ROOT = Path(__file__).resolve().parents[1]
SESSIONS = ROOT / "build" / "mutation"
REASONS = ROOT / "tests" / "mutants.toml"
LONGEST, LIMIT = 5, 20                  # seconds of the processor: for a selection, and for a mutant in it
MEMORY = 4 * 2 ** 30                    # bytes

# One replacement for an operator; for a comparison, the other side of its border and its opposite.
CHANGES = re.compile(r"""core/(
    ReplaceBinaryOperator_(Add_Sub|Sub_Add|Mul_Div|Div_Mul|FloorDiv_Div|Mod_FloorDiv|Pow_Mul)
    |ReplaceComparisonOperator_(Lt_LtE|Lt_GtE|LtE_Lt|LtE_Gt|Gt_GtE|Gt_LtE|GtE_Gt|GtE_Lt|Eq_NotEq|NotEq_Eq|Is_IsNot|IsNot_Is)
    |ReplaceUnaryOperator_Delete_\w+
    |Replace(TrueWithFalse|FalseWithTrue|AndWithOr|OrWithAnd|BreakWithContinue|ContinueWithBreak)
    |AddNot|ExceptionReplacer|NumberReplacer|RemoveDecorator|ZeroIterationForLoop)""", re.VERBOSE)

SELECTIONS = {  # module: the tests that look at it most closely, nearest first; its docstrings' examples come last
    "nn/losses": "losses conventions bad_input_table lecture_cases",
    "nn/weights": "weights bad_input_table fuzz_weights",
    "nn/optim": "optim bad_input_table",
    "nn/checks": "optim bad_input_table",
    "engine/value": "value replay conventions bad_input exact_graphs ops origin laws",
    "engine/graph": "value replay conventions exact_graphs origin laws",
    "engine/copies": "value laws",
    "engine/arrays": "arrays value bad_input", "engine/numpy_bridge": "value bad_input engines",
    "symbols/expression": "expression fuzz_expression notation",
    "symbols/notation": "expression notation",
    "engine/replay": "replay exact_graphs",
    "engine/ops": "accuracy conventions laws", "engine/more_ops": "accuracy conventions laws",
    "engine/accurate": "accuracy conventions normal_tail",
    "engine/slopes": "calculus replay",
    "engine/declare": "ops conventions bad_input",
    "engine/domain": "conventions ops",
    "engine/ieee": "replay conventions bad_input",
    "engine/op": "conventions bad_input value ops replay",
    "engine/number": "bad_input bad_input_table expression",
    "engine/errors": "expression bad_input value conventions calculus",
    "engine/composites": "bad_input_table laws nn losses",
    "nn/counted_random": "nn",
    "check/nonfinite": "origin",
    "engine/origin": "origin",
    "symbols/symbolic": "symbolic replay",
    "symbols/named": "named symbolic show",
    "symbols/simplify": "symbolic",
    "engine/formula": "replay conventions bad_input ops",
    "engine/printer": "printer mathml ops symbolic",
    "calculus/transforms": "calculus arrays",
    "calculus/differences": "numeric",
    "check/gradcheck": "gradcheck_by_hand gradcheck gradcheck_second",
    **dict.fromkeys(("check/edges", "check/chain", "check/runs"), "gradcheck_by_hand gradcheck"),
    "check/second": "gradcheck_second",
    "check/measure": "measure gradcheck_by_hand gradcheck",
    "check/decimals": "decimals",
    "check/report": "gradcheck_by_hand matrix_layers",
    "check/layers": "matrix_layers",
    "nn/rates": "fit plots",
    "symbols/source": "ops printer",
    "native/c_rules": "ops",
}
SLOW = (    # left out, to stay within the five seconds
    "any_depth", "ctrl_c", "robbins_monro", "hash_seed", "thousand_nodes", "all_scales", "ties_zeros",
    "random_graphs_are_right", "cancellation_poles", "without_recursion", "sixty_digits_are_enough",
    "textbooks_derivatives", "figures_on_the_page", "judge_of_rows", "tail_that_no_float", "0.0-inf", "doubled")


# ---- one mutant -------------------------------------------------------------------------------------------


class NearestFirst:
    """A plugin of pytest: what is tested once for every operation begins with these ones."""

    def __init__(self, names):
        self.operations = [f"<op {name}>" for name in names]

    def pytest_collection_modifyitems(self, items):
        items.sort(key=lambda item: not any(operation in item.name for operation in self.operations))


def functions_near(source, line):
    """The name of the function a line is in, and of the next two, or of the next three."""
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    return [function.name for function in functions if function.end_lineno >= line][:3]


def run_tests(copy, module, names):
    """Run the tests of a module and its docstrings' examples on the copy, and end this process with pytest's exit code."""
    sys.path.insert(0, str(copy))
    os.environ["PYTHONPATH"] = str(copy)
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    os.chdir(copy)
    files = [f"tests/test_{name}.py" for name in SELECTIONS[module].split()]
    examples = f"tests/test_documents.py::test_examples_in_docstrings[tinygrad_edu.{module.replace('/', '.')}]"
    leave_out = " and ".join(f"not {name}" for name in SLOW)
    with open("printed", "w") as printed, contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        code = pytest.main(["-x", "-q", "--assert=plain", "-p", "no:cacheprovider", "--hypothesis-profile=mutation",
                            "-k", leave_out, *files, examples],
                           plugins=[NearestFirst(names)])
    home = Path(sys.modules["tinygrad_edu"].__file__).parents[1] if "tinygrad_edu" in sys.modules else copy
    sys.exit(int(code) if home == copy else f"the tests looked at {home}")


def passes(copy, module, names=()):
    """Whether the tests of a module pass on the copy; a process that hangs, eats memory or dies has failed."""
    process = multiprocessing.get_context("fork").Process(target=run_tests, args=(copy, module, names))
    process.start()
    try:
        process.join()
    finally:
        process.kill()              # where Ctrl-C came in between
    return process.exitcode == 0


def mutated(source, mutation):
    """The source with one change, or None where that is no Python or changes nothing."""
    code = mutate_code(source, get_operator(mutation.operator_name)(), mutation.occurrence)
    try:
        return code if code and ast.dump(ast.parse(code)) != ast.dump(ast.parse(source)) else None
    except SyntaxError:
        return None


def change(source, code):
    """The lines that differ, as `- was` and `+ is`; with a decorator go the comments above it, which count for nothing."""
    lines = [line for line in difflib.ndiff(source.splitlines(), code.splitlines()) if line[0] in "-+"]
    return "\n".join(f"{line[0]} {line[1:].strip()}" for line in lines if line[1:].strip()[:1] not in ("", "#"))


def tried(source, item, copy, module):
    """What the tests say of a mutant."""
    code = mutated(source, item.mutations[0])
    if code is None:
        return WorkResult(WorkerOutcome.SKIPPED)
    (copy / "tinygrad_edu" / f"{module}.py").write_text(code, encoding="utf-8")
    names = functions_near(source, item.mutations[0].start_pos[0])
    outcome = TestOutcome.SURVIVED if passes(copy, module, names) else TestOutcome.KILLED
    return WorkResult(WorkerOutcome.NORMAL, test_outcome=outcome, diff=change(source, code))


# ---- a module ---------------------------------------------------------------------------------------------


def in_annotation(source):
    """A function that tells whether a position lies in an annotation, which no behaviour depends on."""
    hints = [hint for node in ast.walk(ast.parse(source))
             for hint in (getattr(node, "annotation", None), getattr(node, "returns", None)) if hint is not None]
    spans = [((hint.lineno, hint.col_offset), (hint.end_lineno, hint.end_col_offset)) for hint in hints]
    return lambda position: any(start <= position < end for start, end in spans)


def prepare(database, path):
    """List the mutants of a module; what is not in `CHANGES`, or changes an annotation, is skipped."""
    init([path], database, {})
    hint = in_annotation(path.read_text(encoding="utf-8"))
    skipped = [item.job_id for item in database.work_items
               if not CHANGES.fullmatch(item.mutations[0].operator_name) or hint(item.mutations[0].start_pos)]
    database.set_multiple_results(skipped, WorkResult(WorkerOutcome.SKIPPED))


def copy_of_the_project(folder, module):
    """A copy whose selection was seen to pass in time, and whose mutated module is always compiled afresh."""
    for name in ("tinygrad_edu", "tests", "benchmarks", "docs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.pyd"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, folder)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    sys.dont_write_bytecode = False
    if not passes(folder, module):
        sys.exit(f"{module}: the tests fail without a change:\n{(folder / 'printed').read_text()[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if seconds > LONGEST:
        sys.exit(f"{module}: its tests take {seconds:.1f} s, more than {LONGEST} s")
    sys.dont_write_bytecode = True
    for compiled in (folder / "tinygrad_edu" / module).parent.glob(f"__pycache__/{Path(module).name}.*.pyc"):
        compiled.unlink()
    print(f"{module}: its tests take {seconds:.1f} s", flush=True)


def place(item):
    mutation = item.mutations[0]
    return mutation.start_pos, mutation.operator_name, mutation.occurrence


def work_through(database, path, module, again):
    """Try the mutants that have no result yet: every fifth from the top of the file to its end, then those after them, ..."""
    chosen = list(database.pending_work_items)
    if again:
        chosen += [item for item, result in database.completed_work_items if result.test_outcome == TestOutcome.SURVIVED]
    if not chosen:
        return
    source = path.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder).resolve()
        copy_of_the_project(copy, module)
        chosen.sort(key=place)
        for item in (item for start in range(5) for item in chosen[start::5]):
            database.set_result(item.job_id, tried(source, item, copy, module))


# ---- what came out ----------------------------------------------------------------------------------------


def reasons_for(module):
    return tomllib.loads(REASONS.read_text(encoding="utf-8")).get(module, [])


def equivalent(module):
    """The changes of a module that are said to change nothing, as `change` writes them."""
    found = set()
    for reason in reasons_for(module):
        was = ""
        for line in reason["changes"].splitlines() if reason["equivalent"] else []:
            was = line if line.startswith("- ") else was
            found |= {line, f"{was}\n{line}"}
    return found


def out_of_date(module, source):
    """(the line a reason is about, the reason) for each line that does not stand in the module any more."""
    lines = set(map(str.strip, source.splitlines()))
    return [(line[2:], " ".join(reason["reason"].split())) for reason in reasons_for(module)
            for line in reason["changes"].splitlines() if line.startswith("- ") and line[2:] not in lines]


def report(database, path, module):
    """Print the survivors without a reason, the reasons without a line, and the module's row of figures."""
    results = [(item, result) for item, result in database.completed_work_items
               if result.worker_outcome == WorkerOutcome.NORMAL]
    survivors = sorted(((item, result) for item, result in results if result.test_outcome == TestOutcome.SURVIVED),
                       key=lambda pair: place(pair[0]))
    changing_nothing = equivalent(module)
    open_ones = [(item, result) for item, result in survivors if result.diff not in changing_nothing]
    for item, result in open_ones:
        print(f"{module}.py:{item.mutations[0].start_pos[0]}\n{result.diff}")
    for line, reason in out_of_date(module, path.read_text(encoding="utf-8")):
        print(f"{REASONS.name}: {module} has no line\n- {line}\nany more, of which it says: {reason}")
    waiting, killed = len(database.pending_work_items), len(results) - len(survivors)
    share = 100 * killed / max(1, killed + len(open_ones))
    print(f"| {module} | {len(results) + waiting} | {killed} | {len(survivors) - len(open_ones)} | {len(open_ones)} "
          f"| {waiting} | {share:.1f} % |", flush=True)


def main(arguments):
    hypothesis.settings.register_profile("mutation", derandomize=True, deadline=None,
                                         phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate])
    SESSIONS.mkdir(parents=True, exist_ok=True)
    for module in [name for name in arguments if name != "--again"] or SELECTIONS:
        path = ROOT / "tinygrad_edu" / f"{module}.py"
        if module not in SELECTIONS or not path.exists():
            sys.exit(f"{module}: there is no such module, or SELECTIONS in {__file__} names no tests for it")
        text = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        with use_db(str(SESSIONS / f"{module.replace('/', '.')}-{text}.sqlite")) as database:
            if not database.num_work_items:
                prepare(database, path)
            try:
                work_through(database, path, module, "--again" in arguments)
            finally:
                report(database, path, module)


if __name__ == "__main__":
    main(sys.argv[1:])
