"""A scheduler and workers of Dask in processes of their own; none is left when the block ends."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

PROGRAM = """
import sys
from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(n_workers=int(sys.argv[1]), threads_per_worker=1, dashboard_address=":0",
                      local_directory=sys.argv[2]) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


@contextmanager
def workers(count, folder):
    """The address of a scheduler with so many workers, each of which starts again where it is killed."""
    program = folder / "cluster.py"
    program.write_text(PROGRAM)
    process = subprocess.Popen([sys.executable, "-P", program, str(count), folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True, start_new_session=True)
    try:
        yield process.stdout.readline().strip()
    finally:
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.communicate()
