"""Every mutation: what somebody did to a valid environment, and the rule that must say so."""

from __future__ import annotations

from tests.policies.mutations.engine import Change, Mutation, add, both, cut, drop, more, put, swap

CREATED = "docs/examples/06-created-cluster/environments/aws"
LLM = "docs/examples/07-large-language-models/environments/llm"
TOKENS = "docs/examples/04-chat-tokens-per-dollar/environments/chat"
DEV = "environments/dev"
_ISVC, _PREDICTOR, _MODEL = "InferenceService", ("spec", "predictor"), ("spec", "predictor", "model")
_CHAT, _EMBEDDINGS, _RESNET = "support/chat", "search/embeddings", "research/resnet50"
_NOTES = ("metadata", "annotations")
_GPU = ("resources", "limits", "nvidia.com/gpu")
_CLASS = ("metadata", "labels", "gpuplane.dev/data-classification")
_ASSESSED = both(put("Namespace", "support", *_NOTES, "gpuplane.dev/dpia", value="DPIA 2026-08"),
                 put("Namespace", "support", *_NOTES, "gpuplane.dev/oversight-contact", value="model risk board"))
_HIGH_RISK = put("Namespace", "support", *_NOTES, "gpuplane.dev/ai-act-risk", value="high")


def _variable(name: str, value: str) -> Change:
    """A variable more for the servers of support/chat."""
    return more(_ISVC, _CHAT, *_MODEL, "env", items=({"name": name, "value": value},))


COST = (
    Mutation("a tenant's budget is cut below what it runs", "CB-01",
             put("Namespace", "support", *_NOTES, "gpuplane.dev/monthly-budget-usd", value="5000")),
    Mutation("a tenant's cost centre is lost", "CB-04", cut("Namespace", "support", *_NOTES, "gpuplane.dev/cost-center")),
    Mutation("what a node group launches is no longer tagged", "CB-04", put("LaunchTemplate", "l40s", "tagSpecifications", value=[])),
    Mutation("nodes move to a region without prices", "CB-05", put("NodeGroup", "l40s", "region", value="xx-north-9")),
    Mutation("nodes of a service become spot", "CB-06", put("NodeGroup", "l40s", "capacityType", value="SPOT")),
    Mutation("a service of development stays up at night", "CB-07", drop("ScaledObject", _RESNET), DEV),
    Mutation("nodes that nobody owns always run", "CB-08",
             put("NodeGroup", "a100-mig", "scalingConfig", value={"minSize": 4, "maxSize": 4, "desiredSize": 4})),
    Mutation("more is reserved than may ever run", "CB-10", add("""
resources:
  spare:
    type: aws:ec2/capacityReservation:CapacityReservation
    properties: {instanceType: p4de.24xlarge, instanceCount: 9, tags: {gpuplane.dev/environment: prod}}
""")),
    Mutation("the cloud's budget has another amount", "CB-11", add("""
resources:
  support:
    type: aws:budgets/budget:Budget
    properties:
      limitAmount: "1"
      costFilters: [{name: TagKeyValue, values: ["user:gpuplane.dev/tenant$support"]}]
      notifications: [{threshold: 80}]
""")),
    Mutation("nodes move to where prices are old", "CB-12", put("NodeGroup", "l4", "region", value="eu-central-1"), TOKENS),
    Mutation("disks of the old type", "CB-13",
             put("LaunchTemplate", "l40s", "blockDeviceMappings", 0, "ebs", "volumeType", value="gp2"), CREATED),
    Mutation("weights go through the NAT gateway", "CB-13", drop("VpcEndpoint", "aws-s3"), CREATED),
)

QUOTAS = (
    Mutation("more GPUs are promised than there are", "QF-01",
             put("ClusterQueue", "support", "spec", "resourceGroups", 0, "flavors", 1, "resources", 2, "nominalQuota", value="9")),
    Mutation("a GPU type that a tenant does not own has no ceiling", "QF-02",
             cut("ResourceQuota", "search/tenant", "spec", "hard", "requests.nvidia.com/mig-3g.40gb")),
    Mutation("a namespace loses its defaults", "QF-03", drop("LimitRange", "research/tenant")),
    Mutation("an autoscaler may ask for more than is owned", "QF-04", put(_ISVC, _CHAT, *_PREDICTOR, "maxReplicas", value=8)),
    Mutation("what always runs stands on borrowed GPUs", "QF-05", put(_ISVC, _RESNET, *_PREDICTOR, "minReplicas", value=3)),
    Mutation("a queue may borrow any amount", "QF-06",
             cut("ClusterQueue", "research", "spec", "resourceGroups", 0, "flavors", 2, "resources", 2, "borrowingLimit")),
    Mutation("a queue does not say whom its workloads preempt", "QF-07",
             cut("ClusterQueue", "search", "spec", "preemption", "withinClusterQueue")),
    Mutation("a tenant ranks everybody", "QF-08",
             put("WorkloadPriorityClass", "gpuplane-batch", "metadata", "labels", "gpuplane.dev/tenant", value="research")),
    Mutation("a GPU request that is not the limit", "QF-09", put(_ISVC, _CHAT, *_MODEL, *_GPU, value="2")),
    Mutation("a listener's limits are taken away", "QF-11", drop("BackendTrafficPolicy", "gateway-system/search-limits")),
    Mutation("a tenant may make any number of Services", "QF-12", cut("ResourceQuota", "search/tenant", "spec", "hard", "services")),
    Mutation("a model over several nodes does not say how near they must stand", "QF-14",
             put("ResourceFlavor", "h100", "spec", "topologyName", value="blocks"), LLM),
)

PRIVACY = (
    Mutation("a tenant without a data class", "PII-01",
             cut("Namespace", "research", *_CLASS)),
    Mutation("a tenant says less of its data than its bucket does", "PII-02", put("Namespace", "support", *_CLASS, value="internal"), CREATED),
    Mutation("a bucket with the cloud's own key", "PII-03", drop("BucketServerSideEncryptionConfiguration", "support"), CREATED),
    Mutation("a key that is never rotated", "PII-03", put("Key", "aws-secrets", "enableKeyRotation", value=False), CREATED),
    Mutation("a key for everybody", "PII-04", swap("Key", "support", old="arn:aws:iam::111122223333:root", new="*"), CREATED),
    Mutation("a key that is gone in three days", "PII-04", put("Key", "support", "deletionWindowInDays", value=3), CREATED),
    Mutation("prompts are logged", "PII-06", more(_ISVC, _CHAT, *_MODEL, "args", items=("--enable-log-requests",))),
    Mutation("prompts are traced", "PII-07", _variable("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "span_only")),
    Mutation("a log that nothing deletes", "PII-09", cut("LogGroup", "aws-flow-log", "retentionInDays"), CREATED),
    Mutation("a bucket that keeps replaced files for ten years", "PII-09",
             put("BucketLifecycleConfiguration", "support", "rules", 0, "noncurrentVersionExpiration", "noncurrentDays", value=3650), CREATED),
    Mutation("a provider moves to another region", "PII-10",
             put("Namespace", "search", *_NOTES, "gpuplane.dev/allowed-regions", value="us-west-2")),
    Mutation("a provider loses its approval", "PII-11",
             put("Backend", "search/query-rewriter--bedrock", *_NOTES, "gpuplane.dev/approved-for", value="public")),
    Mutation("somebody's address in a variable", "PII-12", _variable("NOTIFY", "jane.doe@example.com")),
    Mutation("an account number among the annotations", "PII-12",
             put("Namespace", "support", *_NOTES, "example.com/refund-to", value="DE89370400440532013000")),
    Mutation("a token that Pulumi is not told is secret", "PII-14", add("""
resources:
  hub: {type: "aws:secretsmanager/secretVersion:SecretVersion", properties: {secretId: hub, secretString: swordfish}}
""")),
    Mutation("an operator's stack is given its token literally", "PII-14", add("""
apiVersion: pulumi.com/v1
kind: Stack
metadata: {name: tenants, namespace: pulumi}
spec: {stack: prod-tenants, secretsRef: {"app:token": {type: Literal, literal: {value: swordfish}}}}
""")),
    Mutation("a route without authentication", "PII-15", cut("SecurityPolicy", _RESNET, "spec", "apiKeyAuth")),
    Mutation("nobody records who reads a bucket", "PII-16", drop("BucketLogging", "support"), CREATED),
    Mutation("prompts are cached over the network in the clear", "PII-17",
             _variable("LMCACHE_REMOTE_URL", "redis://cache.support.svc:6379")),
    Mutation("production's bucket is read elsewhere", "PII-18",
             put("Bucket", "support", "tags", "gpuplane.dev/environment", value="prod"), CREATED),
    Mutation("a high-risk system that nobody assessed", "PII-19", _HIGH_RISK),
    Mutation("a high-risk system whose log is kept for a month", "PII-20",
             both(both(_ASSESSED, _HIGH_RISK), put("LogGroup", "aws-control-plane", "retentionInDays", value=30)), CREATED),
    Mutation("a server in the mode for developers", "PII-21", _variable("VLLM_SERVER_DEV_MODE", "1")),
)

RELIABILITY = (
    Mutation("one replica", "RE-01", put(_ISVC, _EMBEDDINGS, *_PREDICTOR, "minReplicas", value=1)),
    Mutation("no disruption budget", "RE-02", drop("PodDisruptionBudget", _CHAT)),
    Mutation("a model is killed while it loads", "RE-03", cut(_ISVC, _CHAT, *_MODEL, "startupProbe")),
    Mutation("replicas are spread over nothing", "RE-04", cut(_ISVC, _CHAT, *_PREDICTOR, "topologySpreadConstraints")),
    Mutation("a server that stops at once", "RE-05", cut(_ISVC, _CHAT, *_MODEL, "lifecycle")),
    Mutation("an update takes all replicas", "RE-06",
             put(_ISVC, _EMBEDDINGS, *_PREDICTOR, "deploymentStrategy", "rollingUpdate", "maxUnavailable", value=2)),
    Mutation("an autoscaler without room", "RE-07", put("ScaledObject", _CHAT, "spec", "maxReplicaCount", value=0), DEV),
    Mutation("an API version that is gone", "RE-09", put("PodDisruptionBudget", _CHAT, "apiVersion", value="policy/v1beta1")),
    Mutation("a database of production may be deleted at once", "RE-10", add("""
resources:
  results:
    type: aws:rds/instance:Instance
    properties:
      instanceClass: db.m7g.large
      deletionProtection: false
      tags: {gpuplane.dev/environment: prod, gpuplane.dev/data-classification: internal}
""")),
    Mutation("a pod that nothing makes again", "RE-11", add("""
apiVersion: v1
kind: Pod
metadata: {name: probe, namespace: search, labels: {gpuplane.dev/tenant: search}}
spec:
  automountServiceAccountToken: false
  serviceAccountName: model-server
  securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: probe
      image: docker.io/vllm/vllm-openai@sha256:8a69ffad015f138d7170c4ddc429e230a3bc1c1719f67e14324749df200a4b90
      readinessProbe: {exec: {command: ["true"]}}
      resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 64Mi}}
      securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
""")),
    Mutation("a pool in one zone", "RE-12", put("NodeGroup", "l40s", "subnetIds", value=["subnet-0e5f607182930415a"])),
)

SUPPLY_CHAIN = (
    Mutation("a policy that takes anybody's signature", "SC-04", add("""
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: all}
spec: {images: [{glob: "**"}], authorities: [{static: {action: pass}}]}
""")),
    Mutation("a model by its branch", "SC-05", put(_ISVC, _CHAT, *_MODEL, "storageUri", value="hf://Qwen/Qwen2.5-7B-Instruct:main")),
    Mutation("weights in pickles", "SC-06", more(_ISVC, _CHAT, *_MODEL, "args", items=("--load-format=pt",))),
    Mutation("a model's own code", "SC-07", more(_ISVC, _CHAT, *_MODEL, "args", items=("--trust-remote-code",))),
    Mutation("nobody knows the licence", "SC-08", cut(_ISVC, _RESNET, *_NOTES, "gpuplane.dev/model-license")),
    Mutation("adapters at run time", "SC-09",
             more(_ISVC, _CHAT, *_MODEL, "env", items=({"name": "VLLM_ALLOW_RUNTIME_LORA_UPDATING", "value": "True"},))),
    Mutation("packages are installed at start", "SC-10",
             put(_ISVC, _CHAT, *_MODEL, "lifecycle", "postStart", "exec", "command", value=["pip", "install", "transformers"])),
    Mutation("an image repository with AWS's defaults", "SC-11", add("""
resources:
  vllm: {type: "aws:ecr/repository:Repository", properties: {name: vllm, tags: {gpuplane.dev/environment: prod}}}
""")),
    Mutation("a chart by a range", "SC-12", put("Release", "kueue", "version", value=">=0.19.0")),
)

ISOLATION = (
    Mutation("pods of every namespace are let in", "TI-02",
             more("NetworkPolicy", "support/allow-gateway", "spec", "ingress", 0, "from", items=({"namespaceSelector": {}},))),
    Mutation("egress to everybody", "TI-03",
             more("NetworkPolicy", "support/egress-model-hub", "spec", "egress", 0, "to", items=({"ipBlock": {"cidr": "0.0.0.0/0"}},)),
             also={"TI-02": "everybody includes the other tenants"}),
    Mutation("names are asked of a server on the internet", "TI-03",
             more("NetworkPolicy", "support/egress-model-hub", "spec", "egress", items=({
                 "to": [{"ipBlock": {"cidr": "8.8.8.8/32"}}], "ports": [{"port": 53, "protocol": "UDP"}]},))),
    Mutation("rights for another tenant's account", "TI-11",
             more("RoleBinding", "research/tenant-viewer", "subjects",
                  items=({"kind": "ServiceAccount", "name": "model-server", "namespace": "support"},)),
             also={"TI-22": "rights in another tenant's namespace are a path to it"}),
    Mutation("a pool of two tenants is shared by turns", "TI-12",
             put("ResourceFlavor", "a100", *_NOTES, "gpuplane.dev/sharing", value="time-slicing"),
             also={"TI-22": "a GPU that two tenants share is a path between them"}),
    Mutation("special categories of data on everybody's nodes", "TI-13",
             both(_ASSESSED, put("Namespace", "support", *_CLASS, value="special")), CREATED),
    Mutation("pods that tolerate every taint", "TI-14", put(_ISVC, _CHAT, *_PREDICTOR, "tolerations", value=[{"operator": "Exists"}])),
    Mutation("a tenant's role reads every bucket", "TI-15",
             swap("RolePolicy", "aws-support-models", old="arn:aws:s3:::example-models-support/*", new="arn:aws:s3:::*"), CREATED),
    Mutation("pods of any account take a role", "TI-15",
             swap("Role", "aws-vpc-cni", old="aws:RequestTag/kubernetes-", new="aws:RequestTag/"), CREATED),
    Mutation("data by the role of the nodes", "TI-15", add("""
resources:
  nodes-models:
    type: aws:iam/rolePolicyAttachment:RolePolicyAttachment
    properties: {role: aws-nodes, policyArn: "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}
"""), CREATED),
    Mutation("a Secret in the manifests", "TI-16", add("""
apiVersion: v1
kind: Secret
metadata: {name: greeting, namespace: support, labels: {gpuplane.dev/tenant: support}}
stringData: {greeting: good morning}
"""), also={"PII-13": "whatever a Secret holds is a secret that stands there literally"}),
    Mutation("a listener for everybody's routes", "TI-19",
             put("Gateway", "tenants", "spec", "listeners", 0, "allowedRoutes", "namespaces", value={"from": "All"}),
             also={"TI-22": "a route of one tenant may answer requests that are meant for another"}),
    Mutation("the API server is open to the internet", "TI-21", put("Cluster", "aws", "vpcConfig", "endpointPublicAccess", value=True), CREATED),
    Mutation("pods reach their node's credentials", "TI-21",
             put("LaunchTemplate", "l40s", "metadataOptions", "httpPutResponseHopLimit", value=2), CREATED),
    Mutation("people of one tenant look into another", "TI-22",
             more("RoleBinding", "research/tenant-viewer", "subjects",
                  items=({"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "search-ml"},))),
)

WORKLOADS = (
    Mutation("containers of a pod see each other's processes", "WS-22", both(
        put(_ISVC, _CHAT, *_PREDICTOR, "shareProcessNamespace", value=True),
        more(_ISVC, _CHAT, *_PREDICTOR, "containers", items=({
            "name": "sidecar", "image": "nvcr.io/nvidia/cuda@sha256:8a69ffad015f138d7170c4ddc429e230a3bc1c1719f67e14324749df200a4b90",
            "readinessProbe": {"exec": {"command": ["true"]}},
            "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}},
            "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}},)))),
)

WIRING = (
    Mutation("a listener that is not there", "WI-01",
             put("HTTPRoute", _RESNET, "spec", "parentRefs", 0, "sectionName", value="reserch")),
    Mutation("a backend that is not there", "WI-02",
             put("Backend", _CHAT, "spec", "endpoints", 0, "fqdn", "hostname", value="chatt-predictor.support.svc.cluster.local")),
    Mutation("a Service that selects nothing", "WI-03", add("""
apiVersion: v1
kind: Service
metadata: {name: chat-direct, namespace: support, labels: {gpuplane.dev/tenant: support}}
spec: {selector: {app: chatt}, ports: [{port: 80, targetPort: 8080}]}
""")),
    Mutation("a port that nothing listens on", "WI-04", add("""
apiVersion: v1
kind: Service
metadata: {name: chat-direct, namespace: support, labels: {gpuplane.dev/tenant: support}}
spec: {selector: {serving.kserve.io/inferenceservice: chat}, ports: [{port: 80, targetPort: 8181}]}
""")),
    Mutation("a route by a name that is not served", "WI-05",
             put("AIGatewayRoute", _CHAT, "spec", "rules", 0, "backendRefs", 1, "modelNameOverride", value="assistant-80b")),
    Mutation("an autoscaler of something that is not there", "WI-06",
             put("ScaledObject", _CHAT, "spec", "scaleTargetRef", "name", value="chatt-predictor"), DEV,
             also={"CB-07": "without its autoscaler the service never stops"}),
    Mutation("a monitor of another port", "WI-07",
             put("PodMonitor", "gpuplane-model-servers", "spec", "podMetricsEndpoints", 0, "portNumber", value=9090)),
    Mutation("an alert on a series that nobody exports", "WI-08",
             put("PrometheusRule", "support/gpuplane-chat", "spec", "groups", 0, "rules", 1, "expr",
                 value='sum(rate(vllm:time_to_first_token_second_count{tenant="support",service="chat"}[5m]))')),
    Mutation("a dashboard of a series that nobody exports", "WI-09",
             swap("ConfigMap", "gpuplane-dashboard-service-overview", old="vllm:num_requests_running", new="vllm:num_requests_runing"), CREATED),
    Mutation("a network policy that opens another port", "WI-10",
             put("NetworkPolicy", "support/allow-gateway", "spec", "ingress", 0, "ports", value=[{"port": 8081, "protocol": "TCP"}])),
    Mutation("an account that is not there", "WI-11", put(_ISVC, _CHAT, *_PREDICTOR, "serviceAccountName", value="model-servr")),
    Mutation("an account that may not read the bucket", "WI-12", put("PodIdentityAssociation", "support", "serviceAccount", value="default"), CREATED),
    Mutation("a taint that is not tolerated", "WI-13", cut(_ISVC, _CHAT, *_PREDICTOR, "tolerations")),
    Mutation("a service that no queue counts", "WI-14", cut(_ISVC, _EMBEDDINGS, "metadata", "labels", "kueue.x-k8s.io/queue-name")),
)

MUTATIONS = (*COST, *QUOTAS, *PRIVACY, *RELIABILITY, *SUPPLY_CHAIN, *ISOLATION, *WORKLOADS, *WIRING)
