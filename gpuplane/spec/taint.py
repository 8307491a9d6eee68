"""A node taint, in the Kubernetes spelling."""

from __future__ import annotations

from typing import Literal

from gpuplane.spec.model import LabelKey, LabelValue, SpecModel


class Taint(SpecModel):
    """A taint that keeps other workloads off the pool; written in the Kubernetes spelling."""

    key: LabelKey
    """Key of the taint."""
    value: LabelValue = ""
    """Value of the taint; may be empty."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = "NoSchedule"
    """What happens to pods that do not tolerate it."""


GPU_TAINT = Taint(key="nvidia.com/gpu", value="present", effect="NoSchedule")
"""Taint of GPU nodes, unless the pool says otherwise."""
TPU_TAINT = Taint(key="google.com/tpu", value="present", effect="NoSchedule")
"""Taint that GKE puts on every TPU node (GKE documentation, "About TPUs in GKE"); nobody can leave it out."""
