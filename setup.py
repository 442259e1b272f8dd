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
FLAGS = ["-O3", "-ffp-contract=off", "-fno-strict-aliasing", *[f"-fno-builtin-{name}" for name in (
    "exp exp2 expm1 log log2 log10 log1p cbrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh "
    "erf erfc atan2 pow").split()]]


def run_module(name, path, **options):
    """Run a module of the package here, the one written in Python, on a path."""
    alone = {**os.environ, "TINYGRAD_EDU_PURE": "1", "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([sys.executable, "-m", name, str(path)], env=alone, **options)


class BuildEngine(build_ext):
    """Lets the rules print themselves as C first; the package goes without where nothing can be compiled rightly."""

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
        run_module("tinygrad_edu.native.c_rules", made / "kernels.h").check_returncode()
        ext.include_dirs += [str(made), str(ROOT / "tinygrad_edu" / "native")]
        try:
            super().build_extension(ext)
        except (CompileError, LinkError) as error:
            if self.compiles("#include <Python.h>\n", made):
                raise RuntimeError("the compiler works, but the engine cannot be built; it needs Cython") from error
            self.compiled = False
            raise                                   # which setuptools passes over, as there is no compiler
        self.check_numbers(Path(self.get_ext_fullpath(ext.name)))

    def check_numbers(self, built):
        """What a compiler made that gets the special numbers wrong is not kept."""
        check = run_module("tinygrad_edu.native.self_check", built, stdout=subprocess.PIPE, text=True)
        if check.returncode:
            built.unlink()
            self.compiled = False
            raise CompileError(f"this compiler gets numbers wrong, so the package goes without: {check.stdout.strip()}")
        if check.stdout.strip():                    # it was built for another machine
            self.warn(check.stdout.strip())

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
