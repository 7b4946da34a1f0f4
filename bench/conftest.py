"""Puts this folder on the path: the workloads are modules beside the suite."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
