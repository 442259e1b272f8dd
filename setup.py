"""The compiled engine, built where there is a C compiler; all else is in pyproject.toml."""

import os
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent
EXACT = [f"-fno-builtin-{name}" for name in (         # computed where it runs, not by the compiler
    "exp exp2 expm1 log log2 log10 log1p cbrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh "
    "erf erfc atan2 pow").split()]
FLAGS = ["-O2", "-ffp-contract=off", "-fno-strict-aliasing", *EXACT]


class BuildEngine(build_ext):
    """Before compiling, the rules of `ops.py` are printed as C, by the part of the package that needs nothing else."""

    def build_extension(self, ext):
        made = Path(self.build_temp).resolve()
        made.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "tinygrad_edu.engine.kernels", str(made / "kernels.h")], check=True, cwd=ROOT,
                       env={**os.environ, "TINYGRAD_EDU_PURE": "1", "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"})
        ext.include_dirs.append(str(made))
        super().build_extension(ext)


setup(
    ext_modules=[Extension("tinygrad_edu.engine._native", ["tinygrad_edu/engine/_native.pyx"], optional=True,
                           define_macros=[("CYTHON_USE_TYPE_SPECS", "1")],
                           extra_compile_args=[] if sys.platform == "win32" else FLAGS,
                           depends=["tinygrad_edu/engine/ops.py", "tinygrad_edu/engine/kernels.py"])],
    cmdclass={"build_ext": BuildEngine},
)
