"""The page docs/howto/how-often states the numbers that docs/intervals.py finds."""

import re
from pathlib import Path

import intervals
import pytest

pytestmark = pytest.mark.once

DOCS = Path(__file__).parent.parent / "docs"


@pytest.fixture(scope="module")
def costs():
    """The costs of all intervals, simulated once for this module."""
    return intervals.costs()


@pytest.fixture(scope="module")
def page():
    """The text of the page."""
    return (DOCS / "howto" / "how-often.rst").read_text()


def test_the_table_of_the_page_is_the_one_that_the_script_prints(costs, page):
    """All costs on the page are those that the script finds."""
    assert intervals.table(costs) in page


def test_the_checked_in_plots_are_those_that_the_script_draws(costs):
    """The plots show the costs; ``python docs/intervals.py --write`` draws them."""
    for path, drawn in intervals.plots(costs).items():
        assert path.read_text() == drawn, f"{path.name} is not what the script draws"


def test_the_recommendations_hold(costs, page):
    """The sentences that recommend an interval agree with the costs."""
    words = " ".join(page.split())
    slow, slower = costs["exponential(1, 1.1)"], costs["exponential(1, 1.2)"]
    ten, two = costs["10"], costs["2"]
    for claim in (
        f"{slow.requests:.0f} requests for a job, about as many as a poll every 10",
        f"at most {slow.mostly:.1%}".replace("%", " %"),
        f"not {ten.mostly:.1%}".replace("%", " %"),
        f"With {slower.requests:.0f} requests it is no later than a fixed interval",
        f"{two.requests:.0f} requests, and is never more than {two.latest:.0f} seconds",
    ):
        assert claim in words
    assert slow.requests < ten.requests < 1.2 * slow.requests
    assert slower.mostly <= ten.mostly


def test_doubling_is_later_than_a_fixed_interval_of_the_same_price(costs):
    """``exponential(1)`` lies above the line between the fixed 30 s and 60 s."""
    doubling, often, seldom = costs["exponential(1)"], costs["30"], costs["60"]
    assert seldom.requests < doubling.requests < often.requests
    share = (often.requests - doubling.requests) / (often.requests - seldom.requests)
    on_the_line = often.mostly + share * (seldom.mostly - often.mostly)
    assert doubling.mostly > on_the_line


def test_nearly_all_jobs_have_the_lengths_that_the_page_states(page):
    """Of 200 jobs one is shorter than 10 seconds, and one longer than an hour."""
    lengths = intervals.lengths()
    assert sum(length < 10 for length in lengths) == 1
    assert sum(length > 3600 for length in lengths) == 1
    assert sum(length > 180 for length in lengths) > 100
    assert re.search(r"99 of 100 take between 10 seconds\s+and one hour", page)
