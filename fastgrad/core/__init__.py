"""The point, its coordinates and their options: what every verb shares."""
