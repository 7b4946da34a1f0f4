"""``python -m fastgrad``."""

import sys

from ._cli import main

sys.exit(main())
