"""Volcano as a pinned Helm release, for gang-scheduled batch on pools of its own, and the policy that keeps its Jobs there.

The scheduler's plugin ``capacity`` is what reads ``guarantee``, ``deserved`` and ``capability`` of queues; the chart's default,
``proportion``, shares by weight and does not (Volcano 1.15, docs/design/capacity-scheduling.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import yaml

from gpuplane.components.helm_release import ChartArgs, helm_release, with_further
from gpuplane.components.kubernetes_object import child_options
from gpuplane.components.queue_admission import on_nodes, register_policy, resource_rule
from gpuplane.spec.vocabulary import TENANT

CHART_REPOSITORY = "https://volcano-sh.github.io/helm-charts"
NAMESPACE = "volcano-system"
JOB_POLICY = "gpuplane-volcano-jobs"
SCHEDULER: Mapping[str, Any] = {
    "actions": "enqueue, allocate, preempt, reclaim, backfill",
    "tiers": [{"plugins": [{"name": "priority"}, {"name": "gang"}, {"name": "conformance"}]},
              {"plugins": [{"name": "drf", "enablePreemptable": False}, {"name": "predicates"}, {"name": "capacity"}, {"name": "nodeorder"},
                           {"name": "binpack"}]}]}
"""The scheduler's whole configuration."""


@dataclass(frozen=True)
class VolcanoArgs:
    """The release.

    Attributes:
        version: chart version (no ``v``); None: Volcano is on the cluster already.
        nodes: labels of the nodes of each pool that it shares out.
        replicas: of scheduler, controllers and webhooks; one of each leads.
        further: further values of the chart.
    """

    version: str | None
    nodes: tuple[Mapping[str, str], ...]
    replicas: int = 2
    further: Mapping[str, Any] = field(default_factory=dict)


class Volcano(pulumi.ComponentResource):
    """Volcano's Helm release, and where its Jobs may run."""

    def __init__(self, name: str, args: VolcanoArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:Volcano", name, {"version": args.version}, opts)
        child = child_options(self, opts)
        if args.version is not None:
            chart = ChartArgs("volcano", args.version, NAMESPACE, CHART_REPOSITORY)
            helm_release("volcano", chart, with_further(values(args), args.further), child)
        register_policy(JOB_POLICY, job_policy(args.nodes), pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(protect=False)))
        self.register_outputs({"version": args.version})


def values(args: VolcanoArgs) -> dict[str, Any]:
    """The chart's values."""
    return {"custom": {
        "admission_replicas": args.replicas, "controller_replicas": args.replicas, "scheduler_replicas": args.replicas,
        "leader_elect_enable": args.replicas > 1, "scheduler_config_override": yaml.safe_dump(dict(SCHEDULER), sort_keys=True),
        "webhooks_namespace_selector_expressions": [{"key": TENANT, "operator": "Exists"}]}}


def job_policy(nodes: tuple[Mapping[str, str], ...]) -> dict[str, Any]:
    """The ValidatingAdmissionPolicy on Volcano Jobs: into the tenant's own queue, and onto Volcano's pools."""
    placed = on_nodes("t.template.spec", nodes)
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [resource_rule("batch.volcano.sh", ("jobs",))]},
        "validations": [
            {"expression": "has(object.spec.queue) && object.spec.queue == request.namespace", "reason": "Forbidden",
             "message": "Jobs are submitted to the tenant's own queue: set spec.queue to the name of this namespace."},
            {"expression": f"has(object.spec.tasks) && object.spec.tasks.all(t, has(t.template) && has(t.template.spec) && {placed})",
             "reason": "Forbidden",
             "message": "Volcano shares out pools of its own: give the pods of every task the nodeSelector of one of them."},
        ],
    }
