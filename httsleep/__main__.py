"""``python -m httsleep`` is the command ``httsleep``."""

import sys

from .cli import main

sys.exit(main())
