"""Patterns that errors of gradients have: what is looked at, what each predicts, which is believed, and its words."""
