"""The playground, built once for all tests, and a server like a static host: it packs texts and counts what goes out."""

import contextlib
import gzip
import importlib.util
import os
import sys
import threading
from functools import cache
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "playground"
UNDER = "/course/playground/"           # where the host has it: not at its root, as on GitHub Pages
PAGES = {"index.html", "manifest.json", "sw.js", "playground.html"}
KINDS = {".wasm": "application/wasm", ".js": "text/javascript", ".html": "text/html", ".json": "application/json"}


@cache
def module(name):
    """A module of docs/playground, such as "build"."""
    for folder in (FOLDER, FOLDER / "python"):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    spec = importlib.util.spec_from_file_location(f"playground_{name}", FOLDER / f"{name}.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def built(folder):
    """The folder with the playground in it, and playground.html beside it.

    Where the variable TINYGRAD_EDU_PLAYGROUND names a folder that was built before, it is that one.
    """
    ready = os.environ.get("TINYGRAD_EDU_PLAYGROUND")
    if ready:
        return Path(ready)
    import subprocess
    for more in ([], ["--one-file"]):
        subprocess.run([sys.executable, str(FOLDER / "build.py"), "--out", str(folder), *more], check=True)
    return Path(folder)


def longer(made):
    made["python.zip"] += b" "          # a zip may have bytes at its end


def altered(site, folder, change=longer):
    """Another build of the same, after `change` was made to {name: bytes} of its files."""
    build = module("build")
    made = {path.name: path.read_bytes() for path in site.iterdir() if path.name not in PAGES}
    change(made)
    for name, data in build.folder(made).items():
        (folder / name).write_bytes(data)
    return folder


@contextlib.contextmanager
def tabs_of(context, address):
    """A function that opens the playground at a hash, in a tab of its own.

    At the end nothing may have been thrown, no dialog opened, and no other host asked.
    """
    complaints, requests, pages = [], [], []

    def open_at(state=""):
        tab = context.new_page()
        pages.append(tab)
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("dialog", lambda dialog: complaints.append(dialog.message))
        tab.on("request", lambda request: requests.append(request.url))
        tab.goto(f"{address}#{state}")
        return tab
    yield open_at
    for tab in pages:
        tab.close()
    assert complaints == [] and [url for url in requests if not url.startswith((address, "data:", "blob:"))] == []


class Host(ThreadingHTTPServer):
    """A static host of a folder, which can be exchanged for another one. `sent` has (path in it, bytes that went out)."""

    daemon_threads = True

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), Answer)
        self.folder, self.sent = Path(folder), []
        self.address = f"http://127.0.0.1:{self.server_port}{UNDER}"

    def handle_error(self, request, client):
        """A browser that hangs up is no error."""


class Answer(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *told):
        pass

    def do_GET(self):
        asked = self.path.replace(UNDER, "/", 1) if self.path.startswith(UNDER) else f"outside {self.path}"
        path = self.server.folder / (asked.partition("?")[0][1:] or "index.html")
        if self.path == "/favicon.ico":         # which browsers ask for on pages that name none
            return self.send_response(204) or self.end_headers()
        if not path.is_file():
            self.server.sent.append((asked, 0))
            return self.send_error(404)
        data, kind = path.read_bytes(), KINDS.get(path.suffix, "application/octet-stream")
        packed = packed_once(data) if path.suffix in KINDS else data
        self.server.sent.append((asked, len(packed)))
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "max-age=600")
        if packed is not data:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(packed)))
        self.end_headers()
        self.wfile.write(packed)


@cache
def packed_once(data):
    return gzip.compress(data, 6)


@contextlib.contextmanager
def serving(folder):
    host = Host(folder)
    threading.Thread(target=host.serve_forever, daemon=True).start()
    try:
        yield host
    finally:
        host.shutdown()
        host.server_close()
