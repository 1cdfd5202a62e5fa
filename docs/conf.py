"""How Sphinx builds these pages."""

import os
from importlib import metadata

project = "httsleep"
author = "The httsleep maintainers"
copyright = "The httsleep maintainers"
release = metadata.version("httsleep")

extensions = ["sphinx.ext.autodoc"]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
html_theme = "furo"
html_title = f"httsleep {release}"

# Names of other projects: links where there is a network to look them up.
nitpick_ignore_regex = [("py:.*", r"(collections|datetime|re|requests|threading)\b.*")]
if "READTHEDOCS" in os.environ:
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "requests": ("https://requests.readthedocs.io/en/latest", None),
    }
