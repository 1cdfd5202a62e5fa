"""The exit codes of the command, which ``docs/cli.rst`` explains."""

from signal import SIGINT

MET = 0
ALARM = 1
USAGE = 2  # the command line cannot work
FAILED = 3
NOT_YET = 75  # EX_TEMPFAIL of sysexits.h: start the command again later
GAVE_UP = 124  # as timeout(1)
NOT_EXECUTABLE, NOT_FOUND = 126, 127  # of COMMAND, as in a shell
INTERRUPTED = 128 + SIGINT
