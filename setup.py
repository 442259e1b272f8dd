"""The compiled engine, built where there is a C compiler; all else is in pyproject.toml."""

import os
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError, LinkError

ROOT = Path(__file__).resolve().parent
# Sums are rounded after each product, and functions computed where the program runs, as in Python.
FLAGS = ["-O2", "-ffp-contract=off", "-fno-strict-aliasing", *[f"-fno-builtin-{name}" for name in (
    "exp exp2 expm1 log log2 log10 log1p cbrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh "
    "erf erfc atan2 pow").split()]]


class BuildEngine(build_ext):
    """Lets the rules print themselves as C first; the package goes without where nothing can be compiled."""

    compiled = True

    def run(self):
        super().run()
        if not self.compiled:                   # what an earlier build left was made from other rules
            for ext in self.extensions:
                Path(self.get_ext_fullpath(ext.name)).unlink(missing_ok=True)
        if not all(os.path.exists(self.get_ext_fullpath(ext.name)) for ext in self.extensions):
            self.distribution.ext_modules = None
            wheel = self.distribution.get_command_obj("bdist_wheel", create=False)
            if wheel:
                wheel.root_is_pure = True

    def build_extension(self, ext):
        made = Path(self.build_temp).resolve()
        made.mkdir(parents=True, exist_ok=True)
        alone = {**os.environ, "TINYGRAD_EDU_PURE": "1", "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        kernels = [sys.executable, "-m", "tinygrad_edu.native.c_rules", str(made / "kernels.h")]
        subprocess.run(kernels, env=alone, check=True)
        ext.include_dirs += [str(made), str(ROOT / "tinygrad_edu" / "native")]
        try:
            super().build_extension(ext)
        except (CompileError, LinkError) as error:
            if self.compiles("#include <Python.h>\n", made):
                raise RuntimeError("the compiler works, but the engine cannot be built; it needs Cython") from error
            self.compiled = False
            raise                                   # which setuptools passes over, as there is no compiler

    def compiles(self, text, folder):
        (folder / "probe.c").write_text(text)
        try:
            self.compiler.compile([str(folder / "probe.c")], output_dir=str(folder), include_dirs=self.include_dirs)
        except CompileError:
            return False
        return True


native = Extension(
    "tinygrad_edu.native._native", ["tinygrad_edu/native/_native.pyx"], optional=True,
    define_macros=[("CYTHON_USE_TYPE_SPECS", "1")],             # a class to which methods can be added
    extra_compile_args=[] if sys.platform == "win32" else FLAGS,
    depends=[f"tinygrad_edu/{name}" for name in (
        "native/_arenas.h", "native/c_rules.py", "engine/ops.py", "engine/more_ops.py", "engine/accurate.py",
        "engine/formula.py", "engine/ieee.py", "engine/printer.py", "symbols/source.py")])
setup(ext_modules=[native], cmdclass={"build_ext": BuildEngine})
