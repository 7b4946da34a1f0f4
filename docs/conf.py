"""Sphinx: sphinx-build -W -b html docs docs/_build (extra `docs`)."""

import fastgrad

project = "fastgrad"
author = "The fastgrad founders"
copyright = author
release = version = fastgrad.__version__
extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
html_theme = "furo"
html_title = f"fastgrad {release}"
exclude_patterns = ["_build", "pictures.py"]
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
autodoc_member_order = "bysource"
# Docstrings say types; overloads would hide the options.
autodoc_typehints = "none"
numpydoc_show_class_members = False
# Words that other libraries define, in default roles.
default_role = "any"
nitpicky = False
suppress_warnings = ["myst.xref_missing", "ref.any"]
