"""How the site is built: `python -m sphinx -W --keep-going docs docs/_build/html`.

Nothing is fetched: formulas become MathML, notebooks show their stored outputs, and what can be
read off the library (tables, the list of everything public, the player) is written at build time.
"""

import os
import sys
from pathlib import Path

os.environ["TINYGRAD_EDU_PURE"] = "1"           # the reference shows, and links to, the engine to read
HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))
(HERE / "generated" / "static").mkdir(parents=True, exist_ok=True)

import tinygrad_edu as tg  # noqa: E402

project = "tinygrad_edu"
author = copyright = "The tinygrad_edu authors"
version = release = tg.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.viewcode", "mathml", "plain_docstrings", "written_pages",
              "for_everyone", "source_links"]
exclude_patterns = ["_build", "generated", "playground", "lab"]
html_extra_path = ["generated/static"]

html_theme = "furo"
html_title = "tinygrad_edu"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}
html_math_renderer = "mathml"
pygments_style, pygments_dark_style = "a11y-high-contrast-light", "a11y-high-contrast-dark"
smartquotes = False                             # code in a sentence keeps its own quotes

nb_execution_mode = "off"                       # the notebooks' outputs are stored, and tested elsewhere
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist", "attrs_inline"]
myst_heading_anchors = 3
myst_update_mathjax = False

add_module_names = False
autodoc_typehints = "none"                      # the docstrings say what is meant
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
viewcode_line_numbers = True
toc_object_entries_show_parents = "hide"
