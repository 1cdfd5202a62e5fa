import ast
import dataclasses
import inspect
import logging
import re
import shutil
import subprocess
import sys
from importlib import import_module, metadata, resources
from pathlib import Path

import pytest

import httsleep
import httsleep.exceptions
import httsleep.main
from httsleep import HttSleeper, main


def test_the_public_names_are_these():
    """The package has these names and no others, sorted, and each is there."""
    assert httsleep.__all__ == [
        *("Alarm", "Attempt", "BodyTooLarge", "BoundedSession", "Cancelled"),
        *("Condition", "GaveUp", "HttSleepError", "HttSleeper", "JSONPathEntry"),
        "UnexpectedResponse",
        *("exponential", "httsleep"),
    ]
    assert httsleep.__all__ == sorted(httsleep.__all__)
    assert all(hasattr(httsleep, name) for name in httsleep.__all__)


def test_a_star_import_brings_the_public_names():
    """``from httsleep import *`` brings what ``__all__`` says."""
    names = {}
    exec("from httsleep import *", names)
    del names["__builtins__"]
    assert sorted(names) == httsleep.__all__


def test_dir_shows_the_public_names():
    """``dir(httsleep)`` has no module and no name of the package's own."""
    assert dir(httsleep) == sorted([*httsleep.__all__, "__version__"])


def test_the_version_is_that_of_the_distribution():
    """The version stands in the package, and the metadata is made from it."""
    try:
        version = metadata.version("httsleep")
    except metadata.PackageNotFoundError:
        pytest.skip("httsleep is not installed")
    assert httsleep.__version__ == version


def test_a_package_in_a_zip_has_its_version(tmp_path):
    """Neither a zip nor a copy in another package has metadata, and both know it."""
    package = Path(httsleep.__file__).parent
    shutil.make_archive(tmp_path / "packed", "zip", package.parent, package.name)
    shutil.copytree(package, tmp_path / "vendor" / "httsleep")
    code = (
        "import runpy, sys; import {0} as package; "
        "assert package.__file__.startswith({1!r}), package.__file__; "
        "print(package.__version__, flush=True); sys.argv = ['httsleep', '--version']; "
        "runpy.run_module('{0}', run_name='__main__')"
    )
    for name, place in (("httsleep", "packed.zip"), ("vendor.httsleep", "")):
        path = str(tmp_path / place)
        printed = run(f"sys.path.insert(0, {path!r}); " + code.format(name, path))
        version = httsleep.__version__
        assert printed == f"{version}\nhttsleep {version}\n"


def test_the_names_that_existing_users_import_are_there():
    """Code written for older versions finds its names where it looks for them."""
    from httsleep.exceptions import Alarm
    from httsleep.main import (
        DEFAULT_MAX_RETRIES,
        DEFAULT_POLLING_INTERVAL,
    )
    from httsleep.main import (
        Alarm as SameAlarm,
    )
    from httsleep.main import (
        HttSleeper as SameHttSleeper,
    )

    assert Alarm is SameAlarm is httsleep.Alarm
    assert SameHttSleeper is HttSleeper
    assert (DEFAULT_POLLING_INTERVAL, DEFAULT_MAX_RETRIES) == (2, 50)


def test_the_loop_sleeps_through_a_global_of_main(answers, monkeypatch):
    """A patch of ``httsleep.main.sleep`` takes the place of every sleep of a run."""
    answers(503, 503, 200)
    naps = []
    monkeypatch.setattr("httsleep.main.sleep", naps.append)
    httsleep.httsleep("http://server/endpoint", status_code=200)
    assert naps == [2, 2]


def test_function_and_class_take_the_same_arguments():
    """The signatures are the same but for what is returned."""
    function = inspect.signature(httsleep.httsleep)
    constructor = inspect.signature(HttSleeper)
    assert function.parameters == constructor.parameters
    assert function.return_annotation is not constructor.return_annotation
    init = inspect.signature(HttSleeper.__init__)
    assert list(init.parameters)[1:] == list(function.parameters)


def test_only_three_arguments_are_positional():
    """What comes after ``alarms`` is given by name."""
    parameters = inspect.signature(HttSleeper).parameters.values()
    positional = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert positional == ["url_or_request", "until", "alarms"]
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters if p.name not in positional)
    with pytest.raises(TypeError):
        HttSleeper("http://server/endpoint", {"status_code": 200}, [], 200)


def test_the_defaults_are_shown_in_the_signature():
    """A signature shows each default as a number."""
    parameters = inspect.signature(HttSleeper).parameters
    shown = {name: repr(each.default) for name, each in parameters.items()}
    assert shown["max_retries"] == "50"
    assert shown["max_retry_after"] == "300"
    assert shown["polling_interval"] == "2"
    assert shown["request_timeout"] == "30"
    assert shown["max_body_size"] == str(16 * 2**20)
    assert shown["max_body_excerpt"] == "200"
    assert shown["ignore_exceptions"] == "()"
    assert shown["allow_redirects"] == "True"
    others = {"url_or_request", "max_retries", "max_retry_after", "polling_interval"}
    others |= {"request_timeout", "max_body_size", "max_body_excerpt"}
    others |= {"ignore_exceptions"}
    others |= {"allow_redirects"}
    assert {shown[name] for name in set(shown) - others} == {"None"}


@pytest.mark.parametrize("name", [n for n in vars(main) if n.startswith("DEFAULT_")])
def test_the_signature_has_the_constants_in_numbers(name):
    """Each default is the value of its constant, which the docs name."""
    parameters = inspect.signature(HttSleeper).parameters
    argument = name.removeprefix("DEFAULT_").lower()
    assert parameters[argument].default == getattr(main, name)


def test_editors_show_the_defaults_as_numbers():
    """The signature in the source, which editors show, has no name for a default."""
    (function,) = ast.parse(inspect.getsource(httsleep.httsleep)).body
    defaults = [*function.args.defaults, *filter(None, function.args.kw_defaults)]
    assert not any(isinstance(each, ast.Name) for each in defaults)


def test_every_argument_is_annotated_and_documented():
    """Editors show a type for each argument, and the docstring has a word on it."""
    for name, parameter in inspect.signature(httsleep.httsleep).parameters.items():
        assert parameter.annotation is not parameter.empty
        assert f":param {name}:" in httsleep.httsleep.__doc__
    assert ":func:`httsleep`" in HttSleeper.__doc__


def _explained(*classes):
    """Return the attributes that have a docstring below them, where editors look."""
    below = r'^ +(?:self\.)?(\w+)(?:: | = )[^\n]+\n +"""'
    # Not inspect.getsource(), because a public exception has not its own module.
    files = (httsleep.exceptions, httsleep.attempt)
    source = "".join(map(inspect.getsource, files))
    bodies = {
        text.partition("(")[0].partition(":")[0]: text
        for text in re.split(r"^class ", source, flags=re.MULTILINE)
    }
    return {
        name
        for cls in classes
        for name in re.findall(below, bodies[cls.__name__], re.MULTILINE)
    }


@pytest.mark.parametrize("name", ["Alarm", "GaveUp", "Cancelled", "BodyTooLarge"])
def test_editors_explain_the_attributes_of_exceptions(name):
    """Each attribute has a docstring in the source, below its assignment."""
    cls = getattr(httsleep, name)
    ours = [each for each in cls.__mro__ if each.__module__.startswith("httsleep")]
    explained = _explained(*ours)
    of_requests = {"request", "response"} - explained
    assert explained == vars(cls("text")).keys() - of_requests


def test_editors_explain_the_fields_of_an_attempt():
    """Each public field has a docstring in the source, below its declaration."""
    fields = {each.name for each in dataclasses.fields(httsleep.Attempt)}
    assert _explained(httsleep.Attempt) == fields - {"_origin_only"}


@pytest.mark.parametrize("name", httsleep.__all__)
def test_every_public_name_has_a_docstring(name):
    """help() has something to say about each public name."""
    assert len(inspect.getdoc(getattr(httsleep, name))) > 20


def test_the_logger_has_a_null_handler():
    """The library says nothing until the application wants to hear it."""
    (handler,) = logging.getLogger("httsleep").handlers
    assert isinstance(handler, logging.NullHandler)


def test_the_package_is_typed():
    """Type checkers find the marker."""
    assert resources.files("httsleep").joinpath("py.typed").is_file()


def run(code):
    """What a fresh interpreter prints."""
    path = f"import sys; sys.path[:] = {sys.path!r}; "
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", path + code],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr


def test_importing_changes_no_logging():
    """The import sets no level and no handler but the one on its own logger."""
    assert (
        run(
            "import logging; import requests; "
            "names = set(logging.root.manager.loggerDict); "
            "root = logging.root; before = (root.level, root.handlers[:]); "
            "import httsleep; "
            "assert before == (root.level, root.handlers[:]); "
            "logger = logging.getLogger('httsleep'); "
            "assert logger.level == logging.NOTSET and logger.propagate; "
            "new = set(root.manager.loggerDict) - names - {'httsleep'}; "
            "assert not [n for n in new if n.startswith('httsleep')]; "
            "logger.error('not heard'); "
        )
        == ""
    )


LIBRARY = [
    *("wording", "formatting", "failures", "exceptions", "checks", "ignoring"),
    *("guesses", "attempt", "comparison", "operators", "paths", "decoding"),
    *("validators", "conditions", "intervals", "limits", "history", "request"),
    *("places", "follow", "connection", "session", "sending", "excerpt"),
    *("wait", "main", "__init__"),
]


@pytest.mark.parametrize("name", sorted({*LIBRARY} - {"__init__", "paths"}))
def test_pytest_shows_no_line_of_the_library(name):
    """pytest looks for this name in the globals of each function of a traceback."""
    assert vars(import_module(f"httsleep.{name}"))["__tracebackhide__"] is True


COMMAND = [
    *(
        "__init__",
        "exit_codes",
        "typed",
        "completion",
        "converters",
        "parser",
        "habits",
        "checkpoint_file",
        "words",
        "display",
        "build",
    ),
    *("signals", "waits", "main"),
]


def imported(path):
    """Return the modules of the package that a module imports, as it writes them."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield "." * node.level + (node.module or "")


def test_import_order_is_reading_order():
    """A module of the library imports only modules that come before it."""
    package = resources.files("httsleep")
    others = {"__main__.py", "stderr.py", "status_line.py"}
    modules = {each.name for each in package.iterdir() if each.name.endswith(".py")}
    assert modules - others == {f"{name}.py" for name in LIBRARY}
    for index, name in enumerate(LIBRARY):
        before = {f".{each}" for each in LIBRARY[:index]}
        assert before.issuperset(imported(package / f"{name}.py")), name


def test_the_status_line_imports_only_the_library():
    """The status line can be used without the command."""
    library = {f".{name}" for name in LIBRARY[:-1]}
    package = resources.files("httsleep")
    assert not list(imported(package / "stderr.py"))
    known = library | {".stderr"}
    assert known.issuperset(imported(package / "status_line.py"))


def test_the_command_is_read_in_its_own_order():
    """A module of the command imports only the library and what comes before it."""
    command = resources.files("httsleep.command")
    modules = {each.name for each in command.iterdir() if each.name.endswith(".py")}
    assert modules == {f"{name}.py" for name in COMMAND}
    known = {f"..{name}" for name in ["", *LIBRARY[:-1], "stderr", "status_line"]}
    for index, name in enumerate(COMMAND):
        before = {f".{each}" for each in COMMAND[:index]} | known
        assert before.issuperset(imported(command / f"{name}.py")), name
