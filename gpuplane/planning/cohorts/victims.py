"""Whom a workload preempts, in the way that is on: by priority and hierarchy, or by shares."""

from __future__ import annotations

from gpuplane.planning.cohorts.fair_preemption import fair_targets
from gpuplane.planning.cohorts.preemption import Attempt, classical_targets
from gpuplane.planning.cohorts.snapshot import Snapshot
from gpuplane.planning.cohorts.workloads import Admitted


def targets(snapshot: Snapshot, attempt: Attempt) -> list[Admitted]:
    """``getTargets``: the workloads to preempt so that it fits; none where there are no such."""
    return fair_targets(snapshot, attempt) if snapshot.setting.is_fair else classical_targets(snapshot, attempt)
