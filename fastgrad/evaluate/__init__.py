"""Who calls f: the kinds of function, and the border to C."""
