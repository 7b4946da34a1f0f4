"""How features move a model: the work behind `fastgrad.sensitivity`."""
