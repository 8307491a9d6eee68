"""Manifests read by all processors, where there are files enough: each process takes the next part of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gpuplane.delivery.chunks import done_by_all
from gpuplane.graph.manifests import Read, read_files
from gpuplane.spec.yaml_source import Limits

_LEAST: Final = 1_000
"""Files below which a child is not worth its start."""
_MOST: Final = 20_000
"""Files above which a child, which holds its share once more until it is handed over, would take more memory than the time is worth."""
_PART: Final = 50
"""Files that are read and handed over together: few enough that what takes long is spread over all processors."""


def read_by_all_processors(files: Sequence[Path], limits: Limits) -> Read:
    """The same objects and errors in the same order as one process reads; what a child does not answer for is read here."""
    if not _LEAST <= len(files) <= _MOST:
        return read_files(files, limits)
    parts = {str(start): files[start:start + _PART] for start in range(0, len(files), _PART)}
    found = done_by_all(list(parts), lambda part: read_files(parts[part], limits), least=2)
    return [view for part in parts for view in found[part][0]], [error for part in parts for error in found[part][1]]
