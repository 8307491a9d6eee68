"""Measurements: each prints a figure, and the ratio to the raw way of doing the same in the same run."""
