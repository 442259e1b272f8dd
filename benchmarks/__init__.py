"""The scoreboard: what this library costs in time and memory, beside its peers.

`python -m benchmarks`, run from the repository root, measures and prints tables.  What is measured is
the package that is installed, so this folder comes last on the path.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.sort(key=lambda entry: entry == str(ROOT))
