"""``python -m fastgrad``."""

import sys

from .command.cli import script

sys.exit(script())
