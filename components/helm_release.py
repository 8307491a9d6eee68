"""A pinned Helm chart as one resource, with values that are typed where they are set.

``helm.v3.Release`` and not ``v4.Chart``: a Release is a normal resource under mocks, so its values are what
previews show and rules judge, and Helm's own hooks and upgrades run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi


@dataclass(frozen=True)
class ChartArgs:
    """A chart at one version.

    Attributes:
        chart: name in a repository, or an ``oci://`` reference.
        version: exact version.
        namespace: namespace it is installed in.
        repository: repository URL; None for ``oci://`` charts.
        create_namespace: make the namespace if it is not there.
    """

    chart: str
    version: str
    namespace: str
    repository: str | None = None
    create_namespace: bool = True


def helm_release(name: str, args: ChartArgs, values: Mapping[str, Any], opts: pulumi.ResourceOptions) -> pulumi.CustomResource:
    """Register one release; the release and the chart's objects bear ``name``."""
    from pulumi_kubernetes.helm.v3 import Release, ReleaseArgs, RepositoryOptsArgs

    return Release(name, ReleaseArgs(
        name=name, chart=args.chart, version=args.version, namespace=args.namespace, create_namespace=args.create_namespace,
        repository_opts=RepositoryOptsArgs(repo=args.repository) if args.repository else None,
        atomic=True, values=dict(values)), opts)
