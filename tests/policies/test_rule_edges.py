"""Where rules are easily walked round: spellings, defaults, other kinds, values that are not known yet."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.policies.registry import all_rules, judge
from gpuplane.spec.vocabulary import LabelMap

RULES = {rule.id: rule for rule in all_rules()}
UNKNOWN = Unknown("urn:x", "x")

NAMESPACE = """
apiVersion: v1
kind: Namespace
metadata:
  name: support
  labels: {gpuplane.dev/tenant: support, gpuplane.dev/data-classification: pii}
  annotations: {gpuplane.dev/monthly-budget-usd: "1000", gpuplane.dev/allowed-model-sources: "hf://Qwen/"}
---
"""
OTHER = NAMESPACE.replace("support", "search").replace("pii", "internal")
QUEUE = """
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
spec:
  cohortName: all
  namespaceSelector: {matchLabels: {gpuplane.dev/tenant: support}}
  resourceGroups:
    - flavors:
        - {name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: "4", borrowingLimit: "2"}]}
        - {name: l4, resources: [{name: nvidia.com/gpu, nominalQuota: "2", borrowingLimit: "0"}]}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: h100}
spec: {nodeLabels: {pool: h100}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: l4}
spec: {nodeLabels: {pool: l4}}
---
"""


def service(predictor: str, annotations: str = "") -> str:
    return f"""
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: chat
  namespace: support
  annotations: {{serving.kserve.io/deploymentMode: Standard{annotations}}}
spec: {{predictor: {predictor}}}
---
"""


def container(extra: str) -> str:
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: chat, namespace: support}}
spec: {{template: {{spec: {{containers: [{{name: c, image: vllm/vllm-openai, {extra}}}]}}}}}}
---
"""


def messages(rule: str, text: str, labels: LabelMap | None = None) -> list[str]:
    graph = PlannedGraph(views_of_text(text), labels)
    return [finding.message for finding in judge(graph, (), date(2026, 11, 21), [RULES[rule]]).findings]


GPU_MODEL = "model: {resources: {limits: {nvidia.com/gpu: %s}}}"

FOUND = {
    "QF-04: a 25 % surge is the default": ("QF-04", NAMESPACE + QUEUE + service("{maxReplicas: 4, nodeSelector: {pool: h100}, " + GPU_MODEL % 1 + "}"),
                                           "(4 + 1 surge) × 1 = 5"),
    "QF-04: only the flavor that the pods can land on counts": (
        "QF-04", NAMESPACE + QUEUE + service("{maxReplicas: 3, nodeSelector: {pool: l4}, " + GPU_MODEL % 1 + "}"), "owns 2"),
    "QF-04: affinity is a node selector, too": ("QF-04", NAMESPACE + QUEUE + service(
        "{maxReplicas: 3, affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: ["
        "{matchExpressions: [{key: pool, operator: In, values: [l4]}]}]}}}, " + GPU_MODEL % 1 + "}"), "owns 2"),
    "QF-04: borrowing ends somewhere": ("QF-04", NAMESPACE + QUEUE + service(
        "{maxReplicas: 6, nodeSelector: {pool: h100}, " + GPU_MODEL % 1 + "}", ', gpuplane.dev/may-borrow: "true"'),
        "owns 4 and may borrow 2"),
    "QF-04: a model over several nodes": ("QF-04", NAMESPACE + QUEUE + service(
        "{maxReplicas: 1, nodeSelector: {pool: h100}, deploymentStrategy: {type: Recreate}, " + GPU_MODEL % 2 + ", workerSpec: {"
        "nodeSelector: {pool: h100}, pipelineParallelSize: 3, containers: [{name: worker-container, resources: {limits: {nvidia.com/gpu: 2}}}]}}"),
        "1 × 2 + 2 × 2 = 6"),
    "QF-04: Knative scales without a limit": ("QF-04", NAMESPACE + QUEUE + service("{" + GPU_MODEL % 1 + "}").replace("Standard", "Knative"),
                                              "has no maximum"),
    "QF-04: a flavor that the queue does not have": (
        "QF-04", NAMESPACE + QUEUE + service("{maxReplicas: 1, nodeSelector: {pool: a100}, " + GPU_MODEL % 1 + "}"), "owns 0"),
    "QF-04: LLMInferenceService with prefill": ("QF-04", NAMESPACE + QUEUE + """
apiVersion: serving.kserve.io/v1alpha2
kind: LLMInferenceService
metadata: {name: chat, namespace: support}
spec:
  replicas: 2
  template: {nodeSelector: {pool: h100}, containers: [{name: main, resources: {limits: {nvidia.com/gpu: 1}}}]}
  worker: {nodeSelector: {pool: h100}, containers: [{name: main, resources: {limits: {nvidia.com/gpu: 1}}}]}
  parallelism: {pipeline: 2}
  prefill:
    replicas: 1
    template: {nodeSelector: {pool: h100}, containers: [{name: main, resources: {limits: {nvidia.com/gpu: 1}}}]}
""", "= 6 nvidia.com/gpu"),
    "QF-04: without Kueue the ResourceQuota is the limit": ("QF-04", container("resources: {limits: {nvidia.com/gpu: 2}}") + """
apiVersion: v1
kind: ResourceQuota
metadata: {name: q, namespace: support}
spec: {hard: {requests.nvidia.com/gpu: "3"}}
""", "(1 + 1 surge) × 2 = 4"),
    "QF-01: a time-sliced config multiplies, a missing one does not": ("QF-01", QUEUE + """
apiVersion: v1
kind: Node
metadata: {name: a, labels: {pool: h100}}
status: {capacity: {nvidia.com/gpu: "3"}}
""", "can only ever have 3"),
    "QF-06: null is no limit": ("QF-06", QUEUE.replace('borrowingLimit: "2"', "borrowingLimit: null"), "may borrow any amount"),
    "QF-02: a scoped quota forbids nothing": ("QF-02", NAMESPACE + """
apiVersion: v1
kind: ResourceQuota
metadata: {name: q, namespace: support}
spec: {hard: {requests.nvidia.com/gpu: 0}, scopes: [BestEffort]}
""", "has no ResourceQuota"),
    "QF-02: a ceiling below what the queue admits": ("QF-02", NAMESPACE + QUEUE + """
apiVersion: v1
kind: ResourceQuota
metadata: {name: q, namespace: support}
spec: {hard: {requests.nvidia.com/gpu: "5"}}
""", "allows 5 nvidia.com/gpu, less than the 8"),
    "QF-02: a queue that admits nobody": ("QF-02", NAMESPACE + QUEUE.replace("  namespaceSelector: {matchLabels: {gpuplane.dev/tenant: support}}\n", "")
                                          + "apiVersion: kueue.x-k8s.io/v1beta2\nkind: LocalQueue\nmetadata: {name: gpu, namespace: support}\n"
                                            "spec: {clusterQueue: support}\n", "admits nothing from namespace support"),
    "PII-06: an environment variable from a ConfigMap": ("PII-06", NAMESPACE + container("envFrom: [{configMapRef: {name: env}}]") + """
apiVersion: v1
kind: ConfigMap
metadata: {name: env, namespace: support}
data: {VLLM_LOGGING_LEVEL: DEBUG}
""", "VLLM_LOGGING_LEVEL"),
    "PII-06: an own label does not lift the namespace's": ("PII-06", NAMESPACE + service(
        '{logger: {mode: request, url: "http://x"}, model: {}}').replace("name: chat\n", "name: chat\n  labels: {gpuplane.dev/data-classification: public}\n"),
        "sends requests to a sink"),
    "PII-06: a logger of a canary": ("PII-06", NAMESPACE + service("{model: {}}").replace(
        "spec: {", 'spec: {canary: [{predictor: {logger: {mode: all, url: "http://x"}, model: {}}}], '), "sends requests and responses"),
    "SC-05: a workload cannot allow itself a source": ("SC-05", NAMESPACE + service(
        '{model: {storageUri: "hf://Evil/x:0123456789abcdef"}}', ', gpuplane.dev/allowed-model-sources: "hf://Evil/"'), "not below any allowed source"),
    "SC-05: dots lead nowhere": ("SC-05", NAMESPACE + service('{model: {storageUri: "hf://Qwen/../Evil/x:0123456789abcdef"}}'),
                                 "not below any allowed source"),
    "SC-05: an image by tag": ("SC-05", service('{model: {storageUri: "oci://r.io/m:v1"}}'), "not pinned"),
    "SC-05: an adapter": ("SC-05", """
apiVersion: serving.kserve.io/v1alpha2
kind: LLMInferenceService
metadata: {name: chat, namespace: x}
spec: {model: {uri: "hf://a/b:0123456789abcdef", lora: {adapters: [{name: x, uri: "s3://b/x"}]}}}
""", "s3://b/x"),
    "SC-05: vllm serve": ("SC-05", container('command: [vllm, serve, Qwen/x]'), "hf://Qwen/x of"),
    "SC-05: a commit that is no commit": ("SC-05", container('args: [--model=Qwen/x, --revision, main]'), "hf://Qwen/x:main"),
    "TI-01: own namespace only is no default deny": ("TI-01", NAMESPACE + """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: own, namespace: support}
spec: {podSelector: {}, policyTypes: [Ingress, Egress], ingress: [{from: [{podSelector: {}}]}], egress: [{to: [{podSelector: {}}]}]}
""", "denies ingress and egress"),
    "TI-01: a rule without peers takes the deny back": ("TI-01", NAMESPACE + """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: support}
spec: {podSelector: {}, policyTypes: [Ingress, Egress], ingress: [{}]}
""", "denies ingress by default"),
    "TI-02: half of the internet": ("TI-02", NAMESPACE + """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: n, namespace: support}
spec: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 128.0.0.0/1}}]}]}
""", "128.0.0.0/1"),
    "TI-02: every tenant": ("TI-02", NAMESPACE + OTHER + """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: n, namespace: support}
spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: gpuplane.dev/tenant, operator: Exists}]}}]}]}
""", "tenant search (namespace search)"),
    "TI-02: Cilium's world": ("TI-02", NAMESPACE + """
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: n, namespace: support}
spec: {endpointSelector: {}, egress: [{toEntities: [world]}]}
""", "the entity world"),
    "TI-11: one role for two tenants": ("TI-11", NAMESPACE + OTHER + "---\n".join(f"""
apiVersion: v1
kind: ServiceAccount
metadata: {{name: reader, namespace: {name}, annotations: {{eks.amazonaws.com/role-arn: "arn:aws:iam::1:role/shared"}}}}
""" for name in ("support", "search")), "uses the same IAM role"),
    "TI-11: another tenant's role": ("TI-11", NAMESPACE + OTHER + """
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader, namespace: support, annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::1:role/gpuplane-search"}}
""", "an IAM role, which is tenant search's"),
    "TI-11: another tenant's secret": ("TI-11", NAMESPACE + OTHER + """
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: s, namespace: support}
spec: {secretStoreRef: {kind: SecretStore, name: s}, data: [{secretKey: t, remoteRef: {key: prod/search/token}}]}
""", "a key in the secret store"),
    "TI-11: a store for everybody": ("TI-11", NAMESPACE + OTHER + """
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: s, namespace: support}
spec: {secretStoreRef: {kind: ClusterSecretStore, name: all}}
---
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: all}
""", "other tenants may read too"),
    "TI-11: a service of another tenant": ("TI-11", NAMESPACE + OTHER + service('{model: {env: [{name: U, value: "http://api.search.svc:80"}]}}'),
                                          "a service of namespace search"),
    "TI-11: a grant to another tenant": ("TI-11", NAMESPACE + OTHER + """
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: g, namespace: support}
spec: {from: [{kind: HTTPRoute, group: gateway.networking.k8s.io, namespace: search}]}
""", "every HTTPRoute of namespace search"),
    "TI-11: a route to another tenant": ("TI-11", NAMESPACE + OTHER + """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: support}
spec: {rules: [{backendRefs: [{name: api, namespace: search}]}]}
""", "Service api"),
    "TI-12: MPS counts as sharing": ("TI-12", NAMESPACE + service("{" + GPU_MODEL % 1 + "}") + """
apiVersion: v1
kind: Node
metadata: {name: a, labels: {nvidia.com/gpu.sharing-strategy: mps}}
status: {capacity: {nvidia.com/gpu: "3"}}
""", "shares its GPUs by mps"),
    "TI-12: a config that nobody can look up": ("TI-12", NAMESPACE + service("{" + GPU_MODEL % 1 + "}") + """
apiVersion: v1
kind: Node
metadata: {name: a, labels: {nvidia.com/device-plugin.config: x}}
status: {capacity: {nvidia.com/gpu: "3"}}
""", "not among the objects"),
    "PII-01: a graph of models": ("PII-01", "apiVersion: serving.kserve.io/v1alpha1\nkind: InferenceGraph\nmetadata: {name: g}\n", "does not say"),
    "CB-01: a namespace of ours without a budget": ("CB-01", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support, app.kubernetes.io/managed-by: gpuplane}}
""", "states no budget"),
}


@pytest.mark.parametrize(("rule", "text", "message"), FOUND.values(), ids=FOUND.keys())
def test_a_way_round_a_rule_is_found(rule: str, text: str, message: str) -> None:
    found = messages(rule, text)

    assert any(message in each for each in found), found


QUIET = {
    "QF-04: borrowed replicas are allowed where they are accepted": ("QF-04", NAMESPACE + QUEUE + service(
        "{maxReplicas: 5, nodeSelector: {pool: h100}, deploymentStrategy: {rollingUpdate: {maxSurge: 1}}, " + GPU_MODEL % 1 + "}",
        ', gpuplane.dev/may-borrow: "true"')),
    "QF-04: a manifest alone has no quota": ("QF-04", service("{maxReplicas: 99, " + GPU_MODEL % 8 + "}")),
    "QF-04: jobs wait for each other": ("QF-04", NAMESPACE + QUEUE + "---\n".join(f"""
apiVersion: batch/v1
kind: Job
metadata: {{name: train-{number}, namespace: support}}
spec: {{template: {{spec: {{nodeSelector: {{pool: h100}}, containers: [{{name: c, image: c, resources: {{limits: {{nvidia.com/gpu: 4}}}}}}]}}}}}}
""" for number in range(3))),
    "QF-01: queues alone have no capacity": ("QF-01", QUEUE),
    "QF-06: a lending limit matters in production only": ("QF-06", QUEUE),
    "TI-01: a namespace that Kubernetes makes": ("TI-01", "apiVersion: v1\nkind: Namespace\nmetadata: {name: kube-system}\n"),
    "TI-01: a combined policy that opens by name": ("TI-01", NAMESPACE + """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: support}
spec: {podSelector: {}, policyTypes: [Ingress, Egress], egress: [{to: [{namespaceSelector: {}}], ports: [{port: 53}]}]}
"""),
    "TI-02: a platform namespace may serve everybody": ("TI-02", """
apiVersion: v1
kind: Namespace
metadata: {name: gateway-system}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: n, namespace: gateway-system}
spec: {podSelector: {}, ingress: [{}]}
"""),
    "TI-11: a bucket that bears the longer name is the other tenant's own": ("TI-11", NAMESPACE.replace("support", "search-dev") + OTHER
        + service('{model: {storageUri: "s3://search-dev-models/x/0123456789ab"}}').replace("support", "search-dev")),
    "TI-12: a pool of one tenant without personal data": ("TI-12", OTHER + """
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: l4, annotations: {gpuplane.dev/sharing: time-slicing}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: search, labels: {gpuplane.dev/tenant: search}}
spec: {resourceGroups: [{flavors: [{name: l4, resources: [{name: nvidia.com/gpu, nominalQuota: "4"}]}]}]}
"""),
    "PII-06: what is switched off": ("PII-06", NAMESPACE + container("args: [--enable-log-requests=false], env: [{name: VLLM_LOGGING_LEVEL, value: INFO}]")),
    "PII-06: internal data": ("PII-06", NAMESPACE.replace("pii", "internal") + container("args: [--enable-log-requests]")),
    "SC-05: a folder that the pod already has": ("SC-05", container("args: [--model=/mnt/models]")),
    "SC-05: no model at all": ("SC-05", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: nginx}]}\n"),
    "SC-05: a digest": ("SC-05", service('{model: {storageUri: "oci://r.io/m@sha256:' + "a" * 64 + '"}}')),
    "CB-05: workloads of nobody with a budget": ("CB-05", service("{" + GPU_MODEL % 1 + "}")),
    "WS-20: resources of the whole pod": ("WS-20", """
apiVersion: v1
kind: Pod
metadata: {name: p}
spec: {resources: {requests: {cpu: 1, memory: 1Gi}, limits: {memory: 1Gi}}, containers: [{name: c, image: c}]}
"""),
    "WS-20: an ephemeral container can have none": ("WS-20", """
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers: [{name: c, image: c, resources: {requests: {cpu: 1, memory: 1Gi}, limits: {memory: 1Gi}}}]
  ephemeralContainers: [{name: debug, image: busybox}]
"""),
}


@pytest.mark.parametrize(("rule", "text"), QUIET.values(), ids=QUIET.keys())
def test_a_rule_is_quiet_where_nothing_is_wrong(rule: str, text: str) -> None:
    assert messages(rule, text) == []


def _with(view: ResourceView, path: tuple[str | int, ...], value: Any) -> ResourceView:
    def put(node: Any, steps: tuple[str | int, ...]) -> Any:
        if not steps:
            return value
        if isinstance(node, list):
            return [put(item, steps[1:]) if index == steps[0] else item for index, item in enumerate(node)]
        return {**(node or {}), steps[0]: put((node or {}).get(steps[0]), steps[1:])}

    return replace(view, props=put(dict(view.props), path))


HIDDEN: list[tuple[str, tuple[str | int, ...]]] = [
    ("WS-01", ("spec",)), ("WS-01", ("spec", "predictor")), ("WS-01", ("spec", "predictor", "model")),
    ("WS-01", ("spec", "predictor", "containers")), ("WS-01", ("spec", "predictor", "model", "securityContext", "privileged")),
    ("WS-20", ("spec", "predictor", "model", "resources", "limits", "memory")), ("WS-20", ("spec", "predictor", "model", "resources")),
    ("QF-04", ("spec", "predictor", "maxReplicas")), ("QF-04", ("spec", "predictor", "model", "resources")),
    ("QF-04", ("spec", "predictor", "model", "resources", "limits", "nvidia.com/gpu")), ("CB-01", ("spec", "predictor", "minReplicas")),
    ("PII-06", ("spec", "predictor", "model", "args")), ("PII-06", ("spec", "predictor", "model", "command", 0)),
    ("SC-05", ("spec", "predictor", "model", "storageUri")), ("PII-01", ("metadata", "labels", "gpuplane.dev/data-classification")),
]


@pytest.mark.parametrize(("rule", "path"), HIDDEN, ids=[f"{rule}: {'.'.join(map(str, path))}" for rule, path in HIDDEN])
def test_what_is_only_known_after_apply_is_unknown_and_never_passes(rule: str, path: tuple[str | int, ...]) -> None:
    *context, model = views_of_text(NAMESPACE + QUEUE + service(
        "{minReplicas: 1, maxReplicas: 1, nodeSelector: {pool: h100}, deploymentStrategy: {type: Recreate}, model: {command: [x], "
        "storageUri: \"hf://Qwen/x:0123456789abcdef\", resources: {requests: {cpu: 1, memory: 1Gi}, limits: {memory: 1Gi, nvidia.com/gpu: 1}}}}"))
    good = judge(PlannedGraph([*context, model]), (), date(2026, 11, 21), [RULES[rule]])
    hidden = judge(PlannedGraph([*context, _with(model, path, UNKNOWN)]), (), date(2026, 11, 21), [RULES[rule]])

    assert [finding.message for finding in good.findings] == []
    assert hidden.verdict.value == "unknown"
    assert not any("broke" in finding.message for finding in hidden.findings)


def test_somebody_elses_labels_are_read_by_the_label_map() -> None:
    labels = LabelMap(tenant="team", data_classification="data", data_classes={"pii": ("personal",)})
    text = NAMESPACE.replace("gpuplane.dev/tenant", "team").replace("gpuplane.dev/data-classification: pii", "data: Personal")

    assert messages("PII-01", text, labels) == []
    assert messages("PII-06", text + container("args: [--enable-log-requests]"), labels)
    assert messages("TI-01", text, labels)
