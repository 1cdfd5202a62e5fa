"""The page docs/speed has the picture of its table."""

import re

import bars
import drawing
import polls
import pytest


@pytest.fixture
def table():
    """The table of the page."""
    return bars.read_table(bars.PAGE.read_text())


def test_each_bar_is_as_long_as_its_ratio(table):
    """A bar whose ratio is 1 would end at the dashed line."""
    drawn = next(iter(bars.pictures().values()))
    (end_of_one,) = set(re.findall(r'class="grid" d="M([\d.]+) ', drawn))
    widths = map(float, re.findall(r'width="([\d.]+)" height="13"', drawn))
    ratios = [float(ratio) for kind, _, ratio in bars.lines_of(table) if kind == "bar"]
    for width, ratio in zip(widths, ratios, strict=True):
        assert width / ratio == pytest.approx(float(end_of_one) - bars.LEFT, rel=0.02)


def test_the_bars_are_read_from_the_table():
    """The name, the group, the size and the ratio of each bar are those of its cell."""
    page = """
.. list-table:: CPU time
   :header-rows: 1

   * -
     - 1 byte
   * - **one condition**
     -
   * - hand-written loop
     - 1 (2 ms)
   * - httsleep
     - 0.25
   * - http.client
     - \\-
   * - **eight conditions**
     -
   * - hand-written loop
     - 1 (3 ms)
   * - polling2
     - 1.75

Linux.
"""
    assert list(bars.lines_of(bars.read_table(page))) == [
        ("group", "one condition", ""),
        ("size", "1 byte", "1 is the hand-written loop: 2 ms"),
        ("bar", "httsleep", "0.25"),
        ("group", "eight conditions", ""),
        ("size", "1 byte", "1 is the hand-written loop: 3 ms"),
        ("bar", "polling2", "1.75"),
    ]


def test_a_new_table_takes_the_place_of_the_last_one(tmp_path, monkeypatch):
    """``polls.py --write`` changes the table and the line below it, and no more."""
    page = bars.PAGE.read_text()
    monkeypatch.setattr(bars, "PAGE", tmp_path / "speed.rst")
    monkeypatch.setattr(drawing, "FOLDER", tmp_path)
    bars.PAGE.write_text(page)
    times = {
        (name, size): [1.0]
        for group in polls.GROUPS.values()
        for name, sizes in group.items()
        for size in sizes
    }
    printed = "\n".join([*polls.table(times), "", "Here; median of 1 rounds.", ""])
    polls.write(printed)
    written = bars.PAGE.read_text()
    before, after = written.split(printed)
    assert page.startswith(before)
    assert page.endswith(after)
    assert after.count(".. list-table::") == page.count(".. list-table::") - 1
    drawn = (tmp_path / "polls-light.svg").read_text()
    assert set(re.findall(r">(\d\.\d\d)<", drawn)) == {"1.00"}
