"""A pinned Helm chart as one resource, with values that this version of the chart knows, and no others.

``helm.v3.Release`` and not ``v4.Chart``: a Release is a normal resource under mocks, so its values are what
previews show and rules judge, and Helm's own hooks and upgrades run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from gpuplane.catalog.charts import Chart, chart_versions, nearest_chart


@dataclass(frozen=True)
class ChartArgs:
    """A chart at one version.

    Attributes:
        chart: name in a repository, an ``oci://`` reference, or the path of a folder.
        version: exact version.
        namespace: namespace it is installed in.
        repository: repository URL; None for ``oci://`` charts and folders.
        create_namespace: make the namespace if it is not there.
        keys: the values it takes; None for the charts of the catalogue.
    """

    chart: str
    version: str
    namespace: str
    repository: str | None = None
    create_namespace: bool = True
    keys: Chart | None = None

    @property
    def name(self) -> str:
        """The chart's own name."""
        return self.chart.rpartition("/")[2]


def helm_release(name: str, args: ChartArgs, values: Mapping[str, Any], opts: pulumi.ResourceOptions) -> pulumi.CustomResource:
    """Register one release; the release and the chart's objects bear ``name``.

    Raises:
        ValueError: the values of this version are not known, or the chart does not take one of these.
    """
    from pulumi_kubernetes.helm.v3 import Release, ReleaseArgs, RepositoryOptsArgs

    _check(args, values)
    return Release(name, ReleaseArgs(
        name=name, chart=args.chart, version=args.version, namespace=args.namespace, create_namespace=args.create_namespace,
        repository_opts=RepositoryOptsArgs(repo=args.repository) if args.repository else None,
        atomic=True, values=dict(values)), opts)


def with_further(values: Mapping[str, Any], further: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Values with further ones beside them.

    Raises:
        ValueError: a further value is one that is set already.
    """
    result = dict(values)
    for key, value in further.items():
        there = result.get(key)
        if isinstance(there, Mapping) and isinstance(value, Mapping):
            result[key] = with_further(there, value, f"{path}{key}.")
        elif key in result:
            raise ValueError(f"{path}{key} is set already, to {there!r}; leave it out")
        else:
            result[key] = value
    return result


def _check(args: ChartArgs, values: Mapping[str, Any]) -> None:
    known = args.keys or nearest_chart(args.name, args.version)
    if known is None:
        there_are = ", ".join(chart_versions(args.name)) or "none"
        raise ValueError(f"the values of chart {args.name} {args.version} are not known; known versions: {there_are}")
    problems = [str(problem) for problem in known.problems(values)]
    if problems:
        raise ValueError("\n".join(problems))
