"""The suite on each Python of a Debian release, built by each compiler, on both engines; prints a table.

    sudo python tests/every_python.py                                   # unstable's Pythons; gcc, clang, and none
    sudo python tests/every_python.py --python 3.13 --compiler gcc-12 gcc-16 none
    sudo python tests/every_python.py --release bookworm -- -m smoke    # what follows -- is for pytest

What is committed is packed as an sdist and installed from it, so that a chroot has all that is tried; debootstrap
makes it where it is missing, and it is kept.  Without a compiler ("none") the engine is the one written in Python.
Asks for root, Debian's debootstrap and a network.  What pytest printed stands beside the chroot, a log for each row.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
APT = "apt-get -qq -o Acquire::Check-Valid-Until=false"             # a mirror may lag behind
ENTER = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" sh -euc "$1"'


def inside(chroot, command, log=subprocess.PIPE, check=True, **environment):
    """Run a line of shell in the chroot; what is mounted for it is gone afterwards."""
    home = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "TMPDIR": "/tmp", "LANG": "C.UTF-8",
            "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-euc", ENTER, chroot, command],
        env={**os.environ, **home, **environment}, stdin=subprocess.DEVNULL, stdout=log,
        stderr=subprocess.STDOUT if log != subprocess.PIPE else None, text=True, check=check)


def make_chroot(chroot):
    """A small Debian that knows the host's certificates, as a company's network may need."""
    if not (chroot / "etc" / "apt").exists() or (chroot / "debootstrap").exists():      # which one that ended early left
        chroot.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["debootstrap", "--variant=minbase", "--include=ca-certificates", chroot.name, chroot], check=True)
    if Path("/", CERTIFICATES).exists():
        shutil.copy(Path("/", CERTIFICATES), chroot / CERTIFICATES)
    inside(chroot, f"{APT} update")


def offered(chroot):
    """The Pythons that this release has, such as 3.13."""
    found = inside(chroot, r"apt-cache search --names-only '^python3\.[0-9]+-venv$'").stdout
    return sorted(re.findall(r"^python(3\.\d+)-venv", found, re.M), key=lambda name: int(name[2:]))


def install(chroot, pythons, compilers):
    """Debian's packages, what is committed here in /src, and its sdist in /dist."""
    packages = [f"python{python}-{part}" for python in pythons for part in ("dev", "venv")]
    packages += ["libc6-dev", *(name for name in compilers if name != "none")]
    inside(chroot, f"{APT} install --yes --no-install-recommends {' '.join(packages)} > /dev/null")
    inside(chroot, "rm -rf /src /dist && mkdir /src")
    archive = subprocess.run(["git", "-C", ROOT, "archive", "HEAD"], capture_output=True, check=True).stdout
    subprocess.run(["tar", "--extract", "--directory", chroot / "src"], input=archive, check=True)
    inside(chroot, f"python{pythons[0]} -m venv /tools && /tools/bin/pip install -q build && "
                   "/tools/bin/python -m build --sdist --outdir /dist /src > /dev/null")


def version(chroot, program):
    """A program's own word for its version, as 14.2.0."""
    return re.search(r"\d+\.\d+\.\d+\w*", inside(chroot, f"{program} --version").stdout)[0]


def outcome(chroot, python, compiler, arguments):
    """The last line of pytest, for the package built by this compiler."""
    engine, log = "pure" if compiler == "none" else "native", Path(f"{chroot}-{python}-{compiler}.log")
    with log.open("w") as file:
        code = inside(chroot, f"/venv-{python}/bin/pip install -q --no-deps --no-cache-dir --force-reinstall /dist/*.tar.gz; "
                              f"cd /src; /venv-{python}/bin/pytest -rs --engine {engine} {arguments}",
                      file, check=False, CC="false" if compiler == "none" else compiler).returncode
    last = log.read_text(errors="replace").strip().rpartition("\n")[2].strip(" =")
    return code, engine, last if " in " in last else f"ended with {code}: {last}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", default="sid", help="of Debian (sid)")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp/every_python"), help="where the chroot is kept")
    parser.add_argument("--python", nargs="+", help="such as 3.13 (all that the release has)")
    parser.add_argument("--compiler", nargs="+", default=["gcc", "clang", "none"], help="such as gcc-14 (gcc clang none)")
    parser.add_argument("pytest", nargs="*", metavar="-- ...", help="arguments for pytest")
    args = parser.parse_args()
    if not shutil.which("debootstrap") or os.geteuid():
        parser.error("this needs debootstrap (apt-get install debootstrap) and root (sudo)")
    chroot, failed = args.folder.resolve() / args.release, False
    make_chroot(chroot)
    pythons = args.python or offered(chroot)
    install(chroot, pythons, args.compiler)
    print("| Python | compiler | engine | result |\n|---|---|---|---|", flush=True)
    for python in pythons:
        inside(chroot, f"python{python} -m venv /venv-{python} && /venv-{python}/bin/pip install -q "
                       '"$(echo /dist/*.tar.gz)[test,data,plots]" setuptools Cython', CC="false")      # with what builds it
        for compiler in args.compiler:
            built_by = compiler if compiler == "none" else f"{compiler} {version(chroot, compiler)}"
            code, engine, last = outcome(chroot, python, compiler, shlex.join(args.pytest))
            failed |= code != 0
            print(f"| {version(chroot, f'python{python}')} | {built_by} | {engine} | {last} |", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
