"""The command `fastgrad`."""
