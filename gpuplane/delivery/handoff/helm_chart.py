"""A Helm release as the chart that it is of, in the words that every engine has for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gpuplane.graph.resource_view import ResourceView, mapping

_OCI = "oci://"


@dataclass(frozen=True)
class HelmChart:
    """A pinned chart and what it is installed with.

    Attributes:
        release: name of the release.
        repository: URL; with ``oci://`` of a registry, without the chart's name.
        chart, version: exactly one.
        values: typed; as the preview shows them and the rules judge them.
        creates_namespace: whether the release makes its namespace.
    """

    release: str
    namespace: str
    repository: str
    chart: str
    version: str
    values: Mapping[str, Any]
    creates_namespace: bool

    @property
    def is_oci(self) -> bool:
        """Whether the chart lies in an OCI registry."""
        return self.repository.startswith(_OCI)

    @property
    def registry(self) -> str:
        """The registry without its scheme, as Argo CD takes it; of other repositories their URL."""
        return self.repository.removeprefix(_OCI)


def helm_chart(view: ResourceView) -> HelmChart:
    """The chart of a planned Helm release, which is wholly known."""
    props = view.props
    named = str(props["chart"])
    above, _, chart = named.rpartition("/")
    repository = above if named.startswith(_OCI) else str(mapping(props.get("repositoryOpts")).get("repo", ""))
    return HelmChart(str(props["name"]), str(props["namespace"]), repository, chart, str(props["version"]), mapping(props.get("values")),
                     bool(props.get("createNamespace")))
