"""SC-11: a registry that lets a tag be overwritten, and looks at nothing, hands on what anybody pushes."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_REPOSITORY = "aws:ecr/repository:Repository"
_SCANNING = "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration"


class OpenImageRepositories(Rule):
    """Tags that may move, images that nobody scans, and layers under a key that the account does not own.

    Judged are Amazon ECR repositories; a registry-wide scan of pushed images counts for each.
    """

    id = "SC-11"
    title = "Image repositories keep their tags, scan what is pushed, and are encrypted with an own key"
    severity = "medium"
    remedy = "Set imageTagMutability IMMUTABLE, imageScanningConfiguration.scanOnPush true and encryptionType KMS with a kmsKey."
    references = ("AWS Security Hub: ECR.1, ECR.2, ECR.5", "CIS Amazon EKS Benchmark 5.1.1")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        scanned = any(lookup(rule, "scanFrequency") in ("SCAN_ON_PUSH", "CONTINUOUS_SCAN") for view in graph.resources
                      if view.type == _SCANNING for rule in items(view.get("rules")))
        for view in graph.resources:
            if view.type == _REPOSITORY:
                yield from self._repository(graph, view, scanned)

    def _repository(self, graph: PlannedGraph, view: ResourceView, scanned: bool) -> Iterator[Finding]:
        encryption = next(iter(items(view.get("encryptionConfigurations"))), None)
        tags, scan = view.get("imageTagMutability"), view.get("imageScanningConfiguration", "scanOnPush")
        kind = lookup(encryption, "encryptionType")
        judged = (("imageTagMutability", tags, str(tags).startswith("IMMUTABLE"), "lets tags be overwritten"),
                  ("imageScanningConfiguration.scanOnPush", scan, scanned or scan is True, "does not scan what is pushed"),
                  ("encryptionConfigurations[0].encryptionType", kind, str(kind).startswith("KMS"), "is not encrypted with an own key"))
        for field, value, good, what in judged:
            if isinstance(value, Unknown):
                yield self.unknown(graph, view, f"Whether {view} {what} is only known after apply.", field)
            elif not good:
                yield self.fail(graph, view, f"{view} {what}.", field)

    PASSES = (
        Example("a repository that keeps what it has", """
resources:
  vllm:
    type: aws:ecr/repository:Repository
    properties:
      imageTagMutability: IMMUTABLE
      imageScanningConfiguration: {scanOnPush: true}
      encryptionConfigurations: [{encryptionType: KMS, kmsKey: "${images.arn}"}]
"""),
    )
    FAILS = (
        Example("the defaults", """
resources:
  vllm: {type: "aws:ecr/repository:Repository", properties: {name: vllm}}
""", "Repository vllm lets tags be overwritten"),
    )
