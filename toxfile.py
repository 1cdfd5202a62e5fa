"""The Pythons that the gate tests on. Tox loads this file by its name.

pyenv puts a ``python3.12`` on the PATH that only prints an error unless that version is
selected. So the interpreters themselves are put there too, behind what is there
already. Tox asks each one for its version and takes those that answer. uv would
download those that are missing, which no contributor expects.
"""

import atexit
import os
import re
from pathlib import Path

from tox.plugin import impl

pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
interpreters = map(str, sorted(pyenv.glob("versions/3.*/bin")))
os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], *interpreters])
os.environ["UV_PYTHON_DOWNLOADS"] = "never"

tested = []


@impl
def tox_after_run_commands(tox_env, exit_code, outcomes):
    """Note the Python that the tests ran on."""
    if tox_env.name.startswith("py3"):
        settings = (tox_env.env_dir / "pyvenv.cfg").read_text()
        version = re.search(r"version_info = (\d+)\.(\d+)\.(\d+)", settings)
        tested.append(tuple(map(int, version.groups())))


@atexit.register
def say_what_was_tested():
    """Print below everything else what was tested, and what was not."""
    if not tested:
        return
    minors = {minor for _, minor, _ in tested}
    missing = [f"Python 3.{minor}" for minor in (11, 12, 13) if minor not in minors]
    if 11 not in minors:
        missing.append("the oldest dependencies, which only Python 3.11 has")
    if minors == {11}:
        missing.append("the newest dependencies, which Python 3.11 has not")
    missing.append("what takes minutes: see CONTRIBUTING.rst")
    versions = ", ".join(".".join(map(str, each)) for each in sorted(tested))
    print(f"tested on Python {versions}; not tested: {'; '.join(missing)}")
