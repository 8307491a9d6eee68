"""Each medium by itself: what looks like a path and is none, what is one, and what is by design."""

import json
from typing import Any

import pytest

from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.reachability import Matrix, matrix
from gpuplane.graph.reachability.iam_policies import denied, judged, statements, takers
from gpuplane.graph.resource_view import ResourceView, Unknown
from tests.graph.reachability.planned import short

TENANTS = "".join(f"""
apiVersion: v1
kind: Namespace
metadata: {{name: {name}, labels: {{gpuplane.dev/tenant: {name}, pod-security.kubernetes.io/enforce: baseline}}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: closed, namespace: {name}}}
spec: {{podSelector: {{}}, policyTypes: [Ingress, Egress]}}
---""" for name in ("acme", "beta"))


def found(text: str) -> Matrix:
    """The matrix of two closed tenants and some objects."""
    return matrix(PlannedGraph(views_of_text(TENANTS + text)))


def pod(tenant: str, spec: str, container: str = "") -> str:
    """A pod of a tenant."""
    return (f"\napiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: {tenant}}}\n"
            f"spec: {{{spec}{', ' if spec else ''}containers: [{{name: c, image: c{', ' if container else ''}{container}}}]}}\n---")


def obj(kind: str, api: str, name: str, namespace: str, rest: str) -> str:
    """An object; ``rest`` is the rest of it, in flow style."""
    where = f", namespace: {namespace}" if namespace else ""
    return f"\napiVersion: {api}\nkind: {kind}\nmetadata: {{name: {name}{where}}}\n{rest}\n---"


RBAC = "rbac.authorization.k8s.io/v1"
KUEUE = "kueue.x-k8s.io/v1beta2"
NETWORK = "networking.k8s.io/v1"
REDIS = "env: [{name: LMCACHE_REMOTE_URL, value: 'redis://kv%s:6379'}]"
TRACES = "env: [{name: OTEL_EXPORTER_OTLP_ENDPOINT, value: 'http://%s:4317'}%s]"


def binding(kind: str, namespace: str, role: str, *subjects: str) -> str:
    """A binding."""
    return obj(kind, RBAC, "b", namespace, f"roleRef: {{kind: ClusterRole, name: {role}}}\nsubjects: [{', '.join(subjects)}]")


def policy(namespace: str, spec: str) -> str:
    """A network policy."""
    return obj("NetworkPolicy", NETWORK, "more", namespace, f"spec: {{podSelector: {{}}, {spec}}}")


NO_PATH = {
    "egress alone": policy("acme", "policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}]}]"),
    "ingress alone": policy("beta", "ingress: [{from: [{namespaceSelector: {}}]}]"),
    "both ends, other ports": policy("acme", "policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}], ports: [{port: 80}]}]")
    + policy("beta", "ingress: [{from: [{namespaceSelector: {}}], ports: [{port: 81}]}]"),
    "both ends, other protocol": policy("acme", "policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}], ports: [{port: 80, protocol: UDP}]}]")
    + policy("beta", "ingress: [{from: [{namespaceSelector: {}}], ports: [{port: 80}]}]"),
    "a pod not on the node's network": pod("acme", "hostNetwork: false"),
    "the credentials agent of a node": policy("acme", "policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 169.254.170.23/32}}]}]"),
    "everything but the metadata service": policy("acme", "policyTypes: [Egress], egress: [{to: [{ipBlock: "
                                                  "{cidr: 0.0.0.0/0, except: [169.254.169.254/32]}}]}]"),
    "rights in the own namespace": binding("RoleBinding", "acme", "view", "{kind: Group, name: acme-ml}"),
    "a service account's rights in its own namespace": binding("RoleBinding", "acme", "view", "{kind: ServiceAccount, name: x, namespace: acme}"),
    "a look at the cluster": obj("ClusterRole", RBAC, "look", "", "rules: [{apiGroups: [''], resources: [namespaces, nodes], verbs: [get, list]}]")
    + binding("ClusterRoleBinding", "", "look", "{kind: ServiceAccount, name: x, namespace: acme}"),
    "the platform's people": binding("RoleBinding", "acme", "view", "{kind: Group, name: ops}").replace("acme", "tools"),
    "an operator": binding("ClusterRoleBinding", "", "cluster-admin", "{kind: ServiceAccount, name: op, namespace: tools}"),
    "a role that collects nothing any more": obj("ClusterRole", RBAC, "old", "", "aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}\n"
                                                 "rules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]")
    + binding("RoleBinding", "beta", "old", "{kind: ServiceAccount, name: x, namespace: acme}").replace("name: b,", "name: c,"),
    "own keys": obj("ExternalSecret", "external-secrets.io/v1", "s", "acme",
                    "spec: {secretStoreRef: {name: aws}, data: [{secretKey: x, remoteRef: {key: acme/hub}}]}"),
    "a store for one tenant": obj("ClusterSecretStore", "external-secrets.io/v1", "s", "", "spec: {conditions: [{namespaces: [acme]}]}")
    + obj("ExternalSecret", "external-secrets.io/v1", "s", "acme",
          "spec: {secretStoreRef: {kind: ClusterSecretStore, name: s}, data: [{secretKey: x, remoteRef: {key: hub}}]}"),
    "a grant to the platform": obj("ReferenceGrant", "gateway.networking.k8s.io/v1", "g", "acme",
                                   "spec: {from: [{kind: Gateway, namespace: tools}], to: [{kind: Secret}]}"),
    "two volumes": obj("PersistentVolume", "v1", "a", "", "spec: {claimRef: {namespace: acme, name: f}, csi: {volumeHandle: one}}")
    + obj("PersistentVolume", "v1", "b", "", "spec: {claimRef: {namespace: beta, name: f}, csi: {volumeHandle: two}}"),
    "weights of a namespace": obj("LocalModelNamespaceCache", "serving.kserve.io/v1alpha1", "c", "acme", "spec: {sourceModelUri: 'hf://a/b'}"),
    "memory on the own node": pod("acme", "volumes: [{name: shm, emptyDir: {medium: Memory}}]"),
    "a queue that does not admit": obj("ClusterQueue", KUEUE, "q", "", "spec: {namespaceSelector: {matchLabels: {gpuplane.dev/tenant: beta}}}")
    + obj("LocalQueue", KUEUE, "q", "acme", "spec: {clusterQueue: q}") + obj("LocalQueue", KUEUE, "q", "beta", "spec: {clusterQueue: q}"),
    "a priority that ends nobody": obj("PriorityClass", "scheduling.k8s.io/v1", "high", "", "value: 9\npreemptionPolicy: Never")
    + pod("acme", "priorityClassName: high") + pod("beta", ""),
    "a cache of one's own": pod("acme", "", REDIS % ".acme.svc") + pod("beta", "", REDIS % ".beta.svc"),
    "a cache by a short name": pod("acme", "", REDIS % "") + pod("beta", "", REDIS % ""),
    "traces that say whose they are": pod("acme", "", TRACES % ("c.tools.svc", ", {name: OTEL_RESOURCE_ATTRIBUTES, value: 'service.namespace=acme'}")),
    "traces to the own collector": pod("acme", "", TRACES % ("c.acme.svc", "")),
    "a monitor of one's own": obj("PodMonitor", "monitoring.coreos.com/v1", "m", "acme", "spec: {namespaceSelector: {matchNames: [acme]}}"),
    "a GPU that was asked for": pod("acme", "", "env: [{name: NVIDIA_VISIBLE_DEVICES, value: all}], resources: {limits: {nvidia.com/gpu: 1}}"),
}
PATHS = {
    "both ends on one port": ("network: acme > beta", policy("acme", "policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}]}]")
                              + policy("beta", "ingress: [{from: [{namespaceSelector: {}}], ports: [{port: 81}]}]")),
    "addresses that may be pods": ("network: acme > beta?", policy("acme", "policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}]")
                                   + policy("beta", "ingress: [{from: [{namespaceSelector: {}}]}]")),
    "the metadata service": ("network: acme > instance metadata",
                             policy("acme", "policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 169.254.0.0/16}}]}]")),
    "a pod of Cilium's other namespace": ("network: acme > beta", policy(
        "beta", "ingress: [{from: [{namespaceSelector: {}}]}]") + obj("CiliumNetworkPolicy", "cilium.io/v2", "o", "acme", (
            "spec: {endpointSelector: {}, egress: [{toEndpoints: [{matchLabels: {'k8s:io.kubernetes.pod.namespace': beta}}]}]}"))),
    "a rule of ports alone": ("network: acme > beta, network: acme > instance metadata", policy("beta", "ingress: [{from: [{namespaceSelector: {}}]}]") + obj(
        "CiliumNetworkPolicy", "cilium.io/v2", "o", "acme", "spec: {endpointSelector: {}, egress: [{toPorts: [{ports: [{port: '80'}]}]}]}")),
    "a group of two tenants": ("kubernetes-api: acme > beta, kubernetes-api: beta > acme", binding(
        "RoleBinding", "acme", "view", "{kind: Group, name: both}") + binding("RoleBinding", "beta", "view", "{kind: Group, name: both}")),
    "all service accounts": ("kubernetes-api: acme > beta", binding("RoleBinding", "beta", "view", "{kind: Group, name: 'system:serviceaccounts'}")),
    "a user name of a service account": ("kubernetes-api: acme > beta", binding(
        "RoleBinding", "beta", "view", "{kind: User, name: 'system:serviceaccount:acme:x'}")),
    "rights over a platform namespace": ("kubernetes-api: acme > namespace tools", binding(
        "RoleBinding", "tools", "edit", "{kind: ServiceAccount, name: x, namespace: acme}")),
    "edit in the own namespace": ("kubernetes-api: acme > borders of tenant acme", binding(
        "RoleBinding", "acme", "edit", "{kind: Group, name: acme-ml}")),
    "a store for everybody": ("secrets: beta > acme", obj("ClusterSecretStore", "external-secrets.io/v1", "s", "", "spec: {}") + obj(
        "ExternalSecret", "external-secrets.io/v1", "s", "acme",
        "spec: {secretStoreRef: {kind: ClusterSecretStore, name: s}, data: [{secretKey: x, remoteRef: {key: hub}}]}")),
    "one NFS export": ("volumes: acme > beta, volumes: beta > acme", "".join(
        obj("PersistentVolume", "v1", name, "", f"spec: {{claimRef: {{namespace: {name}, name: f}}, nfs: {{server: s, path: /x}}}}")
        for name in ("acme", "beta"))),
    "a cluster-wide copy of a model in use": ("volumes: beta > acme", obj(
        "LocalModelCache", "serving.kserve.io/v1alpha1", "c", "", "spec: {sourceModelUri: 's3://m/x'}") + obj(
            "InferenceService", "serving.kserve.io/v1beta1", "i", "acme", "spec: {predictor: {model: {storageUri: 's3://m/x'}}}")),
    "a queue of another tenant that admits": ("queues: acme > beta", obj(
        "ClusterQueue", KUEUE, "q", "", "spec: {namespaceSelector: {}}").replace("{name: q}", "{name: q, labels: {gpuplane.dev/tenant: beta}}") + obj(
            "LocalQueue", KUEUE, "q", "acme", "spec: {clusterQueue: q}")),
    "a system priority": ("queues: acme > beta", pod("acme", "priorityClassName: system-node-critical") + pod("beta", "")),
    "a cache in another tenant's namespace": ("caches: acme > beta", pod("acme", "", REDIS % ".beta.svc")),
    "a cache of both": ("caches: acme > beta, caches: beta > acme", pod("acme", "", REDIS % ".tools.svc") + pod("beta", "", REDIS % ".tools.svc")),
    "a cache by an argument": ("caches: acme > beta, caches: beta > acme", "".join(
        pod(name, "", "args: ['--kv-transfer-config={\"remote_url\": \"lm://kv.tools.svc:65432\"}']") for name in ("acme", "beta"))),
    "traces that say whose they are not": ("telemetry: acme > namespace tools", pod(
        "acme", "", TRACES % ("c.tools.svc", ", {name: OTEL_RESOURCE_ATTRIBUTES, value: 'service.namespace=acme-2'}"))),
    "traces to another tenant": ("telemetry: beta > acme", pod("acme", "", TRACES % ("c.beta.svc", ""))),
    "processes of the node": ("devices: acme > nodes", pod("acme", "hostPID: true")),
}


def test_who_may_start_pods_where_no_standard_is_enforced_has_the_nodes() -> None:
    text = obj("Role", RBAC, "r", "acme", "rules: [{apiGroups: [batch], resources: [jobs], verbs: [create]}]") + obj(
        "RoleBinding", RBAC, "b", "acme", "roleRef: {kind: Role, name: r}\nsubjects: [{kind: Group, name: acme-ml}]")
    bare = TENANTS.replace(", pod-security.kubernetes.io/enforce: baseline", "")

    assert {short(edge) for edge in found(text).refused} == set()
    assert {short(edge) for edge in matrix(PlannedGraph(views_of_text(bare + text))).refused} == {"kubernetes-api: acme > nodes"}


@pytest.mark.parametrize("text", NO_PATH.values(), ids=list(NO_PATH))
def test_what_is_no_path_is_not_refused(text: str) -> None:
    assert {short(edge) for edge in found(text).refused} == set()


@pytest.mark.parametrize(("expected", "text"), PATHS.values(), ids=list(PATHS))
def test_what_is_a_path_is_refused(expected: str, text: str) -> None:
    assert {short(edge) for edge in found(text).refused} == set(expected.split(", "))


@pytest.mark.parametrize(("text", "sharing", "expected"), [
    ("mig", "mig", set()), ("dedicated", "dedicated", set()), ("mps", "mps", {"devices: acme > beta", "devices: beta > acme"}),
    ("time-slicing", "time-slicing", {"devices: acme > beta", "devices: beta > acme"})], ids=["mig", "dedicated", "mps", "time-slicing"])
def test_a_pool_is_shared_by_its_devices(text: str, sharing: str, expected: set[str]) -> None:
    pools = (f"\napiVersion: {KUEUE}\nkind: ResourceFlavor\nmetadata: {{name: p, annotations: {{gpuplane.dev/sharing: {sharing}}}}}\n"
             "spec: {nodeLabels: {pool: p}}\n---")
    queues = "".join(f"\napiVersion: {KUEUE}\nkind: ClusterQueue\nmetadata: {{name: {name}, labels: {{gpuplane.dev/tenant: {name}}}}}\n"
                     "spec: {resourceGroups: [{coveredResources: [nvidia.com/gpu], flavors: [{name: p, resources: "
                     "[{name: nvidia.com/gpu, nominalQuota: 1}]}]}]}\n---" for name in ("acme", "beta"))
    seen = found(pools + queues)

    assert {short(edge) for edge in seen.refused} == expected
    assert text
    assert {(edge.source.name, edge.target.name) for edge in seen.edges if edge.target.name == "pool p"} == (
        set() if expected else {("acme", "pool p"), ("beta", "pool p")})


OTHER = "arn:aws:iam::1:role/other"
ALLOW = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::b/*"}


@pytest.mark.parametrize(("statement", "attached", "expected"), [
    (ALLOW, True, True), ({**ALLOW, "Resource": "arn:aws:s3:::c/*"}, True, False), ({**ALLOW, "Action": "s3:Put*"}, True, False),
    ({**ALLOW, "Principal": {"AWS": OTHER}}, False, True), ({**ALLOW, "Principal": {"AWS": "arn:aws:iam::1:role/mine"}}, False, False),
    ({**ALLOW, "Principal": "*"}, False, True), ({**ALLOW, "Principal": {"AWS": "arn:aws:iam::1:role/*"}}, False, True),
    ({**ALLOW, "Principal": "*", "Condition": {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::1:role/mine"}}}, False, False),
    ({**ALLOW, "Principal": "*", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, False, True),
    ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, True, True),
    ({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::b/*"}, True, False)], ids=str)
def test_what_a_policy_lets_a_role_read(statement: dict[str, Any], attached: bool, expected: bool) -> None:
    verdict = judged([json.dumps({"Statement": [statement]})], OTHER, "s3:GetObject", "arn:aws:s3:::b/model", attached)

    assert (verdict.allowed, verdict.certain) == (expected, expected)


@pytest.mark.parametrize(("condition", "expected"), [
    ({}, True), ({"ArnNotEquals": {"aws:PrincipalArn": ["arn:aws:iam::1:role/mine"]}}, True), ({"ArnNotEquals": {"aws:PrincipalArn": [OTHER]}}, False),
    ({"Bool": {"aws:SecureTransport": "false"}}, False)], ids=str)
def test_what_a_bucket_denies_it_denies(condition: dict[str, Any], expected: bool) -> None:
    document = {"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": condition}]}

    assert denied([json.dumps(document)], OTHER, "s3:GetObject", "arn:aws:s3:::b/model") is expected


def test_a_policy_that_cannot_be_read_may_allow() -> None:
    verdict = judged([Unknown("urn:x", "policy")], OTHER, "s3:GetObject", "arn:aws:s3:::b/model", True)

    assert (verdict.allowed, verdict.certain) == (True, False)
    assert statements("{") == ([], False)


def test_who_may_take_a_role() -> None:
    trust = {"Statement": [
        {"Effect": "Allow", "Principal": {"AWS": [OTHER]}, "Action": "sts:AssumeRole"},
        {"Effect": "Allow", "Principal": {"Federated": "oidc"}, "Condition": {"StringLike": {"oidc:sub": "system:serviceaccount:acme-*:x"}}},
        {"Effect": "Deny", "Principal": {"AWS": ["arn:aws:iam::1:role/mine"]}}]}

    assert list(takers(json.dumps(trust))) == [("role", OTHER), ("namespace", "acme-*")]


def test_a_part_of_the_platform_is_no_tenant() -> None:
    view = ResourceView("urn:ns", api_version="v1", kind="Namespace", name="tools", props={})

    assert matrix(PlannedGraph([view])) == Matrix((), ())


@pytest.mark.parametrize(("high", "low"), [(1, 3), (3, 1), (1, 30), (3, 30), (30, 3), (30, 30), (14, 13)])
def test_who_ends_whose_pods_is_every_pair_and_few_edges(high: int, low: int) -> None:
    """Tenants of high priority, one of them with pods of none too, and tenants without a priority."""
    names = [f"h{number:02}" for number in range(high)], [f"l{number:02}" for number in range(low)]
    text = obj("PriorityClass", "scheduling.k8s.io/v1", "high", "", "value: 9")
    text += "".join(f"\napiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{gpuplane.dev/tenant: {name}}}}}\n---"
                    for name in (*names[0], *names[1]))
    text += "".join(pod(name, "priorityClassName: high") for name in names[0]) + "".join(pod(name, "") for name in (*names[1], "h00"))
    text = text.replace("name: p, namespace: h00", "name: q, namespace: h00", 1)

    edges = [edge for edge in matrix(PlannedGraph(views_of_text(text))).edges if edge.medium == "queues"]

    assert {pair for edge in edges for pair in edge.pairs()} == {
        (source, target) for source in names[0] for target in (*names[1], "h00") if source != target}
    assert len(edges) <= 12 * (high + low)
    assert all(edge.refused for edge in edges)
