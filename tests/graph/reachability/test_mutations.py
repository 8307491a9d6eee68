"""From an environment without an undeclared path, each change of one object adds exactly the paths that it makes."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.reachability import Medium, matrix
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.spec.reachable_from import Medium as DeclaredMedium
from tests.graph.reachability.planned import added, changed, planned, refused

OTHERS = ("research", "search", "support")
RBAC = "rbac.authorization.k8s.io"


def pairs(medium: str, *names: str) -> str:
    """Edges between all of some tenants, both ways."""
    return ", ".join(f"{medium}: {source} > {target}" for source in names for target in names if source != target)


def from_one(medium: str, source: str, *more: str) -> str:
    """Edges from one tenant to the others."""
    return ", ".join(f"{medium}: {source} > {target}" for target in (*(name for name in OTHERS if name != source), *more))


ADDED = {
    "a policy for the whole cluster that opens both ends": (pairs("network", *OTHERS), """
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: open}
spec: {endpointSelector: {}, ingress: [{fromEntities: [cluster]}], egress: [{toEntities: [cluster]}]}
"""),
    "pods on the node's network": (from_one("network", "research", "instance metadata"), """
apiVersion: v1
kind: Pod
metadata: {name: debug, namespace: research}
spec: {hostNetwork: true, containers: [{name: debug, image: debug}]}
"""),
    "a route to another tenant's Service": ("network: research > support", """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: borrowed, namespace: research}
spec: {rules: [{backendRefs: [{name: chat-predictor, namespace: support, port: 80}]}]}
"""),
    "a grant for routes of another tenant": ("network: research > support", """
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: guests, namespace: support}
spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: research}], to: [{group: "", kind: Service}]}
"""),
    "a grant for Secrets": ("secrets: research > support", """
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: guests, namespace: support}
spec: {from: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: research}], to: [{group: "", kind: Secret}]}
"""),
    "a binding of another tenant's group": ("kubernetes-api: research > support", f"""
apiVersion: {RBAC}/v1
kind: RoleBinding
metadata: {{name: guests, namespace: support}}
roleRef: {{apiGroup: {RBAC}, kind: Role, name: tenant-viewer}}
subjects: [{{apiGroup: {RBAC}, kind: Group, name: research-ml}}]
"""),
    "a binding of another tenant's service account": ("kubernetes-api: search > support", f"""
apiVersion: {RBAC}/v1
kind: RoleBinding
metadata: {{name: guests, namespace: support}}
roleRef: {{apiGroup: {RBAC}, kind: ClusterRole, name: view}}
subjects: [{{kind: ServiceAccount, name: model-server, namespace: search}}]
"""),
    "a binding of everybody": (", ".join(f"kubernetes-api: {name} > support" for name in ("research", "search")), f"""
apiVersion: {RBAC}/v1
kind: RoleBinding
metadata: {{name: guests, namespace: support}}
roleRef: {{apiGroup: {RBAC}, kind: Role, name: tenant-viewer}}
subjects: [{{apiGroup: {RBAC}, kind: Group, name: "system:authenticated"}}]
"""),
    "a binding for the whole cluster": (from_one("kubernetes-api", "search", "Kubernetes API"), f"""
apiVersion: {RBAC}/v1
kind: ClusterRoleBinding
metadata: {{name: guests}}
roleRef: {{apiGroup: {RBAC}, kind: ClusterRole, name: view}}
subjects: [{{apiGroup: {RBAC}, kind: Group, name: search-ml}}]
"""),
    "a role that is not among the objects": ("kubernetes-api: research > support?", f"""
apiVersion: {RBAC}/v1
kind: RoleBinding
metadata: {{name: guests, namespace: support}}
roleRef: {{apiGroup: {RBAC}, kind: ClusterRole, name: somebody-elses}}
subjects: [{{apiGroup: {RBAC}, kind: Group, name: research-ml}}]
"""),
    "a key of another tenant in the store": ("secrets: search > support", """
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: borrowed, namespace: search}
spec: {secretStoreRef: {name: aws-secrets}, data: [{secretKey: x, remoteRef: {key: support/other}}]}
"""),
    "one secret in every namespace": (pairs("secrets", *OTHERS), """
apiVersion: external-secrets.io/v1
kind: ClusterExternalSecret
metadata: {name: common}
spec: {namespaceSelectors: [{matchExpressions: [{key: gpuplane.dev/tenant, operator: Exists}]}]}
"""),
    "one volume under two names": (pairs("volumes", "research", "support"), """
apiVersion: v1
kind: PersistentVolume
metadata: {name: research-files}
spec: {claimRef: {namespace: research, name: files}, csi: {driver: efs.csi.aws.com, volumeHandle: fs-0a1b}}
"""),
    "a claim on another tenant's volume": (pairs("volumes", "search", "support"), """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: files, namespace: search}
spec: {volumeName: support-files}
"""),
    "the node's disk": ("volumes: research > nodes", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: reader, namespace: research}
spec: {template: {spec: {containers: [{name: r, image: r}], volumes: [{name: disk, hostPath: {path: /mnt/models}}]}}}
"""),
    "weights for the whole cluster": ("volumes: research > search, volumes: support > search", """
apiVersion: serving.kserve.io/v1alpha1
kind: LocalModelCache
metadata: {name: embeddings, labels: {gpuplane.dev/tenant: search}}
spec: {sourceModelUri: "hf://BAAI/bge", modelSize: 1Gi, nodeGroups: [a]}
"""),
    "a pod with every device": ("devices: search > nodes", """
apiVersion: v1
kind: Pod
metadata: {name: debug, namespace: search}
spec: {containers: [{name: debug, image: debug, securityContext: {privileged: true}}]}
"""),
    "a pod that sees GPUs which it did not ask for": ("devices: search > nodes", """
apiVersion: v1
kind: Pod
metadata: {name: debug, namespace: search}
spec: {containers: [{name: debug, image: debug, env: [{name: NVIDIA_VISIBLE_DEVICES, value: all}]}]}
"""),
    "a second tenant in one ClusterQueue": (pairs("queues", "research", "search"), """
apiVersion: kueue.x-k8s.io/v1beta2
kind: LocalQueue
metadata: {name: batch, namespace: search}
spec: {clusterQueue: common}
"""),
    "pods that end others'": (from_one("queues", "research"), """
apiVersion: apps/v1
kind: Deployment
metadata: {name: first, namespace: research}
spec: {template: {spec: {priorityClassName: urgent, containers: [{name: r, image: r}]}}}
"""),
    "a second tenant in one cache of prompts": (pairs("caches", "research", "support"), """
apiVersion: apps/v1
kind: Deployment
metadata: {name: engine, namespace: research}
spec: {template: {spec: {containers: [{name: vllm, image: vllm, env: [{name: LMCACHE_REMOTE_URL, value: "redis://kv.cache-system.svc:6379"}]}]}}}
"""),
    "a monitor of everybody's metrics": (from_one("telemetry", "research"), """
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: all, namespace: research}
spec: {namespaceSelector: {any: true}, selector: {}}
"""),
}


def policy(statement: str, change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    """A change of one statement of an AWS policy."""
    def act(props: dict[str, Any]) -> None:
        document = json.loads(props["policy"])
        change(next(each for each in document["Statement"] if each.get("Sid") == statement))
        props["policy"] = json.dumps(document)
    return act


RESEARCH_ROLE = "arn:aws:iam::111122223333:role/prod-research-models"


def second_reader(props: dict[str, Any]) -> None:
    """A bucket policy that another tenant's role may read by."""
    document = json.loads(props["policy"])
    for each in document["Statement"]:
        if each["Sid"] == "Readers":
            each["Condition"]["ArnNotEquals"]["aws:PrincipalArn"].append(RESEARCH_ROLE)
        elif each["Sid"] == "Publish":
            each["Principal"]["AWS"].append(RESEARCH_ROLE)
    props["policy"] = json.dumps(document)


def trusts_research(props: dict[str, Any]) -> None:
    """A trust policy that lets pods of another namespace in."""
    document = json.loads(props["assumeRolePolicy"])
    document["Statement"][0]["Condition"]["StringEquals"]["aws:RequestTag/kubernetes-namespace"] = ["support", "research"]
    props["assumeRolePolicy"] = json.dumps(document)


def with_rule(*rule: str) -> Callable[[dict[str, Any]], None]:
    """One more rule: group, resource, verb, and names."""
    group, resource, verb, *names = rule
    return lambda props: props["rules"].append({"apiGroups": [group], "resources": [resource], "verbs": [verb],
                                                **({"resourceNames": names} if names else {})})


def listener_for_two(props: dict[str, Any]) -> None:
    """A listener that admits routes of two tenants."""
    listener = next(each for each in props["spec"]["listeners"] if each["name"] == "support")
    listener["allowedRoutes"]["namespaces"]["selector"] = {
        "matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["support", "research"]}]}


def without_whose(props: dict[str, Any]) -> None:
    """Traces that do not say whose they are."""
    model = props["spec"]["predictor"]["model"]
    model["env"] = [each for each in model["env"] if each["name"] != "OTEL_RESOURCE_ATTRIBUTES"]


CHANGED: dict[str, tuple[str, str, Callable[[dict[str, Any]], None]]] = {
    "a listener for two tenants": (pairs("network", "research", "support"), "Gateway gateway-system/tenants", listener_for_two),
    "a backend in another tenant's namespace": ("network: search > support", "Backend search/embeddings", lambda props: props["spec"].update(
        endpoints=[{"fqdn": {"hostname": "chat-predictor.support.svc.cluster.local", "port": 80}}])),
    "bind": ("kubernetes-api: research > borders of tenant research", "Role research/tenant-developer", with_rule(RBAC, "clusterroles", "bind")),
    "escalate": ("kubernetes-api: research > borders of tenant research", "Role research/tenant-developer", with_rule(RBAC, "roles", "escalate")),
    "network policies": ("kubernetes-api: support > borders of tenant support", "Role support/tenant-developer",
                         with_rule("networking.k8s.io", "networkpolicies", "patch")),
    "bind everywhere": (from_one("kubernetes-api", "research", "Kubernetes API"), "ClusterRole tenant-lookup", with_rule(RBAC, "clusterroles", "bind")),
    "impersonate": (from_one("kubernetes-api", "research", "Kubernetes API"), "ClusterRole tenant-lookup", with_rule("", "groups", "impersonate")),
    "impersonate one group": ("kubernetes-api: research > support, kubernetes-api: research > Kubernetes API", "ClusterRole tenant-lookup",
                              with_rule("", "groups", "impersonate", "support-ml")),
    "pods/exec": (from_one("kubernetes-api", "research", "Kubernetes API"), "ClusterRole tenant-lookup", with_rule("", "pods/exec", "create")),
    "the kubelets": (from_one("kubernetes-api", "research", "Kubernetes API"), "ClusterRole tenant-lookup", with_rule("", "nodes/proxy", "get")),
    "everything": (from_one("kubernetes-api", "research", "Kubernetes API"), "ClusterRole tenant-lookup", with_rule("*", "*", "*")),
    "cluster objects": ("kubernetes-api: research > Kubernetes API", "ClusterRole tenant-lookup", with_rule("", "namespaces", "patch")),
    "a label by which a role is collected": (
        from_one("kubernetes-api", "search"), "ClusterRole pod-reader", lambda props: props["metadata"].update(labels={"collect": "true"})),
    "a bucket policy with a second reader": ("cloud: research > support", "BucketPolicy support", second_reader),
    "a key policy with a second reader": ("cloud: research > support", "Key support", policy(
        "Read", lambda each: each["Principal"].update(AWS=[each["Principal"]["AWS"], RESEARCH_ROLE]))),
    "a role that another namespace may take": ("cloud: research > support", "Role prod-support-models", trusts_research),
    "another tenant's role": (pairs("cloud", "research", "support"), "PodIdentityAssociation research", lambda props: props.update(
        roleArn="arn:aws:iam::111122223333:role/prod-support-models")),
    "a time-sliced pool": (pairs("devices", "research", "support"), "ResourceFlavor l40s", lambda props: props["metadata"].setdefault(
        "annotations", {}).update({"gpuplane.dev/sharing": "time-slicing"})),
    "traces that do not say whose they are": ("telemetry: support > namespace observability", "InferenceService support/chat", without_whose),
    "payloads to another tenant": ("telemetry: search > support", "InferenceService support/chat", lambda props: props["spec"]["predictor"].update(
        logger={"mode": "all", "url": "http://sink.search.svc/"})),
    "pods on the node's network, maybe": (
        ", ".join(f"network: support > {target}?" for target in ("research", "search", "instance metadata")), "InferenceService support/chat",
        lambda props: props["spec"]["predictor"].update(hostNetwork=Unknown("urn:x", "hostNetwork"))),
}


def test_the_environment_has_no_undeclared_path() -> None:
    assert refused(planned()) == set()
    assert matrix(PlannedGraph(planned())).tenants == OTHERS


@pytest.mark.parametrize("name", ADDED)
def test_an_object_more_adds_exactly_its_paths(name: str) -> None:
    expected, text = ADDED[name]

    assert refused(added(text)) == set(expected.split(", "))


@pytest.mark.parametrize("name", CHANGED)
def test_a_changed_object_adds_exactly_its_paths(name: str) -> None:
    expected, which, change = CHANGED[name]

    assert refused(changed(which, change)) == set(expected.split(", "))


def test_a_grant_on_a_key_is_a_path() -> None:
    key = next(view for view in planned() if view.type == "aws:kms/key:Key" and view.name == "support")
    grant = ResourceView("urn:grant", "aws:kms/grant:Grant", kind="Grant", name="guests", props={
        "keyId": Unknown(key.urn, "keyId"), "granteePrincipal": RESEARCH_ROLE, "operations": ["Decrypt"]})

    assert refused((*planned(), grant)) == {"cloud: research > support"}


@pytest.mark.parametrize("name", ADDED)
def test_every_added_path_names_the_object_that_made_it(name: str) -> None:
    views = added(ADDED[name][1])

    for edge in matrix(PlannedGraph(views)).refused:
        assert any(each.urn == views[-1].urn for each in edge.objects), edge


def test_a_declared_path_is_allowed_with_its_reason() -> None:
    def declare(props: dict[str, Any]) -> None:
        props["metadata"]["annotations"]["gpuplane.dev/reachable-from"] = json.dumps(
            [{"tenant": "research", "by": ["kubernetes-api"], "reason": "research helps support out"}])

    views = changed("Namespace support", declare)
    binding = added(ADDED["a binding of another tenant's group"][1])[-1]
    edges = [edge for edge in matrix(PlannedGraph((*views, binding))).edges if edge.between_tenants]

    assert [(edge.source.name, edge.target.name, edge.allowed) for edge in edges] == [
        ("research", "support", "declared by tenant support: research helps support out")]
    assert refused((*views, added(ADDED["a grant for Secrets"][1])[-1])) == {"secrets: research > support"}


def test_a_tenant_declares_by_the_same_words_as_the_matrix_uses() -> None:
    assert set(DeclaredMedium.__args__) == {medium.value for medium in Medium}  # type: ignore[attr-defined]
