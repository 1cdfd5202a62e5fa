"""How Sphinx builds these pages."""

import os
import re
from importlib import metadata
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

import httsleep
from httsleep.command.parser import build_parser

project = "httsleep"
author = "The httsleep maintainers"
copyright = "The httsleep maintainers"
release = metadata.version("httsleep")

extensions = ["sphinx.ext.autodoc", "sphinx_copybutton"]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
html_theme = "furo"
html_title = f"httsleep {release}"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
# What is typed can be copied, without prompts; what is printed cannot.
copybutton_selector = "div:not(.highlight-output) > div.highlight > pre"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

nitpick_ignore = [("py:class", "httsleep.operators.CompiledExpression")]  # not public
# Names of other projects: links where there is a network to look them up.
nitpick_ignore_regex = [("py:.*", r"(collections|datetime|re|requests|threading)\b.*")]
if "READTHEDOCS" in os.environ:
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "requests": ("https://requests.readthedocs.io/en/latest", None),
    }


# autodoc looks in the module of a class for what is written below its attributes.
for each in vars(httsleep.exceptions).values():
    if isinstance(each, type) and each.__module__ == "httsleep":
        each.__module__ = "httsleep.exceptions"


class CommandOptions(SphinxDirective):
    """The options of the command, as its parser has them: a table for each group."""

    def run(self):
        groups = build_parser()._action_groups
        return [node for group in groups for node in self.table(group)]

    def table(self, group):
        options = [each for each in group._group_actions if each.option_strings]
        lines = [f".. rubric:: {literals(group.title)}", "", ".. list-table::"]
        lines += ["   :widths: 36 64", "   :width: 100%", ""]
        for each in options:
            name = ", ".join(each.option_strings)
            lines.append(f"   * - ``{name} {each.metavar or ''}".rstrip() + "``")
            lines.append(f"     - {literals(each.help)}")
        return self.parse_text_to_nodes("\n".join(lines)) if options else []


class Picture(SphinxDirective):
    """A picture that docs/pictures.py draws, in forms of which a reader sees one."""

    required_arguments = 1
    option_spec: ClassVar = {
        "alt": directives.unchanged_required,
        "forms": directives.class_option,
    }

    def run(self):
        return [
            nodes.image(
                uri=f"/_static/{self.arguments[0]}-{form}.svg",
                alt=self.options["alt"],
                classes=[f"only-{form}"],
            )
            for form in self.options.get("forms", ["light", "dark"])
        ]


def literals(text):
    """The text about an option, where what one types is set as such."""
    typed = r"'[^']+'|(?<!\w)(@?[A-Z]{2,}\b|--?[a-z]+(-[a-z]+)*|2xx)"
    return re.sub(typed, r"``\g<0>``", text)


def setup(app):
    app.add_directive("command-options", CommandOptions)
    app.add_directive("picture", Picture)
