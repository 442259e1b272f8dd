"""A test of the tests: wrong engines, optimizers and losses, each of which the suite must catch.

`bugs.py` plants them, each in a process of its own; the tests named beside it are run there and must
fail.  All of it takes minutes: `pytest -m long`.  A few run by default, and all are seen to find their place.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from bugs import BUGS

import tinygrad_edu

TESTS = Path(__file__).resolve().parent
QUICK = ("gradients are set instead of added", "Adam without bias correction", "cross-entropy of the wrong class")
WRONG = [name for name in BUGS if name != "none"]


def outcome(folder, tests, bug):
    """The exit code of pytest with a bug planted, and what it printed."""
    path = os.pathsep.join((str(TESTS), str(Path(tinygrad_edu.__file__).parents[1])))
    done = subprocess.run([sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "bugs", "--hypothesis-profile=planted",
                           str(TESTS / f"{tests}.py"), "-k", "not ctrl_c and not several_threads"],    # both may come in between what is planted
                          env={**os.environ, "PYTEST_ADDOPTS": "", "PYTHONPATH": path, "HYPOTHESIS_STORAGE_DIRECTORY": str(folder),
                               "TINYGRAD_EDU_PURE": "1", "PLANTED_BUG": bug},
                          cwd=folder, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("bug", [pytest.param(bug, marks=[] if bug in QUICK else pytest.mark.long) for bug in WRONG])
def test_the_suite_catches(bug, tmp_path):
    tests = BUGS[bug][1]
    code, printed = outcome(tmp_path, tests, bug)
    assert code == 1 and "1 failed" in printed, f"{bug!r} was not caught by {tests}:\n{printed[-2000:]}"


@pytest.mark.long
@pytest.mark.parametrize("tests", sorted({BUGS[bug][1] for bug in WRONG}))
def test_the_same_tests_pass_where_what_is_planted_is_right(tests, tmp_path):
    code, printed = outcome(tmp_path, tests, "none")
    assert code == 0, printed[-2000:]


@pytest.mark.parametrize("bug", WRONG)
def test_a_bug_finds_its_place(bug):
    with pytest.MonkeyPatch.context() as patch:
        try:
            BUGS[bug][0](patch)
        except AttributeError as error:
            pytest.fail(f"{bug!r} is put in place of what is gone ({error}): give it another place in tests/bugs.py")
