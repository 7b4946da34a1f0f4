"""How derivatives come from values."""
