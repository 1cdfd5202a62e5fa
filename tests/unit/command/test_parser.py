import re
import shlex

import pytest

import httsleep
from httsleep.command.build import build
from httsleep.command.parser import build_parser

URL = "http://server/jobs/1"


@pytest.fixture
def refused(capsys):
    """Return the one line of the error about these words."""

    def parse(*words):
        with pytest.raises(SystemExit) as caught:
            build_parser().parse_args(words)
        out, err = capsys.readouterr()
        assert (caught.value.code, out) == (2, "")
        match = re.fullmatch(r"httsleep: (.*) \(see httsleep --help\)\n", err)
        assert match, f"not one line: {err}"
        return match[1]

    return parse


def test_only_options_that_are_given_have_a_value():
    """An option that is not given is left to the defaults of the library."""
    assert vars(build_parser().parse_args([URL, "-q"])) == {"url": URL, "quiet": 1}


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ([], "the following arguments are required: URL"),
        ([URL, "-X"], "argument -X/--request: expected one argument"),
        ([URL, "--max-time", "0"], "argument --max-time: '0': give a duration above 0"),
        (
            [URL, "--request-timeout", "0"],
            "argument --request-timeout: '0': give a duration above 0",
        ),
        (
            [URL, "--backoff", "0s"],
            "argument --backoff: '0s': give a duration above 0",
        ),
        (
            [URL, "--max-retries", "0"],
            "argument --max-retries: '0': give a whole number of at least 1",
        ),
        (
            [URL, "--max-body-size", "1.5"],
            "argument --max-body-size: '1.5': give a whole number of at least 1",
        ),
        ([URL, "--quiet=secret"], "argument -q/--quiet: takes no value"),
        (
            [URL, "-u", "secret"],
            "argument -u/--user: there is no colon: give USER:PASSWORD or @FILE",
        ),
        (
            [URL, "-H", "secret"],
            "argument -H/--header: give 'NAME: VALUE', the name in one word, or @FILE",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_error_names_the_option_and_no_secret(refused, words, error):
    """An error is one line with the option's name, without a possible secret."""
    assert refused(*words) == error


@pytest.mark.parametrize(
    ("option", "value"), [("ignore", "KeyError"), ("log-format", "xml")]
)
def test_a_choice_is_one_of_a_few(refused, option, value):
    """The error for a wrong choice names the option and the choices."""
    assert re.fullmatch(
        f"argument --{option}: invalid choice: '{value}' .*choose from .*",
        refused(URL, f"--{option}", value),
    )


@pytest.mark.parametrize("prefix", ["--", "--alarm-"])
def test_one_text_is_expected(refused, prefix):
    """A second text, or a text beside a regular expression, is refused."""
    text, matches = f"{prefix}text", f"{prefix}text-matches"
    error = f"argument {matches}: not allowed with argument {text}"
    assert refused(URL, text, "a", matches, "a") == error
    error = f"argument {text}: can be given only once"
    assert refused(URL, text, "a", text, "b") == error


def test_the_version_is_that_of_the_package(capsys):
    """``--version`` prints the version, and needs no URL."""
    with pytest.raises(SystemExit) as caught:
        build_parser().parse_args(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr() == (f"httsleep {httsleep.__version__}\n", "")


def test_help_shows_every_option(capsys):
    """``--help`` has a line for each option, and the exit codes."""
    parser = build_parser()
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(["-h"])
    out, _ = capsys.readouterr()
    assert caught.value.code == 0
    assert "124 gave up" in out
    words = set(re.findall(r"(?<![\w-])--?[A-Za-z][a-z-]*", out))
    for action in parser._actions:
        assert action.help
        assert words.issuperset(action.option_strings)


def test_the_examples_of_the_help_can_be_typed(capsys):
    """The help begins with three command lines that work."""
    description = build_parser().description.partition("examples:\n")[2]
    examples = description.replace("\\\n", "").replace("> job.json", "").splitlines()
    assert len(examples) == 3
    for example in examples:
        name, *words = shlex.split(example)
        assert name == "httsleep"
        assert build(words).endpoints
