"""How many replicas of a service a drain may take away at once."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from gpuplane.components.kubernetes_object import KubernetesObject, Manifest, child_options, metadata
from gpuplane.spec.vocabulary import SOURCE, TENANT


@dataclass(frozen=True)
class DisruptionBudgetArgs:
    """A budget for the pods that bear the labels.

    Attributes:
        name, namespace: of the budget.
        pod_labels: of the pods.
        max_unavailable: of them, at once.
        source: document that asked for it, for reports.
    """

    name: str
    namespace: str
    pod_labels: dict[str, str]
    max_unavailable: int = 1
    source: str = ""


class DisruptionBudget(pulumi.ComponentResource):
    """One PodDisruptionBudget."""

    def __init__(self, name: str, args: DisruptionBudgetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:DisruptionBudget", name, {"name": args.name, "namespace": args.namespace}, opts)
        KubernetesObject(f"{args.namespace}-{args.name}", manifest(args), child_options(self, opts))
        self.register_outputs({"name": args.name})


def manifest(args: DisruptionBudgetArgs) -> Manifest:
    """The PodDisruptionBudget as its API takes it; pods that never became ready do not hold a drain up."""
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": metadata(args.name, args.namespace, {TENANT: args.namespace},
                                 {SOURCE: args.source} if args.source else None),
            "spec": {"maxUnavailable": args.max_unavailable, "selector": {"matchLabels": dict(sorted(args.pod_labels.items()))},
                     "unhealthyPodEvictionPolicy": "AlwaysAllow"}}
