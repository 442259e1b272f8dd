"""The command `tinygrad-edu`, run within this process: `tests/test_cli.py` sees that a process of its own does the same."""

import contextlib
import io

from tinygrad_edu.cli import main


def run(*arguments, cwd=".", check=True):
    """(output, errors, exit code); check: it must succeed and write nothing to stderr."""
    output, errors = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n") for _ in range(2))
    with contextlib.chdir(cwd), contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            code = main(arguments)
        except SystemExit as end:           # how argparse ends
            code = end.code
    texts = []
    for stream in output, errors:
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())
    if check:
        assert (code, texts[1]) == (0, "")
    return *texts, code
