from dgl_memgnn import __version__ as release  # noqa: F401

project = "dgl-memgnn"
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
autodoc_member_order = "bysource"
napoleon_google_docstring = False
html_theme = "alabaster"
exclude_patterns = ["_build"]
