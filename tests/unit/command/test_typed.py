import shlex

import pytest

from httsleep.command.typed import (
    as_word,
    instead_of_condition,
    instead_of_json,
    quoted,
    split_comparison,
    typed_comparison,
)

KEEP_QUOTES = "put JSON into single quotes, else the shell removes its double quotes"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("$.a=b", ("$.a", "=", "b")),
        ("$.a!=b=c", ("$.a", "!=", "b=c")),
        ("$.a >= 5", ("$.a ", ">=", " 5")),
        ("$.a==b", ("$.a", "==", "b")),
        ("$.a=~/x", ("$.a", "=", "~/x")),
        ("$[?(@.a>5)].b<7", ("$[?(@.a>5)].b", "<", "7")),
        ("$.'a<b'=7", ("$.'a<b'", "=", "7")),
        ("$[?(@.a==1)]", None),
        ("$.a", None),
    ],
)
def test_a_comparison_is_split_at_its_own_operator(text, parts):
    """The first operator outside brackets and quotes counts."""
    assert split_comparison(text) == parts


def test_a_comparison_is_typed_in_the_shortest_way():
    """``=`` has a short form, but not for --pending; a value is JSON if it can be."""
    assert typed_comparison("--until", "$.a ", "=", " 'b'") == "--jsonpath '$.a=b'"
    assert typed_comparison("--until", ".a", "==", "b") == "--jsonpath '$.a=b'"
    assert typed_comparison("--pending", "$.a", "=", "1") == (
        """--pending '{"jsonpath": {"expression": "$.a", "value": 1}}'"""
    )


def test_a_word_is_quoted_for_the_shell():
    """A word is read back by the shell as it was, and stays on one line."""
    assert shlex.split(as_word({"it's": "ä €"})) == ['{"it\'s": "ä €"}']
    assert as_word(5) == "5"
    assert quoted("a\nb") == "'a\\nb'"
    assert len(quoted("x" * 5000)) == 1000


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("failed.json", "for the content of a file give @failed.json"),
        ("'my failed.json'", "for the content of a file give '@my failed.json'"),
        ("{'a': True, 'b': None}", """as JSON it is '{"a": true, "b": null}'"""),
        ("'OK'", """as JSON it is '"OK"'"""),
        ("True", "as JSON it is true"),
        ("(1, 2)", "as JSON it is '[1, 2]'"),
        ("{status_code: 200}", KEEP_QUOTES),
        ("{1, 2}", KEEP_QUOTES),
        ("[OK]", KEEP_QUOTES),
        ('{"a": 1', "close all quotes and brackets"),
        ("[" * 100_000, KEEP_QUOTES),
        (r"'\d'", r"""as JSON it is '"\\d"'"""),
        ("OK", """a string has double quotes: '"OK"'"""),
        ("", """a string has double quotes: '""'"""),
    ],
    ids=lambda value: value[:20],
)
def test_what_to_type_instead_of_text_that_is_not_json(text, instead):
    """A name of a file, Python, and JSON whose quotes the shell removed are known."""
    assert instead_of_json(text) == instead


def test_a_file_needs_an_at_sign(tmp_path):
    """A file that exists needs no name that ends with .json."""
    path = tmp_path / "failed"
    path.touch()
    text = f"for the content of a file give @{path}"
    assert instead_of_json(str(path)) == text
    assert instead_of_condition(str(path), "--until") == text


@pytest.mark.parametrize(
    ("text", "option", "instead"),
    [
        ("$.status=X", "--until", "give --jsonpath '$.status=X'"),
        ("$.status==X", "--alarm", "give --alarm-jsonpath '$.status=X'"),
        (
            "$.a=X",
            "--pending",
            """give --pending '{"jsonpath": {"expression": "$.a", "value": "X"}}'""",
        ),
        (
            "$.status!=X",
            "--alarm",
            """give --alarm '{"jsonpath": {"expression": "$.status", """
            """"not_in": ["X"]}}'""",
        ),
        ("2xx", "--until", "give --status-code 2xx"),
        ("200,204", "--until", "give --status-code 200,204"),
        ("5XX", "--alarm", "give --alarm-status-code 5XX"),
        ("2xx", "--pending", """give a condition such as '{"jsonpath": {"$.status":"""),
        (
            "OK",
            "--until",
            """give a condition such as '{"jsonpath": {"$.status": "SU""",
        ),
        ("{status: 1}", "--until", KEEP_QUOTES),
    ],
)
def test_what_to_type_instead_of_a_condition(text, option, instead):
    """A comparison and a status have short forms, but not for --pending."""
    assert instead_of_condition(text, option).startswith(instead)
