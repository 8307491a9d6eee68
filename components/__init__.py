"""Pulumi components, one a file: typed arguments in, children below, usable without YAML or plan."""
