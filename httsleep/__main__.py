"""``python -m httsleep`` is the command ``httsleep``."""

import sys

from .command.main import main

sys.exit(main())
