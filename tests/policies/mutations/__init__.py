"""Mistakes made on purpose: one change of a valid platform, and the one rule that must find it."""
