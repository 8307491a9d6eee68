"""ValidatingAdmissionPolicies written from the rules: the same sentences, said by the API server itself.

One policy for each rule, and a second one where a part of it is only advice: what blocks in a report is denied, what advises warns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from gpuplane.graph.pod_kinds import POD_KINDS, PodKind
from gpuplane.graph.pod_templates import FRAMEWORKS
from gpuplane.policies.admission import Admission
from gpuplane.policies.registry import all_rules, holds
from gpuplane.policies.rule import Rule
from gpuplane.spec.exemptions import Exemption
from gpuplane.spec.policies import DEFAULT, Policies
from gpuplane.spec.vocabulary import BY_CONTROLLER, TENANT

Action = Literal["Deny", "Warn", "Audit"]
_HASH = "[bcdfghjklmnpqrstvwxz2456789]{5,10}"
"""What controllers of Kubernetes append to names (``k8s.io/apimachinery/pkg/util/rand``, SafeEncodeString)."""
_MAKERS = (("Deployment", "-(predictor|transformer|explainer|kserve)"), ("ReplicaSet", f"(-[a-z-]+)?-{_HASH}"), ("Job", "-[0-9]+"),
           ("StatefulSet", "(-[0-9]+)?"))
"""Owners that controllers make for an object on the way to its pods, each with what follows the object's name. Whoever makes one of them
by hand is asked about that one itself, so that an exemption does not spread to objects of a similar name."""


@dataclass(frozen=True)
class AdmissionPolicy:
    """One policy with what binds it.

    Attributes:
        name: of the ValidatingAdmissionPolicy and of its binding.
        rule: id of the rule.
        spec: of the ValidatingAdmissionPolicy.
        actions: ``validationActions`` of the binding.
        namespaces: ``namespaceSelector`` of the binding.
    """

    name: str
    rule: str
    spec: Mapping[str, Any]
    actions: tuple[Action, ...]
    namespaces: Mapping[str, Any]


def admission_policies(action: Action, exemptions: Sequence[Exemption], as_of: date, parameters: Policies = DEFAULT,
                       only_warn: Iterable[str] = (), rules: Sequence[Rule] | None = None) -> tuple[AdmissionPolicy, ...]:
    """All policies, in the order of their names.

    Args:
        action: what is done about what blocks in a report; what only advises there warns, or is audited where all is.
        exemptions: objects that a rule does not hold for; one that has ended, or ends too far ahead, counts for nothing.
        as_of: the day that their ends are judged at.
        parameters: what the environment says about the rules.
        only_warn: rules that deny nothing yet.
        rules: all where it is left out.
    """
    found = []
    for rule in all_rules() if rules is None else rules:
        held = [item for item in exemptions if item.rule == rule.id and holds(item, as_of, parameters)]
        parts: dict[tuple[bool, str], list[Admission]] = defaultdict(list)
        for part in rule.admission:
            parts[(_blocks(rule, part, parameters), part.namespaces)].append(part)
        for (blocks, namespaces), admissions in sorted(parts.items()):
            said: Action = action if blocks and rule.id not in only_warn else "Audit" if action == "Audit" else "Warn"
            name = f"gpuplane-{rule.id.lower()}" + ("" if blocks or len(parts) == 1 else "-advice")
            found.append(AdmissionPolicy(name, rule.id, _spec(rule, admissions, held), (said,), _selector(namespaces)))
    return tuple(sorted(found, key=lambda policy: policy.name))


def pods_expression(kinds: Iterable[PodKind] = POD_KINDS) -> str:
    """CEL: the list of pod specs of an object, whatever its kind."""
    paths: dict[str, list[str]] = defaultdict(list)
    for kind in kinds:
        paths[kind.kind].extend(kind.paths)
    by_paths: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, where in paths.items():
        by_paths[tuple(where)].append(name)
    branches = [f"object.kind in {names} ? {' + '.join(_select(path) for path in where)} : " for where, names in by_paths.items()]
    return "".join(branches) + "[]"


def _select(path: str) -> str:
    for mark, empty in (("[*]", "[]"), ("{*}", "{}")):
        if mark in path:
            holder, rest = path.split(mark + ".")
            some = f"{_optional('object', holder)}.orValue(dyn({empty}))"
            item = "t" if mark == "[*]" else f"object.{holder}[t]"
            return f"{some}.filter(t, {_optional(item, rest)}.hasValue()).map(t, dyn({item}.{rest}))"
    return "[dyn(object.spec)]" if path == "spec" else f"[?{_optional('dyn(object)', path)}]"


def _optional(start: str, path: str) -> str:
    return ".?".join((start, *path.split(".")))


def _containers(ephemeral: bool) -> str:
    lists = ("containers", "initContainers", *(("ephemeralContainers",) if ephemeral else ()))
    single = ", ".join(f"?pod.?{name}" for name in FRAMEWORKS)
    return (" + ".join(f"pod.?{name}.orValue([])" for name in lists)
            + f" + (object.kind == 'InferenceService' ? [{single}] : [])")


def _spec(rule: Rule, admissions: Sequence[Admission], exemptions: Sequence[Exemption]) -> dict[str, Any]:
    conditions = [{"name": f"exempt-{index}", "expression": f"!({_exempt(item)})"} for index, item in enumerate(exemptions)]
    whole = all(part.whole for part in admissions)
    if whole != any(part.whole for part in admissions):
        raise ValueError(f"{rule.id}: parts of one policy are asked of different kinds")
    variables = [("pods", pods_expression(_kinds(whole)))] if any(part.each != "object" for part in admissions) else []
    variables += dict.fromkeys(variable for part in admissions for variable in part.variables)
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": _resource_rules(admissions, whole)},
        **({"matchConditions": conditions} if conditions else {}),
        **({"variables": [{"name": name, "expression": expression} for name, expression in variables]} if variables else {}),
        "validations": [{"expression": _expression(part), "reason": "Forbidden", "message": f"[{rule.id}] {part.message} {rule.remedy}"}
                        for part in admissions]}


def _expression(part: Admission) -> str:
    if part.each == "object":
        return part.holds
    inner = f"({_containers(part.ephemeral)}).all(c, {part.holds})" if part.each == "container" else part.holds
    return f"variables.pods.all(pod, {inner})"


def _kinds(whole: bool) -> list[PodKind]:
    return [kind for kind in POD_KINDS if kind.whole or not whole]


def _resource_rules(admissions: Sequence[Admission], whole: bool) -> list[dict[str, Any]]:
    resources: dict[str, set[str]] = defaultdict(set)
    for part in admissions:
        for group, resource in part.resources or ((kind.group, kind.resource) for kind in _kinds(whole)):
            resources[group].add(resource)
            if (group, resource) == ("", "pods"):
                resources[group].add("pods/ephemeralcontainers")
    return [{"apiGroups": [group], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": sorted(names)}
            for group, names in sorted(resources.items())]


def _exempt(exemption: Exemption) -> str:
    """CEL: the object itself, or what controllers make for it."""
    wanted = exemption.resource
    name = wanted.name.replace(".", "[.]")
    itself = f"object.kind == '{wanted.kind}' && object.metadata.name == '{wanted.name}'"
    owners = [f"(o.kind == '{wanted.kind}' && o.name == '{wanted.name}')",
              *(f"(o.kind == '{kind}' && o.name.matches('^{name}{suffix}$'))" for kind, suffix in _MAKERS)]
    owned = (f"({BY_CONTROLLER}) && object.metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false) && "
             f"({' || '.join(owners)}))")
    return f"object.metadata.?namespace.orValue('') == '{wanted.namespace}' && (({itself}) || ({owned}))"


def _blocks(rule: Rule, part: Admission, parameters: Policies) -> bool:
    return (part.severity or rule.severity) in ("high", "critical") or rule.id in parameters.mandatory


def _selector(namespaces: str) -> dict[str, Any]:
    operator = "Exists" if namespaces == "tenants" else "DoesNotExist"
    return {"matchExpressions": [{"key": TENANT, "operator": operator}]}
