"""Releases on their way from one environment to the next and back: evidence, gates, git, and where each came from."""
