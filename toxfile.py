"""The Pythons that the gate tests on. Tox loads this file by its name.

pyenv puts a ``python3.12`` on the PATH that only prints an error unless that version is
selected. So the interpreters themselves are put there too, behind what is there
already. Tox asks each one for its version and takes those that answer.
"""

import atexit
import os
from pathlib import Path

from tox.plugin import impl

pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
interpreters = map(str, sorted(pyenv.glob("versions/3.*/bin")))
os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], *interpreters])

tested = []


@impl
def tox_after_run_commands(tox_env, exit_code, outcomes):
    """Note which Python the tests ran on."""
    if tox_env.name.startswith("py3"):
        tested.append(tox_env.base_python.version_info[:3])


@atexit.register
def say_what_was_tested():
    """Print it below everything else."""
    if tested:
        versions = (".".join(map(str, each)) for each in sorted(tested))
        print("tested on:", ", ".join(versions))
