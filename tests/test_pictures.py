"""The pictures of the documentation are those that its scripts draw."""

import re
from pathlib import Path

import bars
import pictures
import pytest

import httsleep
from httsleep import HttSleeper

pytestmark = pytest.mark.once

ROOT = Path(__file__).parent.parent
FILES = sorted(ROOT.glob("docs/_static/*.svg"))


@pytest.fixture(scope="module")
def drawn():
    """The pictures by their files, drawn once for this module."""
    return pictures.pictures() | bars.pictures()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_checked_in_picture_is_the_one_that_the_script_draws(file, drawn):
    """``python docs/pictures.py`` draws it, or ``python benchmarks/bars.py``.

    tests/test_intervals.py has the plots.
    """
    if not file.name.startswith("intervals-"):
        assert file.read_text(encoding="utf-8") == drawn[file]


def test_each_picture_is_checked_in(drawn):
    """The scripts draw no picture that the repository has not."""
    assert drawn.keys() <= set(FILES)


def test_the_picture_of_the_conditions_has_every_key():
    """Its right column is the table of the keys."""
    drawn = (pictures.FOLDER / "conditions-light.svg").read_text(encoding="utf-8")
    keys = {*HttSleeper.validators, "consecutive"}
    assert keys == {key for key in keys if f">{key}</text>" in drawn}


def test_the_picture_of_the_exceptions_has_every_exception():
    """It has all exceptions of the package."""
    drawn = (pictures.FOLDER / "exceptions-light.svg").read_text(encoding="utf-8")
    names = {each for each in httsleep.__all__ if is_exception(getattr(httsleep, each))}
    assert names
    assert names == {name for name in names if f">{name}</text>" in drawn}


def is_exception(value):
    """Whether this is an exception of httsleep."""
    return isinstance(value, type) and issubclass(value, httsleep.HttSleepError)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_page_shows_the_picture(file):
    """No file is left over from a page that shows another picture."""
    name = file.stem.rpartition("-")[0]
    pages = "".join(page.read_text() for page in ROOT.glob("docs/**/*.rst"))
    assert f".. picture:: {name}\n" in pages


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_picture_is_readable_on_a_telephone(file):
    """Its smallest letters are 11 pixels high on a page of 380 pixels."""
    drawn = file.read_text(encoding="utf-8")
    width = int(re.search(r'viewBox="0 0 (\d+)', drawn)[1])
    smallest = min(map(float, re.findall(r"font-size[:=]\"?([\d.]+)", drawn)))
    if not file.stem.endswith("-wide"):
        assert smallest * 380 / width > 11
