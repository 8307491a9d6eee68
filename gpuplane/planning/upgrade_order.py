"""In which order a change of versions is brought in, so that nothing stands on what is not there yet.

The control plane goes one minor version at a time. What runs on the old Kubernetes goes before it, what needs the new one after it;
kubelets follow the API server, and drivers come before the engines that need them. Going back is the other way round: engines first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gpuplane.catalog.chart_support import KUBELET_MINORS_BEHIND, chart_support
from gpuplane.catalog.compatibility import operator_driver
from gpuplane.catalog.versions import numbers
from gpuplane.planning.chart_rules import CHARTS, block_of
from gpuplane.planning.refusal import CONTROL_PLANE_STEP, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.node_pool import NodePool

KUBERNETES = "Kubernetes"
_CHART, _IMAGE, _DRIVER, _ENGINE = "chart ", "node image of ", "driver of the nodes", "engine of "


@dataclass(frozen=True)
class UpgradeStep:
    """One version that changes: what, from and to, and why it stands at this place."""

    what: str
    before: str
    after: str
    reason: str

    def __str__(self) -> str:
        return f"{self.what} {self.before} → {self.after}: {self.reason}"


def versions_of(spec: EnvironmentSpec) -> dict[str, str]:
    """Every version that an environment pins, by what it is of."""
    settings = spec.environment.spec
    found = {KUBERNETES: settings.cluster.kubernetes_version}
    for block, chart in CHARTS.items():
        software = block_of(spec, block)
        if software is not None:
            found[f"{_CHART}{chart}"] = software.version
    operator = settings.gpu_operator
    if operator is not None and operator.driver is not None:
        default = operator_driver(operator.version)
        found[_DRIVER] = operator.driver.version or (default.version if default is not None else f"of gpu-operator {operator.version}")
    for name, pool in spec.pools.items():
        image = _image_version(pool)
        if image is not None:
            found[f"{_IMAGE}{name}"] = image
    for entry in spec.services.values():
        for engine in ("vllm", "triton"):
            server = getattr(entry.document.spec.release, engine)
            if server is not None:
                found[f"{_ENGINE}{entry.name}"] = f"{engine} {server.version}"
    return dict(sorted(found.items()))


def _image_version(pool: NodePool) -> str | None:
    """The pinned node image: ``1.36.3-20261104``, or with its family in front where the release does not say the kubelet's version."""
    group, karpenter = pool.spec.eks_managed_node_group, pool.spec.karpenter
    if group is not None:
        return f"bottlerocket {group.release_version}" if group.bottlerocket else group.release_version
    return (karpenter.ami.alias or karpenter.ami.id or "").replace("@v", " ") if karpenter is not None else None


def upgrade_steps(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[UpgradeStep, ...]:
    """The changes from one set of versions (:func:`versions_of`) to another, in order; what is new or gone is not a step.

    Versions that cannot be compared stand where an upgrade would.
    """
    changed = [what for what in sorted(before.keys() & after.keys()) if before[what] != after[what]]
    cluster = before.get(KUBERNETES, ""), after.get(KUBERNETES, "")
    ranked = sorted(((*_rank(what, before[what], after[what], cluster), what) for what in changed), key=lambda one: (one[0], one[2]))
    return tuple(step for _, reason, what in ranked for step in _steps(what, before[what], after[what], reason))


def control_plane_refusals(spec: EnvironmentSpec, before: Mapping[str, str]) -> Iterator[Refusal]:
    """CL-07: the cluster's Kubernetes goes back, or over a minor version, against what ``before`` says."""
    old, new = before.get(KUBERNETES, ""), spec.environment.spec.cluster.kubernetes_version
    if not old or 0 <= _minor(new) - _minor(old) <= 1:
        return
    back = _minor(new) < _minor(old)
    claim = (f"the cluster goes back from Kubernetes {old} to {new}, which no control plane does." if back else
             f"the cluster goes from Kubernetes {old} to {new}, and a control plane is upgraded one minor version at a time.")
    remedy = f"Set it to {old}." if back else f"Go to 1.{_minor(old) + 1} first, in a change of its own."
    yield refused(CONTROL_PLANE_STEP, spec.places["Environment", spec.name], "spec.cluster.kubernetes_version", claim, remedy, old, new)


def _steps(what: str, before: str, after: str, reason: str) -> Iterator[UpgradeStep]:
    if what != KUBERNETES or _minor(after) <= _minor(before):
        yield UpgradeStep(what, before, after, reason)
        return
    for minor in range(_minor(before), _minor(after)):
        yield UpgradeStep(what, f"1.{minor}", f"1.{minor + 1}", reason)


def _rank(what: str, before: str, after: str, cluster: tuple[str, str]) -> tuple[int, str]:
    """Place in the order, and the reason for it."""
    up = _upwards(before, after)
    if what == KUBERNETES:
        return 4, "one minor version at a time"
    if what.startswith(_CHART):
        return _chart(what.removeprefix(_CHART), after, cluster)
    if what.startswith(_IMAGE):
        return _image(before, after, cluster) if up else (2, "its driver goes back only after the engines that need it")
    if what == _DRIVER:
        return (6, "before the engines that need it") if up else (2, "it goes back only after the engines that need it")
    return (7, "its driver and runtime are there by then") if up else (1, "before the driver under it goes back")


def _chart(chart: str, after: str, cluster: tuple[str, str]) -> tuple[int, str]:
    support = chart_support(chart, after)
    if support is not None and cluster[0] and numbers(cluster[0]) < numbers(support.kubernetes):
        return 5, f"it needs Kubernetes {support.kubernetes}"
    changes = cluster[0] != cluster[1]
    if changes:
        return 3, f"it runs on Kubernetes {cluster[0]}, and the old one may not run on {cluster[1]}"
    return 3, "its CRDs come before objects that use them"


def _image(before: str, after: str, cluster: tuple[str, str]) -> tuple[int, str]:
    old, new = _kubelet(before), _kubelet(after)
    if old and new and cluster[0] and cluster[0] != cluster[1] and new <= numbers(cluster[0]) and (
            _minor(cluster[1]) - old[1] > KUBELET_MINORS_BEHIND):
        return 3, f"its kubelet would be more than {KUBELET_MINORS_BEHIND} minor versions behind Kubernetes {cluster[1]}"
    newer = new and cluster[0] and new > numbers(cluster[0])
    return 6, "a kubelet is not newer than the API server" if newer else "its driver comes before the engines that need it"


def _kubelet(image: str) -> tuple[int, ...]:
    """Minor version of an image's kubelet; empty where the image does not say it (Bottlerocket, and images that Karpenter takes)."""
    return numbers(image)[:2] if image[:1].isdecimal() else ()


def _minor(version: str) -> int:
    return numbers(version)[1]


def _upwards(before: str, after: str) -> bool:
    try:
        return numbers(before.rpartition(" ")[2]) < numbers(after.rpartition(" ")[2])
    except ValueError:
        return True
