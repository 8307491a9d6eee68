"""SC-04: a digest says which bytes; only a signature says whose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gpuplane.graph.label_selectors import selects
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.queues import namespace_labels
from gpuplane.graph.resource_view import ResourceView, items, lookup, mapping
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_INCLUDE = "policy.sigstore.dev/include"
"""Label of namespaces that sigstore's policy controller looks at."""
_KINDS = ("ClusterImagePolicy", "ImageValidatingPolicy", "NamespacedImageValidatingPolicy", "ClusterPolicy", "Policy")
_IDENTITIES = ("subject", "subjectRegExp", "subjectRegex", "issuer", "issuerRegExp", "publicKeys", "kms", "key", "data", "certificate",
               "cert", "secretRef")


class UnverifiedSignatures(Rule):
    """Whoever may push to an allowed registry may run code, unless admission asks for a signature of the right identity.

    A policy that verifies images must name whose signature it wants. Where the environment sets policies.signed_images, every tenant's
    namespace must be under such a policy that enforces; left out, only policies that exist are judged.
    """

    id = "SC-04"
    title = "Images are admitted only with a signature of a recorded identity"
    severity = "high"
    remedy = "Add a Kyverno ImageValidatingPolicy or a sigstore ClusterImagePolicy with the builder's identity, and label the namespaces."
    references = ("NIST SP 800-190 §4.1.5", "CIS Kubernetes Benchmark v1.12 5.5.1", "SLSA v1.1: Verifying artifacts",
                  "Sigstore documentation: Policy Controller")
    scope = "platform"
    looks_at = "outlines"
    context = _KINDS

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        policies = [view for view in graph.objects(*_KINDS) if _verifies(view)]
        for view in policies:
            if not _identities(view.get("spec")):
                yield self.fail(graph, view, f"{view} verifies signatures and does not say whose: anybody's will do.", "spec")
        if graph.parameters.signed_images:
            for name, namespace in sorted(graph.namespaces.items()):
                if graph.tenant_of(namespace) is not None and not any(_covers(view, namespace) for view in policies):
                    yield self.fail(
                        graph, namespace, f"No policy verifies the signatures of images in namespace {name}.", "metadata.labels")

    PASSES = (
        Example("signatures of one workflow", """
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: ours}
spec:
  images: [{glob: "registry.example.com/**"}]
  authorities:
    - keyless:
        url: https://fulcio.sigstore.dev
        identities: [{issuer: "https://token.actions.githubusercontent.com", subject: "https://github.com/example/images/.github/workflows/build.yml@refs/heads/main"}]
"""),
    )
    FAILS = (
        Example("a policy that lets everything pass", """
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: all}
spec: {images: [{glob: "**"}], authorities: [{static: {action: pass}}]}
""", "ClusterImagePolicy all verifies signatures and does not say whose"),
        Example("a signature of anybody", """
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: signed}
spec:
  rules:
    - name: signed
      verifyImages: [{imageReferences: ["*"], attestors: [{entries: [{keyless: {subject: "*", issuer: "*"}}]}]}]
""", "does not say whose: anybody's will do"),
    )


def _verifies(view: ResourceView) -> bool:
    if view.kind in ("ClusterPolicy", "Policy"):
        return view.group == "kyverno.io" and any(lookup(rule, "verifyImages") is not None for rule in items(view.get("spec", "rules")))
    return view.group in ("policy.sigstore.dev", "policies.kyverno.io")


def _identities(value: Any) -> bool:
    """Whether anything below names a signer: an identity that is no wildcard, or a key."""
    if isinstance(value, Mapping):
        return any((key in _IDENTITIES and bool(each) and each not in ("*", ".*", "**")) or _identities(each) for key, each in value.items()
                   if key != "static")
    return any(_identities(each) for each in items(value))


def _covers(view: ResourceView, namespace: ResourceView) -> bool:
    if view.group == "policy.sigstore.dev":
        return str(namespace.labels.get(_INCLUDE, "")).lower() == "true" and view.get("spec", "mode") != "warn"
    if view.kind in ("Policy", "NamespacedImageValidatingPolicy"):
        return view.namespace == namespace.name
    if view.kind == "ImageValidatingPolicy":
        selector = view.get("spec", "matchConstraints", "namespaceSelector")
        enforced = "Deny" in (items(view.get("spec", "validationActions")) or ["Deny"])
        return enforced and (selector is None or selects(mapping(selector), namespace_labels(namespace)))
    return str(view.get("spec", "validationFailureAction") or "Audit").lower() == "enforce"
