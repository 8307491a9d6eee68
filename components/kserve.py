"""KServe as pinned Helm releases, in Standard (Deployment) mode, the only one that Kueue can queue.

The serving runtimes are gpuplane's own, so KServe's are left out (they are off by default).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import pulumi

from gpuplane.components.helm_release import ChartArgs, helm_release, with_further
from gpuplane.components.kubernetes_object import child_options

CHARTS = "oci://ghcr.io/kserve/charts"
NAMESPACE = "kserve"


@dataclass(frozen=True)
class KServeArgs:
    """Chart version, with its ``v``, whether nodes keep models, further values of ``kserve-resources``, and whether there are
    LLMInferenceServices. ``digests``: of the images ``agent``, ``router`` and ``storage``, where they are pinned.

    cert-manager must be on the cluster: KServe's webhooks use it.
    """

    version: str
    further: Mapping[str, Any] = field(default_factory=dict)
    local_models: bool = False
    llm_services: bool = False
    digests: Mapping[str, str] = field(default_factory=dict)


class KServe(pulumi.ComponentResource):
    """KServe's CRDs and controller, in that order."""

    def __init__(self, name: str, args: KServeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:KServe", name, {"version": args.version}, opts)
        child = child_options(self, opts)
        crds = helm_release("kserve-crd", ChartArgs(f"{CHARTS}/kserve-crd", args.version, NAMESPACE), {}, child)
        kserve = helm_release("kserve", ChartArgs(f"{CHARTS}/kserve-resources", args.version, NAMESPACE, create_namespace=False),
                              with_further(values(args.local_models, args.version, args.digests), args.further),
                              pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[crds])))
        if args.local_models:
            _local_models(args, child, kserve)
        if args.llm_services:
            _llm_services(args, child, kserve)
        self.register_outputs({"version": args.version})


def values(local_models: bool = False, version: str = "", digests: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
    """Values of ``kserve-resources``; the webhook looks for copies on nodes only where its configuration says so. That configuration is the
    chart's, which leaves LLMInferenceServices without TLS of their own: routes and monitors speak to them so.

    Its templates join image and tag by a colon, so a digest comes behind the tag.
    """
    kserve: dict[str, Any] = {"controller": {"deploymentMode": "Standard"}, "inferenceServiceConfig": {"enabled": True},
                              **{image: {"tag": f"{version}@{digest}"} for image, digest in sorted(digests.items())}}
    return {"kserve": {**kserve, "localmodel": {"enabled": True}} if local_models else kserve}


def _local_models(args: KServeArgs, child: pulumi.ResourceOptions, kserve: pulumi.Resource) -> None:
    """The controller and node agent that keep weights on nodes; objects that both charts have are the first one's."""
    after = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[kserve]))
    crds = helm_release("kserve-localmodel-crd", ChartArgs(f"{CHARTS}/kserve-localmodel-crd", args.version, NAMESPACE,
                                                           create_namespace=False), {}, after)
    # The agent has to run on tainted GPU nodes: that is where the models are.
    helm_release("kserve-localmodel", ChartArgs(f"{CHARTS}/kserve-localmodel-resources", args.version, NAMESPACE, create_namespace=False), {
        "kserve": {"createSharedResources": False, "localmodel": {"enabled": True, "agent": {"tolerations": [{"operator": "Exists"}]}}}},
        pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[crds])))


def _llm_services(args: KServeArgs, child: pulumi.ResourceOptions, kserve: pulumi.Resource) -> None:
    """The controller of LLMInferenceServices, the CRDs of the inference extension, and the templates that pods start by.

    Objects that several charts have are the first one's.
    """
    before = kserve
    for name, chart, values_of_it in (
            ("kserve-llmisvc-crd", "kserve-llmisvc-crd", {}),
            ("kserve-llmisvc", "kserve-llmisvc-resources",
             {"kserve": {"createSharedResources": False, "llmisvc": {"createGIECRDs": True}}}),
            ("kserve-llmisvc-templates", "kserve-runtime-configs", {"kserve": {"llmisvcConfigs": {"enabled": True}}})):
        after = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[before]))
        before = helm_release(name, ChartArgs(f"{CHARTS}/{chart}", args.version, NAMESPACE, create_namespace=False), values_of_it, after)
