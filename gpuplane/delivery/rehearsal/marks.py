"""Labels and names by which a rehearsal knows what is its own, and a cluster that may be thrown away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LABEL = "gpuplane.dev/rehearsal"
"""Label of everything that a rehearsal makes; its value is the environment's name."""
THROW_AWAY = "gpuplane-throw-away"
"""ConfigMap in ``kube-system`` that says: this cluster may be filled, emptied and thrown away."""
RUNNING = "gpuplane-rehearsal"
"""ConfigMap in ``kube-system`` that is there while a rehearsal runs, and after one that was killed."""
SYSTEM = "kube-system"
LOST_TAINT = "gpuplane.dev/rehearsal-lost"
"""Taint of a node that is rehearsed to be lost."""


def marked(body: Mapping[str, Any], run: str) -> dict[str, Any]:
    """The object with the label of a rehearsal."""
    metadata = dict(body["metadata"])
    metadata["labels"] = {**dict(metadata.get("labels") or {}), LABEL: run}
    return {**body, "metadata": metadata}
