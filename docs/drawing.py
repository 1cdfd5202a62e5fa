"""The shapes that the pictures of these pages are made of, as SVG.

A picture is 420 units wide, the width of a telephone, and its smallest letters have a
size of 12.5 units. A unit is a pixel where there is room. Each picture is drawn for
light pages and for dark ones.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path

WIDTH = 420
FOLDER = Path(__file__).parent / "_static"


@dataclass(frozen=True)
class Colors:
    """The colors of a picture, which fit the page that it is on.

    :ivar first: the color of boxes, lines and marks of the first kind.
    :ivar second: that of the second kind.
    """

    paper: str
    ink: str
    note: str
    grid: str
    box: str
    first: str
    second: str


THEMES = {
    "light": Colors(
        *("#ffffff", "#1b1b1b", "#444444", "#dddddd"),
        *("#eef4fb", "#1f5fa8", "#b04a12"),
    ),
    "dark": Colors(
        *("#131416", "#e4e4e4", "#c8c8c8", "#3a3d42"),
        *("#1d2b3a", "#7fb4ec", "#f2a065"),
    ),
}

STYLE = """\
text{{fill:{0.ink}}}
.note{{font-size:12.5px;fill:{0.note}}}
.code{{font-family:monospace;font-size:12.5px;white-space:pre}}
.strong{{font-weight:bold}}
.middle{{text-anchor:middle}}
.end{{text-anchor:end}}
.grid{{stroke:{0.grid}}}
.first{{fill:{0.first}}}
.second{{fill:{0.second}}}
.box{{fill:{0.box};stroke:{0.first};stroke-width:1.5}}
.result{{fill:none;stroke:{0.second};stroke-width:1.5}}
.frame{{fill:none;stroke:{0.note};stroke-dasharray:6 4}}
.line{{fill:none;stroke-width:2}}
.first.line,.mark{{stroke:{0.first}}}
.second.line{{stroke:{0.second}}}
.arrow{{fill:none;stroke:{0.note};stroke-width:1.6;marker-end:url(#tip)}}
.tip{{fill:{0.note}}}"""

TIP = (
    '<marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
    'markerHeight="7" orient="auto"><path class="tip" d="M0 0L10 5L0 10z"/></marker>'
)


def text(x: float, y: float, words: str, kind: str = "") -> str:
    """Return a text; its kind is one class of STYLE, or several."""
    return f'<text{_class(kind)} x="{x:.5g}" y="{y:.5g}">{escape(words, False)}</text>'


def box(x: float, y: float, width: float, height: float, kind: str = "box") -> str:
    """Return a rectangle with round corners."""
    place = f'x="{x:.5g}" y="{y:.5g}" width="{width:.5g}" height="{height:.5g}"'
    return f'<rect{_class(kind)} {place} rx="6"/>'


def path(way: str, kind: str = "arrow") -> str:
    """Return a line along a way, which is the ``d`` of a path in SVG."""
    return f'<path{_class(kind)} d="{way}"/>'


def circle(x: float, y: float, radius: float, kind: str) -> str:
    """Return a disc."""
    return f'<circle{_class(kind)} cx="{x:.5g}" cy="{y:.5g}" r="{radius:.5g}"/>'


def _class(kind: str) -> str:
    """Return the attribute for a kind."""
    return f' class="{kind}"' if kind else ""


def svg(
    title: str,
    height: int,
    shapes: Iterable[str],
    colors: Colors,
    width: int = WIDTH,
) -> str:
    """Return a picture with these shapes."""
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" '
        'font-family="Arial, Helvetica, sans-serif" font-size="15">',
        f"<title>{escape(title, False)}</title>",
        f"<style>\n{STYLE.format(colors)}\n</style>",
        f"<defs>{TIP}</defs>",
        f'<rect width="{width}" height="{height}" fill="{colors.paper}"/>',
        *shapes,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def both(name: str, title: str, height: int, shapes: Iterable[str]) -> dict[Path, str]:
    """Return the light and the dark form of a picture by the files they belong in."""
    shapes = list(shapes)
    return {
        FOLDER / f"{name}-{theme}.svg": svg(title, height, shapes, colors)
        for theme, colors in THEMES.items()
    }


def write(pictures: dict[Path, str]) -> None:
    """Write pictures into their files."""
    for file, drawn in pictures.items():
        file.write_text(drawn, encoding="utf-8")
