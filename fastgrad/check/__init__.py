"""Checks of hand-coded derivatives."""
