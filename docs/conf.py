"""Sphinx: python -m sphinx -W --keep-going docs docs/_build/html

The tutorials are run while the pages are built; -D plot_gallery=0 leaves them out.
"""

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TQDM_DISABLE", "1")  # no bars among what tutorials print
os.environ.setdefault("DGL_DOWNLOAD_DIR", tempfile.mkdtemp())  # no cache in the home directory
sys.path.insert(0, str(Path(__file__).parent))

import matplotlib  # noqa: E402
from generated import MODULES, write_pages  # noqa: E402
from sphinx_gallery.sorting import ExplicitOrder  # noqa: E402

from dgl_memgnn import __version__ as release  # noqa: E402, F401

matplotlib.use("agg")

project = "dgl-memgnn"
author = "The dgl-memgnn authors"
copyright = author  # noqa: A001
extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "sg_execution_times.rst", "tutorials/sg_execution_times.rst"]
templates_path = ["_templates"]

# Every reference must lead somewhere; those into packages whose pages are elsewhere are left as text.
nitpicky = True
nitpick_ignore_regex = [
    (r"py:.*", r"(dgl|dgllife|matplotlib|numpy|pandas|rdkit|sklearn|torch)\..*"),
    (r"py:.*", r"(os\.PathLike|pathlib\.Path)"),
]

autosummary_generate = [f"reference/{name}.rst" for name in MODULES]
autodoc_typehints = "none"  # types stand under Parameters
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
# Parameters are described by the names that they have (PR02), in their order (PR03). That everything public has a
# docstring is a test (tests/test_documentation.py), since an override may have that of its base.
numpydoc_validation_checks = {"PR02", "PR03"}
numpydoc_validation_exclude = {
    r"^dgl_memgnn\.sklearn\."
}  # the parameters of its estimators are keys of a configuration
myst_heading_anchors = 3
myst_enable_extensions = ["dollarmath"]
suppress_warnings = ["config.cache"]  # the gallery's settings hold objects

sphinx_gallery_conf = {
    "examples_dirs": "../examples/tutorials",
    "gallery_dirs": "tutorials",
    "filename_pattern": r"/plot_",
    "within_subsection_order": "FileNameSortKey",
    "image_scrapers": ("matplotlib",),
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "remove_config_comments": True,
    "subsection_order": ExplicitOrder(["."]),
}

html_theme = "pydata_sphinx_theme"
html_title = "dgl-memgnn"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_show_sourcelink = False
html_sidebars = {page: [] for page in ("install", "overview", "peers", "differences", "contributing", "changelog")}
smartquotes = False  # -- stays what it is in options
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "header_links_before_dropdown": 6,
}

# External links are followed by the weekly workflow: python -m sphinx -b linkcheck docs docs/_build/linkcheck
linkcheck_timeout = 30
linkcheck_retries = 2
linkcheck_ignore = [r"https://pubs\.acs\.org/.*", r"https://doi\.org/.*"]  # publishers that turn scripts away
linkcheck_anchors = False


def setup(app):
    app.connect("config-inited", lambda app, config: write_pages(Path(app.srcdir)))
