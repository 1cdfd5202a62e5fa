"""The completion of bash, in a bash."""

import pytest

SCRIPT = """
    eval "$(httsleep --print-completion bash)"
    COMP_WORDS=(httsleep http://server "$@")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _httsleep httsleep "${COMP_WORDS[COMP_CWORD]}"
    printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def completed(spawn, finish, tmp_path):
    """Return what bash makes of the last word."""
    (tmp_path / "failed.json").touch()
    (tmp_path / "folder").mkdir()

    def complete(*words):
        ended = finish(spawn("bash", "-c", SCRIPT, "bash", *words))
        assert (ended.code, ended.err) == (0, "")
        return set(ended.out.decode().split())

    return complete


def test_bash_completes_options_choices_and_files(completed):
    """A file is completed where an option takes one, or behind its @."""
    assert completed("--max-ret") == {"--max-retries", "--max-retry-after"}
    assert completed("--ignore", "To") == {"TooManyRedirects"}
    assert completed("--log-format", "") == {"text", "json"}
    assert completed("--cacert", "f") == {"failed.json", "folder"}
    assert completed("--until", "@fa") == {"@failed.json"}
    assert completed("--until", "fa") == set()
    assert completed("-d", "@f") == {"@failed.json", "@folder"}


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("http://server --until @fa", "--until @failed.json |"),
        ("server -u @fo", "-u @folder/|"),
        ("server --cacert fo", "--cacert folder/|"),
        ("server -- ./fa", "-- ./failed.json |"),
    ],
)
def test_a_bash_that_was_just_started_completes_files(terminal, tmp_path, typed, shown):
    """The script is read by the start-up file, before bash has its first prompt."""
    (tmp_path / "failed.json").touch()
    (tmp_path / "folder").mkdir()
    start = "PS1='ready> '\neval \"$(httsleep --print-completion bash)\"\n"
    (tmp_path / "bashrc").write_text(start)
    tty = '<"$TTY" >"$TTY" 2>"$TTY"'
    bash = terminal(before=f"exec bash --noprofile --rcfile bashrc -i {tty};")
    bash.until("ready>")
    bash.type(f"httsleep {typed}\t|".encode())
    bash.until(shown)
