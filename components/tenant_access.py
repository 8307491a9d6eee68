"""Rights of people in a tenant's namespace: three roles, and one for an emergency that says why, who allowed it and when it ends.

No role reads Secrets (ExternalSecrets bring them), has a wildcard, or touches network policies, quotas, queues and roles: those are the
platform's. Whoever may make pods can mount the namespace's Secrets into them; that is what sets a developer apart from a viewer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gpuplane.components.kubernetes_object import Manifest, metadata
from gpuplane.spec.vocabulary import BREAK_GLASS_APPROVER, BREAK_GLASS_EXPIRES, BREAK_GLASS_REASON

_GROUP = "rbac.authorization.k8s.io"
_Rule = tuple[str, tuple[str, ...], tuple[str, ...]]
"""API group, resources, verbs."""


@dataclass(frozen=True)
class BreakGlassArgs:
    """A shell for ``group`` until and including the day ``expires`` (``2026-11-21``)."""

    group: str
    reason: str
    approver: str
    expires: str


@dataclass(frozen=True)
class AccessArgs:
    """Groups by what they may do.

    Attributes:
        viewers: may look.
        developers: may change workloads, too.
        operators: may evict pods, too.
        shell: whether operators may open a shell in pods and forward their ports: not in production, not beside personal data.
        break_glass: who may do that all the same, for an emergency.
    """

    viewers: tuple[str, ...] = ()
    developers: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    shell: bool = False
    break_glass: tuple[BreakGlassArgs, ...] = ()

    @property
    def groups(self) -> list[str]:
        """Every group that has a role, sorted; who has access for an emergency alone is none of the tenant's."""
        return sorted({*self.viewers, *self.developers, *self.operators})


def access_manifests(namespace: str, args: AccessArgs) -> list[tuple[str, Manifest]]:
    """Roles that somebody has and their bindings, each with the suffix of its resource's name."""
    found: list[tuple[str, Manifest]] = []
    operator = (*_OPERATOR, *(_SHELL if args.shell else ()))
    for role, groups, rules in (("viewer", args.viewers, _VIEWER), ("developer", args.developers, _DEVELOPER),
                                ("operator", args.operators, operator)):
        if groups:
            found.append((f"{role}-role", _role(namespace, role, rules)))
            found.append((f"{role}-binding", _binding(namespace, role, f"tenant-{role}", groups)))
    if args.break_glass:
        found.append(("break-glass-role", _role(namespace, "break-glass", _SHELL)))
    for each in args.break_glass:
        said = {BREAK_GLASS_REASON: each.reason, BREAK_GLASS_APPROVER: each.approver, BREAK_GLASS_EXPIRES: each.expires}
        short = hashlib.sha256(f"{each.group} {each.expires}".encode()).hexdigest()[:8]
        found.append((f"break-glass-{short}", _binding(namespace, "break-glass", f"break-glass-{short}", (each.group,), said)))
    return found


def _role(namespace: str, role: str, rules: Iterable[_Rule]) -> Manifest:
    listed = [{"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)} for group, resources, verbs in rules]
    return {"apiVersion": f"{_GROUP}/v1", "kind": "Role", "metadata": metadata(f"tenant-{role}", namespace), "rules": listed}


def _binding(namespace: str, role: str, name: str, groups: tuple[str, ...], said: Mapping[str, str] | None = None) -> Manifest:
    return {
        "apiVersion": f"{_GROUP}/v1", "kind": "RoleBinding", "metadata": metadata(name, namespace, annotations=said or {}),
        "roleRef": {"apiGroup": _GROUP, "kind": "Role", "name": f"tenant-{role}"},
        "subjects": [{"apiGroup": _GROUP, "kind": "Group", "name": group} for group in sorted(groups)]}


_READ = ("get", "list", "watch")
_WRITE = (*_READ, "create", "update", "patch", "delete")
_VIEWER: tuple[_Rule, ...] = (
    ("", ("pods", "pods/log", "services", "configmaps", "events", "resourcequotas"), _READ),
    ("apps", ("deployments", "statefulsets"), _READ),
    ("batch", ("jobs", "cronjobs"), _READ),
    ("kueue.x-k8s.io", ("localqueues", "workloads"), _READ),
    ("serving.kserve.io", ("inferenceservices", "llminferenceservices"), _READ),
    ("external-secrets.io", ("externalsecrets", "secretstores"), _READ),
)
_DEVELOPER: tuple[_Rule, ...] = (
    *_VIEWER,
    ("", ("pods", "services", "configmaps"), _WRITE),
    ("apps", ("deployments", "statefulsets"), _WRITE),
    ("batch", ("jobs", "cronjobs"), _WRITE),
)
_OPERATOR: tuple[_Rule, ...] = (
    *_DEVELOPER,
    ("", ("pods/eviction",), ("create",)),
)
_SHELL: tuple[_Rule, ...] = (("", ("pods/exec", "pods/attach", "pods/portforward"), ("create", "get")),)
"""``get`` as well: clients that speak WebSockets ask for these by GET (kubernetes/kubernetes, KEP-4006)."""
