"""Where f is asked for seven equally spaced values. What they say is found in C: `border.seven_values`."""

import numpy as np

POINTS = 7
OTHERS = np.array([[k - place for k in range(POINTS) if k != place] for place in range(POINTS)], dtype=np.float64)
"""Offsets of the other points, in steps, for each place that x may have among the seven."""
CENTRAL = OTHERS[POINTS // 2]
"""The same with x in the middle."""
