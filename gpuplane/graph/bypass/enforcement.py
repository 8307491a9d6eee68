"""Enforcement that lets pass: webhooks and policies that fail open, warn only, or look away from what bears a label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gpuplane.graph.bypass.way import Way
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, items, lookup, mapping, told

ADMISSION = "admissionregistration.k8s.io"
_WEBHOOKS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
_LABELS = {
    "admission.gatekeeper.sh/ignore": "Gatekeeper's webhook leaves the namespace alone",
    "control-plane": "KServe's and Kueue's pod webhooks leave the namespace alone",
    "policy.sigstore.dev/exclude": "Sigstore's policy controller admits unsigned images there"}
"""Labels of namespaces by which well-known webhooks look away (Gatekeeper: Exempting Namespaces; KServe ``mutatingwebhook``)."""
_ENFORCE = "pod-security.kubernetes.io/enforce"


@dataclass(frozen=True)
class Guard:
    """One webhook or policy binding: where it looks away, and at what place it says so."""

    view: ResourceView
    path: str
    name: str
    namespaces: Any
    objects: Any


def guards(graph: PlannedGraph) -> Iterator[Guard]:
    """Every webhook and every binding of an admission policy."""
    for view in graph.objects(*_WEBHOOKS):
        for index, hook in enumerate(items(view.get("webhooks"))):
            yield Guard(view, f"webhooks[{index}]", str(told(hook, "name") or ""), told(hook, "namespaceSelector"),
                        told(hook, "objectSelector"))
    for view in graph.objects("ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicyBinding"):
        matched = mapping(view.get("spec", "matchResources"))
        yield Guard(view, "spec.matchResources", view.name, matched.get("namespaceSelector"), matched.get("objectSelector"))


def opt_outs(graph: PlannedGraph) -> Iterator[Way]:
    """Labels whose bearer, or whose absence, takes an object out of a guard's sight."""
    for guard in guards(graph):
        for expression in _expressions(guard.objects):
            # Who writes an object writes its labels: an object selector guards only against those who want to be guarded.
            yield Way("opt-out label", "high", guard.view, f"{guard.path}.objectSelector",
                      f"{guard.view.kind} {guard.name} asks only objects with {expression}, and their authors choose their labels.",
                      (f"{guard.view} {guard.path}.objectSelector: {expression}",),
                      "Select namespaces instead, whose labels tenants cannot change, and refuse what lacks the label.")
    for name, view in sorted(graph.namespaces.items()):
        for label, what in sorted(_LABELS.items()):
            if label in view.labels:
                yield Way("opt-out label", "high" if graph.tenant_of(view) else "medium", view, f"metadata.labels.{label}",
                          f"Namespace {name} bears {label}: {what}.", (f"{view} metadata.labels.{label}: {view.labels[label]}",),
                          "Remove the label.")
        if view.labels.get(_ENFORCE) == "privileged":
            yield Way("opt-out label", "high" if graph.tenant_of(view) else "medium", view, f"metadata.labels.{_ENFORCE}",
                      f"Namespace {name} admits any pod: Pod Security enforces nothing there.",
                      (f"{view} metadata.labels.{_ENFORCE}: privileged",), "Enforce restricted, or baseline for agents of the platform.")


def gaps(graph: PlannedGraph) -> Iterator[Way]:
    """Guards that let pass when they fail, or that only talk."""
    for view in graph.objects(*_WEBHOOKS):
        for index, hook in enumerate(items(view.get("webhooks"))):
            if told(hook, "failurePolicy") == "Ignore":
                yield _gap(view, f"webhooks[{index}].failurePolicy", f"Webhook {told(hook, 'name')} is skipped when it does not answer.",
                           "Ignore", "Set failurePolicy: Fail, and run it with two replicas and a PodDisruptionBudget.")
    for view in graph.objects("ValidatingAdmissionPolicy", "MutatingAdmissionPolicy"):
        if view.get("spec", "failurePolicy") == "Ignore":
            yield _gap(view, "spec.failurePolicy", f"{view} admits what its expressions cannot judge.", "Ignore",
                       "Set failurePolicy: Fail.")
        if not _bound(graph, view):
            yield _gap(view, "metadata.name", f"{view} is in force nowhere: no binding names it.", view.name,
                       "Add a binding with validationActions: [Deny].")
    for view in graph.objects("ValidatingAdmissionPolicyBinding"):
        actions = [str(action) for action in items(view.get("spec", "validationActions"))]
        if "Deny" not in actions:
            yield _gap(view, "spec.validationActions", f"{view} refuses nothing.", ", ".join(actions) or "none",
                       "Add Deny once its findings are gone; what is advice may stay so.")
    for view in graph.kubernetes:
        word = _SOFT.get(view.group)
        if word and str(view.get("spec", word[0]) or "").lower() in word[1]:
            yield _gap(view, f"spec.{word[0]}", f"{view} refuses nothing.", str(view.get("spec", word[0])), f"Set {word[0]} to {word[2]}.")


_SOFT: Mapping[str, tuple[str, tuple[str, ...], str]] = {
    "constraints.gatekeeper.sh": ("enforcementAction", ("dryrun", "warn"), "deny"),
    "kyverno.io": ("validationFailureAction", ("audit",), "Enforce")}
"""Fields by which other engines' policies only talk (Gatekeeper: Handling Constraint Violations; Kyverno: Validate Rules)."""


def _gap(view: ResourceView, field: str, message: str, value: str, remedy: str) -> Way:
    return Way("enforcement that lets pass", "medium" if field == "spec.validationActions" else "high", view, field, message,
               (f"{view} {field}: {value}",), remedy)


def _bound(graph: PlannedGraph, policy: ResourceView) -> bool:
    return any(binding.get("spec", "policyName") == policy.name for binding in graph.objects(f"{policy.kind}Binding"))


def _expressions(selector: Any) -> Iterator[str]:
    """What an object must bear to be seen, in words: each is a choice of its author."""
    for key, value in sorted(mapping(lookup(selector, "matchLabels")).items()):
        yield f"label {key}={value}"
    for item in items(lookup(selector, "matchExpressions")):
        values = ", ".join(str(value) for value in items(told(item, "values")))
        yield f"label {told(item, 'key')} {told(item, 'operator')}{f' [{values}]' if values else ''}"
