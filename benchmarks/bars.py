"""Draws the table of docs/speed.rst as bars: docs/_static/polls-*.svg.

    python benchmarks/bars.py

``polls.py --write`` does so after it has written the table.
"""

from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "speed.rst"

#: The groups of the table that are drawn, and the contenders, if a group has them.
GROUPS = ("one condition", "eight conditions")
CONTENDERS = ("httsleep", "httsleep, unchanged", "polling2", "tenacity")
BY_HAND = "hand-written loop"

#: The cells of each contender by group, one for each size; those of "" are the head.
Table = dict[str, dict[str, list[str]]]

THEMES = {
    "light": ["#ffffff", "#1b1b1b", "#bbbbbb", "#1f5fa8", "#8a8f96"],
    "dark": ["#131416", "#e4e4e4", "#5a5f66", "#7fb4ec", "#8a8f96"],
}
WIDTH, LEFT, RIGHT = 420, 140, 376
LINE, BAR = 20, 13  # the heights of a line of text and of a bar


def read_table(page: str) -> Table:
    """Return the first table of a page."""
    table: Table = {}
    rows = page.partition("   * -")[2].partition("\n\n")[0].split("\n   * -")
    for row in rows:
        name, *cells = (cell.strip() for cell in row.split("\n     -"))
        if name.startswith("**") or not name:
            group = table.setdefault(name.strip("*"), {})
        if not name.startswith("**"):
            group[name] = cells
    return table


def text(x: float, y: float, words: str, kind: str = "") -> str:
    """Return a text of the picture."""
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{kind}">{words}</text>'


def bar(y: float, length: float, name: str, ratio: str) -> str:
    """Return a bar between its name and its ratio."""
    kind = "ours" if name.startswith("httsleep") else "others"
    shape = f'x="{LEFT}" y="{y - BAR + 2:.0f}" width="{length:.1f}" height="{BAR}"'
    return (
        text(LEFT - 8, y, name, "name")
        + f'<rect {shape} class="{kind}"/>'
        + text(LEFT + length + 5, y, ratio)
    )


def lines_of(table: Table) -> Iterator[tuple[str, str, str]]:
    """Yield the lines of the picture: the kind, and two texts."""
    (sizes,) = table[""].values()
    for title in GROUPS:
        group = table[title]
        yield "group", title, ""
        for size, of_size in enumerate(sizes):
            took = group[BY_HAND][size].removeprefix("1 (").removesuffix(")")
            yield "size", of_size, f"1 is the {BY_HAND}: {took}"
            for name in CONTENDERS:
                if name in group:
                    yield "bar", name, group[name][size]


def picture(table: Table, theme: str) -> str:
    """Return the picture as SVG."""
    paper, ink, line, ours, others = THEMES[theme]
    lines = list(lines_of(table))
    longest = max(float(ratio) for kind, _, ratio in lines if kind == "bar")
    unit = (RIGHT - LEFT) / max(longest, 1)
    drawn, y = [], 0.0
    for kind, first, second in lines:
        y += LINE * (1 if kind == "bar" else 1.5)
        if kind == "group":
            drawn.append(text(8, y, first, "group"))
        elif kind == "size":
            drawn += [text(8, y, first, "size"), text(LEFT, y, second)]
        else:
            mark = f"M{LEFT + unit:.1f} {y - LINE + 5:.0f}v{LINE}"
            drawn.append(f'<path class="one" d="{mark}"/>')
            drawn.append(bar(y, unit * float(second), first, second))
    height = int(y + LINE * 0.75)
    style = (
        f"text{{fill:{ink};stroke:{paper};stroke-width:4;paint-order:stroke}} "
        ".group{font-size:16px;font-weight:bold} "
        f".size{{font-weight:bold}} .name{{text-anchor:end}} .ours{{fill:{ours}}} "
        f".others{{fill:{others}}} .one{{stroke:{line};stroke-dasharray:3 2}}"
    )
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" '
            'font-family="sans-serif" font-size="13">',
            "<title>CPU time per poll; the hand-written loop is 1</title>",
            f"<style>{style}</style>",
            f'<rect width="{WIDTH}" height="{height}" fill="{paper}"/>',
            *drawn,
            "</svg>\n",
        ]
    )


def pictures() -> dict[Path, str]:
    """Return the pictures by the files that they belong in."""
    table = read_table(PAGE.read_text())
    return {
        DOCS / "_static" / f"polls-{theme}.svg": picture(table, theme)
        for theme in THEMES
    }


def draw() -> None:
    """Write the pictures."""
    for path, drawn in pictures().items():
        path.write_text(drawn)


if __name__ == "__main__":
    draw()
