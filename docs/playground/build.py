"""Builds the playground: `python docs/playground/build.py` writes a folder that any static host serves.

`--one-file` writes the same as one file, which runs from a USB stick.  All that is fetched is fetched once, into
docs/_build/downloads, and known by its hash; the same tree gives the same bytes.
"""

import argparse
import base64
import gzip
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from string import Template
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE / "python"), str(ROOT)]
os.environ["TINYGRAD_EDU_PURE"] = "1"           # the engine that runs in the page

import lesson_parts  # noqa: E402
import network_parts  # noqa: E402
import program_parts  # noqa: E402
import quiz_parts  # noqa: E402
from components import BuildError, licences  # noqa: E402
from pieces import python_files  # noqa: E402

import tinygrad_edu as tg  # noqa: E402
from tinygrad_edu.show import language, live, page  # noqa: E402

BUILT = ROOT / "docs" / "_build"
DOWNLOADS = BUILT / "downloads"
# The scripts of the page in their order: a name is a file of app/, and a function gives what is made of the package.
SCRIPTS: tuple[str | Callable[[], str], ...] = (
    "words", "element", "handing", "link", "tabs", "files", "engine", "frames", "offline", "about",
    "sections", "expression_tab", program_parts.script, "program_tab",
    network_parts.script, "random", "train", "network_choices", "network_view", "network_paint", "network_tab",
    lambda: page.asset("answer.js"), quiz_parts.script, "quiz_tab",
    lesson_parts.script, "lessons_tab",
    "main")
STYLES: tuple[str | Callable[[], str], ...] = (
    "app", "expression", "program", network_parts.style, "network", quiz_parts.style, "quiz", "lessons")
OTHER_WORDS = ("animation",)            # parts of the table of words that tabs use besides their own
STEP = 5                                # at which (x + y) * z opens: in the middle of the backward pass


def main(arguments: list[str] | None = None) -> int:
    """Build what the command line says; 0 if it was done, 1 if something is missing, 2 for a wrong command."""
    about = __doc__.split("\n\n")[0]
    parser = argparse.ArgumentParser(description=about, epilog="Then: python -m http.server -d FOLDER")
    parser.add_argument("--out", type=Path, metavar="FOLDER", default=BUILT / "playground", help="where it is written")
    parser.add_argument("--one-file", action="store_true", help="write only playground.html into the folder")
    parser.add_argument("--lab", metavar="ADDRESS", default="", help='where the lab stands, such as "../lab/"')
    parser.add_argument("--site", metavar="ADDRESS", default="", help='where the site stands, such as "../"')
    options = parser.parse_args(arguments)
    lesson_parts.places.update(lab=options.lab, site=options.site)
    try:
        made = one_file(parts()) if options.one_file else folder(parts())
    except BuildError as error:
        print(f"build.py: {error}", file=sys.stderr)
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    for name, data in made.items():
        (options.out / name).write_bytes(data)
    print(f"{options.out}: {len(made)} files, {sum(map(len, made.values())):,} bytes")
    return 0


# ---- the page ---------------------------------------------------------------------------------------------


def parts() -> dict[str, bytes]:
    """{name: bytes} of the files besides the page itself."""
    told = licences(tg.__version__, (ROOT / "LICENSE").read_text(encoding="utf-8"))
    return {**python_files(DOWNLOADS), "licences.json": as_json(told)}


def folder(made: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files of the playground as a folder."""
    hashes = {name: hash_of(data) for name, data in made.items()}
    told = {"files": hashes, "one_file": False, "cache": ""}
    connections = "connect-src 'self'; worker-src 'self' blob:"
    told["cache"] = f"tinygrad_edu-{hash_of(the_page(told, connections))['sha256'][:16]}"       # each build has its own
    html = the_page(told, connections)
    manifest = {"cache": told["cache"], "files": hashes | {"index.html": hash_of(html)}}
    worker = Template(text_of("sw.js")).substitute(manifest=json.dumps(manifest, separators=(",", ":")))
    return {**made, "index.html": html, "manifest.json": as_json(manifest), "sw.js": worker.encode()}


def one_file(made: Mapping[str, bytes]) -> dict[str, bytes]:
    """The playground as one file."""
    tags = "".join(f'<script type="application/gzip" id="file-{name}">{packed(data)}</script>\n'
                   for name, data in made.items())
    told = {"files": {}, "one_file": True, "cache": ""}
    return {"playground.html": the_page(told, "worker-src blob:", tags)}


def the_page(told: dict[str, Any], connections: str, files: str = "") -> bytes:
    """The page itself: its script and style, and what it knows from the start.

    connections   the part of its policy that says what it may reach
    files         the files that stand in it, where it is one file
    """
    script, style = script_of_page(), "\n".join(texts(STYLES, "css"))
    scripts_inside, style_inside = live.frame_digests()
    policy = ("default-src 'none'; base-uri 'none'; form-action 'none'; img-src data: blob:; "
              f"script-src '{page.digest(script)}' {scripts_inside} 'wasm-unsafe-eval'; "
              f"style-src '{page.digest(style)}' {style_inside}; {connections}")
    known = {"version": tg.__version__, "words": words(), "first": first_pages(), **told}
    english = language.table("en")["playground"]["page"]
    return Template(text_of("app/index.html")).substitute(
        policy=policy, style=style, script=script, files=files, build=page.as_json(known),
        title=english["title"], no_script=english["no_script"]).encode()


def script_of_page() -> str:
    """All scripts as one."""
    return page.without_comments("\n".join(["'use strict';", *texts(SCRIPTS, "js")]))


def texts(parts: Iterable[str | Callable[[], str]], ending: str) -> list[str]:
    """What files of app/, and functions, say."""
    return [text_of(f"app/{part}.{ending}") if isinstance(part, str) else part() for part in parts]


def words() -> dict[str, dict[str, Any]]:
    """{language: its name for itself, its direction, its words}; the keys of a tab's words begin with its name."""
    return {name: {"called": called, "words": words_of(name),
                   "direction": language.table(name)["language"]["direction"]}
            for name, called in language.languages().items()}


def words_of(name: str) -> dict[str, str]:
    """The playground's words in a language: "share", "network.epoch"."""
    found = {}
    for part, kinds in language.table(name).items():
        if part.split("_")[0] == "playground" or part in OTHER_WORDS:
            prefix = part.removeprefix("playground").removeprefix("_")
            for key, text in (kinds["page"] | kinds["script"] | kinds["keys"]).items():
                found[f"{prefix}.{key}" if prefix else key] = text
    return found


# ---- the pages inside it ----------------------------------------------------------------------------------


def first_pages() -> dict[str, str]:
    """{language: (x + y) * z in the middle of the backward pass}: live before Python is there."""
    output, found = tg.expression("q = x + y\nf = q * z", x=-2, y=5, z=-4), {}
    for name in language.languages():
        with language.speaking(name):
            found[name] = live.frame(output, at=STEP).html
    return found


# ---- bytes ------------------------------------------------------------------------------------------------


def hash_of(data: bytes) -> dict[str, Any]:
    """How a file is known: its hash as text and as browsers want it, and its size."""
    raw = hashlib.sha256(data)
    integrity = f"sha256-{base64.b64encode(raw.digest()).decode()}"
    return {"sha256": raw.hexdigest(), "integrity": integrity, "size": len(data)}


def packed(data: bytes) -> str:
    """Bytes as text that may stand in a page."""
    return base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()


def as_json(x: Any) -> bytes:
    return json.dumps(x, indent=1, sort_keys=True).encode()


def text_of(name: str) -> str:
    """A file of this folder."""
    return (HERE / name).read_text(encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
