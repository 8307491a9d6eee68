"""How near each other a replica's pods are to stand, as the annotations that Kueue reads, and over what replicas are spread."""

from __future__ import annotations

from gpuplane.spec.inference_service import TopologyRequest
from gpuplane.spec.vocabulary import POD_SET_GROUP, TOPOLOGY_REQUEST

SPREAD_LABELS = {"node": "kubernetes.io/hostname", "zone": "topology.kubernetes.io/zone"}
"""Node labels over whose values replicas are spread."""


def topology_annotations(request: TopologyRequest | None, group: str | None = None) -> dict[str, str]:
    """Annotations of the pods; none where nothing is asked for.

    Args:
        request: what the service asks for.
        group: where a replica is a leader and workers, what keeps the two pod sets in one domain (Kueue v0.19, LeaderWorkerSet).
    """
    wished = {"required": request.required, "preferred": request.preferred} if request is not None else {}
    found = {TOPOLOGY_REQUEST.format(how=how): level for how, level in wished.items() if level is not None}
    return found | {POD_SET_GROUP: group} if found and group is not None else found
