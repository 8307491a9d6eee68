"""Tenant isolation (TI-01 to TI-22): what is not known never passes, and the spellings by which a rule could be walked round."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import Unknown
from gpuplane.policies.registry import all_rules, judge
from gpuplane.policies.rule import Example, Rule
from gpuplane.spec.policies import Policies

DAY = date(2026, 11, 21)
RULES = {rule.id: rule for rule in all_rules() if rule.id.startswith("TI-")}
UNKNOWN = Unknown("urn:x", "x")

TOLD_BY_OTHERS = {
    ("Namespace", "metadata"): "whose a namespace is: TI-01 and PII-01 have a finding of their own",
    ("ClusterQueue", "metadata"): "whose a queue is: TI-12 has one",
    ("InferenceService", "spec"): "a model without a known spec: SC-05 and WS-01 have one",
    ("ConfigMap", "data"): "a sharing config that cannot be read: the pools that pick it are unresolved",
}
"""What may be hidden without a finding of the rule whose example it is, because another rule has one; kind and first field."""


def test_the_catalogue_of_isolation_is_complete() -> None:
    assert sorted(RULES) == [f"TI-{number:02}" for number in range(1, 23)]


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    children = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from _paths(child, (*path, key))


def _hide(node: Any, steps: tuple[str | int, ...]) -> Any:
    if not steps:
        return UNKNOWN
    if isinstance(node, list):
        return [_hide(item, steps[1:]) if index == steps[0] else item for index, item in enumerate(node)]
    return {**node, steps[0]: _hide(node[steps[0]], steps[1:])}


def _hidden(example: Example) -> Iterator[tuple[str, tuple[str | int, ...], PlannedGraph]]:
    """The example with one value hidden, for each value but the names by which the engine knows an object."""
    views = views_of_text(example.yaml)
    for index, view in enumerate(views):
        for path in _paths(view.props):
            if path[0] not in ("apiVersion", "kind", "type") and path[:2] not in (("metadata", "name"), ("metadata", "namespace")):
                changed = replace(view, props=_hide(view.props, path))
                yield view.kind, path, PlannedGraph([*views[:index], changed, *views[index + 1:]])


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_a_violation_with_a_hidden_value_never_passes(rule: Rule) -> None:
    passed = [(example.title, kind, path) for example in rule.FAILS for kind, path, graph in _hidden(example)
              if not judge(graph, (), DAY, [rule]).findings and (kind, path[0]) not in TOLD_BY_OTHERS]

    assert passed == []


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_no_hidden_value_breaks_a_rule(rule: Rule) -> None:
    broken = [(example.title, path, finding.message) for example in (*rule.PASSES, *rule.FAILS) for _, path, graph in _hidden(example)
              for finding in judge(graph, (), DAY, [rule]).findings if "broke with" in finding.message]

    assert broken == []


def role(rules: str, kind: str = "ClusterRole", name: str = "x", labels: str = "{}") -> str:
    return f"apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{name: {name}, labels: {labels}}}\nrules: {rules}\n---\n"


def binding(role_name: str, subjects: str, kind: str = "ClusterRoleBinding", namespace: str = "support") -> str:
    return (f"apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{name: b, namespace: {namespace}}}\n"
            f"roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: '{role_name}'}}\nsubjects: {subjects}\n---\n")


def gathering(name: str, labels: str) -> str:
    return (f"apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: {name}, labels: {labels}}}\n"
            f"aggregationRule: {{clusterRoleSelectors: [{{matchLabels: {{to: {name}}}}}]}}\n---\n")


ALL = '[{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]'
JANE = "[{kind: User, name: jane}]"
SHELL = '[{apiGroups: [""], resources: [pods/exec], verbs: [create]}]'
EMERGENCY = ("annotations: {{gpuplane.dev/break-glass-reason: {reason}, gpuplane.dev/break-glass-approver: {approver}, "
             "gpuplane.dev/break-glass-expires: '{expires}'}}")


def emergency(reason: str = "incident", approver: str = "security@example.com", expires: str = "2026-11-22") -> str:
    said = EMERGENCY.format(reason=reason or '""', approver=approver or '""', expires=expires)
    return role(SHELL) + binding("x", JANE).replace("namespace: support}", f"{said}}}")


def service(spec: str, annotations: str = "{}") -> str:
    return f"apiVersion: v1\nkind: Service\nmetadata: {{name: chat, namespace: support, annotations: {annotations}}}\nspec: {spec}\n---\n"


FOUND = {
    "TI-05: all rights under a reserved name": ("TI-05", role(ALL, name="'system:helper'") + binding("system:helper", JANE)),
    "TI-05: a group that everybody is in": ("TI-05", binding("cluster-admin", "[{kind: Group, name: 'system:authenticated'}]")),
    "TI-05: every pod there is": ("TI-05", binding("cluster-admin", "[{kind: Group, name: 'system:serviceaccounts'}]")),
    "TI-05: nobody yet": ("TI-05", binding("cluster-admin", "[]")),
    "TI-05: through two aggregations": ("TI-05", gathering("top", "{to: anywhere}") + gathering("middle", "{to: top}")
                                        + role(ALL, name="bottom", labels="{to: middle}") + binding("top", JANE)),
    "TI-06: paths that are no resources": ("TI-06", role('[{nonResourceURLs: ["*"], verbs: [get]}]')),
    "TI-06: one subresource of everything": ("TI-06", role('[{apiGroups: [""], resources: ["*/status"], verbs: [get]}]')),
    "TI-06: under a reserved name that somebody holds": (
        "TI-06", role(ALL, name="'system:helper'") + binding("system:helper", "[{kind: ServiceAccount, name: a, namespace: support}]")),
    "TI-07: by an API group that is any": ("TI-07", role('[{apiGroups: ["*"], resources: [secrets], verbs: [watch]}]')),
    "TI-08: a shell by HTTP GET": ("TI-08", role('[{apiGroups: [""], resources: [pods/exec], verbs: [get]}]')),
    "TI-08: a shell where nobody says which environment it is": ("TI-08", role(SHELL, "Role")),
    "TI-08: an emergency without a reason": ("TI-08", emergency(reason="")),
    "TI-08: an emergency without an approver": ("TI-08", emergency(approver="")),
    "TI-08: an emergency without a date": ("TI-08", emergency(expires="soon")),
    "TI-08: an emergency that was over yesterday": ("TI-08", emergency(expires="2026-11-20")),
    "TI-08: an emergency for ever": ("TI-08", emergency(expires="2027-11-20")),
    "TI-08: an emergency beside a binding that is none": ("TI-08", emergency() + binding("x", JANE)),
    "TI-08: nodes by their proxy": ("TI-08", role('[{apiGroups: [""], resources: [nodes/proxy], verbs: [get]}]')),
    "TI-10: the anonymous under another binding's name": (
        "TI-10", binding("system:public-info-viewer", "[{kind: Group, name: 'system:unauthenticated'}]")),
    "TI-14: everything of one effect": ("TI-14", """
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: support}
spec: {tolerations: [{operator: Exists, effect: NoExecute}], containers: [{name: c, image: c}]}
"""),
    "TI-17: an ephemeral container": ("TI-17", """
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: support}
spec:
  containers: [{name: c, image: c}]
  ephemeralContainers: [{name: debug, image: busybox, envFrom: [{secretRef: {name: s}}]}]
"""),
    "TI-17: a variable of a model": ("TI-17", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {env: [{name: HF_TOKEN, valueFrom: {secretKeyRef: {name: hub, key: token}}}]}}}
"""),
    "TI-18: a slice with another controller's label": ("TI-18", """
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: x, namespace: default, labels: {endpointslice.kubernetes.io/managed-by: me}}
"""),
    "TI-20: a load balancer that says it is public": (
        "TI-20", service("{type: LoadBalancer}", "{service.beta.kubernetes.io/aws-load-balancer-scheme: internet-facing}")),
    "TI-20: an Ingress of a class that nobody knows": ("TI-20", service("{selector: {app: chat}}") + """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: chat, namespace: support}
spec: {ingressClassName: nginx, defaultBackend: {service: {name: chat, port: {number: 80}}}}
"""),
    "TI-21: one of several networks is everybody": ("TI-21", """
type: aws:eks/cluster:Cluster
name: prod
properties: {vpcConfig: {endpointPublicAccess: true, publicAccessCidrs: [203.0.113.0/28, "::/0"]}, enabledClusterLogTypes: [audit]}
"""),
    "TI-21: half of the internet": ("TI-21", """
type: aws:eks/cluster:Cluster
name: prod
properties: {vpcConfig: {endpointPublicAccess: true, publicAccessCidrs: [128.0.0.0/1]}, enabledClusterLogTypes: [audit]}
"""),
    "TI-21: nodes without a launch template": ("TI-21", "type: aws:eks/nodeGroup:NodeGroup\nname: gpu\nproperties: {instanceTypes: [p5.48xlarge]}\n"),
    "TI-03: IPv6": ("TI-03", """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: x, namespace: support}
spec: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: "::/0"}}]}]}
"""),
    "TI-03: every destination on one port": ("TI-03", """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: x, namespace: support}
spec: {podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: 443}]}]}
"""),
}
QUIET = {
    "TI-05: Kubernetes' own for its own": ("TI-05", role(ALL, name="'system:controller:x'") + binding(
        "system:controller:x", "[{kind: ServiceAccount, name: x, namespace: kube-system}]")),
    "TI-06: a reserved name that nobody else holds": ("TI-06", role(ALL, name="'system:controller:x'")),
    "TI-07: the default role for people, judged by its bindings": (
        "TI-07", role('[{apiGroups: [""], resources: [secrets], verbs: [get]}]', name="edit", labels="{kubernetes.io/bootstrapping: rbac-defaults}")),
    "TI-08: an emergency of today": ("TI-08", emergency(expires="2026-11-21")),
    "TI-08: a shell outside production": (
        "TI-08", role(SHELL, "Role", labels="{gpuplane.dev/environment: dev, gpuplane.dev/data-classification: internal}")),
    "TI-09: reading webhooks": (
        "TI-09", role("[{apiGroups: [admissionregistration.k8s.io], resources: [mutatingwebhookconfigurations], verbs: [get, list]}]")),
    "TI-16: a sealed value": ("TI-16", "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: s}\nspec: {encryptedData: {a: x}}\n"),
    "TI-20: the platform's internal one": (
        "TI-20", service("{type: LoadBalancer}", "{networking.gke.io/load-balancer-type: Internal}")),
    "TI-21: a VPN's network": ("TI-21", """
type: aws:eks/cluster:Cluster
name: prod
properties: {vpcConfig: {endpointPublicAccess: true, publicAccessCidrs: [198.51.0.0/16]}, enabledClusterLogTypes: [audit]}
"""),
}


def _messages(rule: str, text: str, parameters: Policies | None = None) -> list[str]:
    graph = PlannedGraph(views_of_text(text), parameters=parameters or Policies())
    return [finding.message for finding in judge(graph, (), DAY, [RULES[rule]]).findings]


@pytest.mark.parametrize(("rule", "text"), FOUND.values(), ids=FOUND.keys())
def test_a_way_round_a_rule_is_found(rule: str, text: str) -> None:
    assert _messages(rule, text)


@pytest.mark.parametrize(("rule", "text"), QUIET.values(), ids=QUIET.keys())
def test_what_is_harmless_has_no_finding(rule: str, text: str) -> None:
    assert _messages(rule, text) == []


def test_the_audit_policy_in_the_documentation_tells_who_did_it_and_no_values() -> None:
    text = (Path(__file__).parents[2] / "docs" / "audit-policy.yaml").read_text(encoding="utf-8")

    assert _messages("TI-21", text) == []
    assert _messages("TI-21", text.replace("secrets, configmaps, serviceaccounts/token", "configmaps").replace(
        'resources: [events]', 'resources: [events, secrets]')) == ["Policy gpuplane leaves no trace of who reads Secrets."]


def test_the_environment_says_how_long_an_emergency_may_last() -> None:
    text = emergency(expires="2026-12-10")

    assert _messages("TI-08", text)
    assert _messages("TI-08", text, Policies(break_glass_days=30)) == []


def test_the_environment_says_whether_it_is_production() -> None:
    text = role(SHELL, "Role")

    assert _messages("TI-08", text, Policies(production=True))
    assert _messages("TI-08", text, Policies(production=False)) == []


def test_the_environment_says_which_data_needs_nodes_of_its_own() -> None:
    text = """
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: support, labels: {gpuplane.dev/tenant: support, gpuplane.dev/data-classification: personal}}
spec: {containers: [{name: c, image: c}]}
"""
    assert _messages("TI-13", text) == []
    assert _messages("TI-13", text, Policies(dedicated_nodes_for=("personal", "special")))
