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
    """Lets the rules print themselves as C first; the package goes without what cannot be compiled rightly."""

    def run(self):
        self.built = []
        super().run()
        for ext in self.extensions:
            if ext not in self.built:           # what an earlier build left was made from other rules
                Path(self.get_ext_fullpath(ext.name)).unlink(missing_ok=True)
        if not self.built:
            self.distribution.ext_modules = None
            wheel = self.distribution.get_command_obj("bdist_wheel", create=False)
            if wheel:
                wheel.root_is_pure = True

    def build_extension(self, ext):
        """An error here is passed over by setuptools, which says so: both extensions are optional."""
        if ext is lanes and native not in self.built:
            raise CompileError("without the compiled engine there are no compiled programs")
        made = Path(self.build_temp).resolve()
        made.mkdir(parents=True, exist_ok=True)
        printer, target, check = PRINTERS[ext.name]
        run_module(printer, made / target).check_returncode()
        ext.include_dirs += [str(made), str(Path(ext.sources[0]).resolve().parent)]
        try:
            super().build_extension(ext)
        except (CompileError, LinkError) as error:
            if ext is native and self.compiles("#include <Python.h>\n", made):
                raise RuntimeError("the compiler works, but the engine cannot be built; it needs Cython") from error
            raise
        self.check_numbers(check, Path(self.get_ext_fullpath(ext.name)))
        self.built.append(ext)

    def check_numbers(self, check, built):
        """What a compiler made that gets numbers wrong is not kept."""
        checked = run_module(check, built, stdout=subprocess.PIPE, text=True)
        if checked.returncode:
            built.unlink()
            wrong = checked.stdout.strip()
            raise CompileError(f"this compiler gets numbers wrong, so the package goes without: {wrong}")
        if checked.stdout.strip():                  # it was built for another machine
            self.warn(checked.stdout.strip())

    def compiles(self, text, folder):
        (folder / "probe.c").write_text(text)
        try:
            self.compiler.compile([str(folder / "probe.c")], output_dir=str(folder), include_dirs=self.include_dirs)
        except CompileError:
            return False
        return True


# The modules that print the rules as C for an extension, the file or folder they print to, and what checks it then.
PRINTERS = {
    "tinygrad_edu.native._native": ("tinygrad_edu.native.c_rules", "kernels.h", "tinygrad_edu.native.self_check"),
    "tinygrad_edu.fast._lanes": ("tinygrad_edu.fast.c_lanes", "", "tinygrad_edu.fast.self_check")}
RULES = [f"tinygrad_edu/{name}" for name in (
    "engine/ops.py", "engine/more_ops.py", "engine/accurate.py", "engine/formula.py", "engine/ieee.py",
    "engine/printer.py", "symbols/source.py", "native/c_rules.py")]
native = Extension(
    "tinygrad_edu.native._native", ["tinygrad_edu/native/_native.pyx"], optional=True,
    define_macros=[("CYTHON_USE_TYPE_SPECS", "1")],             # a class to which methods can be added
    extra_compile_args=[] if sys.platform == "win32" else FLAGS,
    depends=["tinygrad_edu/native/_arenas.h", *RULES])
# Vectors in C are those of gcc and clang.  What a debugger would read makes up three quarters of the library.
lanes = Extension(
    "tinygrad_edu.fast._lanes", ["tinygrad_edu/fast/_lanes.pyx"], optional=True,
    extra_compile_args=[*FLAGS, "-fno-trapping-math", "-fno-math-errno", "-g0"],
    extra_link_args=["-Wl,-x" if sys.platform == "darwin" else "-Wl,-s"],
    depends=[*sorted(map(str, Path("tinygrad_edu/fast").glob("*.h"))), "tinygrad_edu/fast/c_lanes.py",
             "tinygrad_edu/fast/layout.py", *RULES])
setup(ext_modules=[native, lanes] if os.name == "posix" else [native], cmdclass={"build_ext": BuildEngine})
