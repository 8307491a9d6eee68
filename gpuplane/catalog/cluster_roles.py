"""ClusterRoles that are in every cluster, though nobody's manifests bring them: ``cluster-admin``, ``admin``, ``edit`` and ``view``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from gpuplane.catalog.data_files import read_yaml


@cache
def cluster_roles() -> Mapping[str, Mapping[str, Any]]:
    """Each of them as the API holds it, by name: ``metadata``, ``rules`` and, for those that collect others, ``aggregationRule``."""
    return MappingProxyType({name: {
        "metadata": {"name": name, "labels": row.get("labels", {})}, "rules": row.get("rules", []),
        **({"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": row["collects"]}]}} if "collects" in row else {}),
    } for name, row in read_yaml("cluster_roles.yaml")["roles"].items()})
