"""Draws the table of docs/speed.rst as bars: docs/_static/polls-*.svg.

    python benchmarks/bars.py

``polls.py --write`` does so after it has written the table.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
sys.path.append(str(DOCS))

from drawing import WIDTH, both, box, path, text, write  # noqa: E402

PAGE = DOCS / "speed.rst"

#: The groups of the table that are drawn, and the contenders, if a group has them.
GROUPS = ("one condition", "eight conditions")
CONTENDERS = ("httsleep", "httsleep, unchanged", "polling2", "tenacity")
BY_HAND = "hand-written loop"

#: The cells of each contender by group, one for each size; those of "" are the head.
Table = dict[str, dict[str, list[str]]]

LEFT, RIGHT = 140, WIDTH - 44  # the edges of the longest bar
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


def pictures() -> dict[Path, str]:
    """Return the picture in light and in dark by the files that they belong in."""
    lines = list(lines_of(read_table(PAGE.read_text())))
    longest = max(float(ratio) for kind, _, ratio in lines if kind == "bar")
    unit = (RIGHT - LEFT) / max(longest, 1)
    shapes, y = [], 0.0
    for kind, first, second in lines:
        y += LINE * (1 if kind == "bar" else 1.5)
        if kind == "group":
            shapes.append(text(8, y, first, "strong"))
        elif kind == "size":
            shapes += [text(8, y, first, "note"), text(LEFT, y, second, "note")]
        else:
            shapes.append(path(f"M{LEFT + unit:.1f} {y - LINE + 5:.0f}v{LINE}", "grid"))
            shapes += bar(y, unit * float(second), first, second)
    title = "CPU time per poll; the hand-written loop is 1"
    return both("polls", title, int(y + LINE * 0.75), shapes)


def bar(y: float, length: float, name: str, ratio: str) -> list[str]:
    """Return a bar between its name and its ratio."""
    return [
        text(LEFT - 8, y, name, "note end"),
        box(LEFT, y - BAR + 2, length, BAR, "first" if is_ours(name) else "note"),
        text(LEFT + length + 5, y, ratio, "note"),
    ]


def is_ours(name: str) -> bool:
    """Return whether a contender is this httsleep."""
    return name.split(",")[0] == "httsleep"


if __name__ == "__main__":
    write(pictures())
