"""What a reader should know of the cluster itself though nothing is refused."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.spec.environment_spec import EnvironmentSpec


def cluster_notes(spec: EnvironmentSpec) -> Iterator[str]:
    """By what a cluster is known that has no UID yet."""
    if spec.environment.spec.known_by_export:
        yield (f"The cluster {spec.environment.spec.cluster.name} is pinned by its first apply: from then on everything above the layer "
               "cluster is held against the endpoint and certificate authority that its stack exports.")
