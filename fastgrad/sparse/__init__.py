"""Sparse Jacobians and Hessians: patterns, colours, compressed differences."""
