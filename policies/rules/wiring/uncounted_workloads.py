"""WI-14: a GPU workload that no queue counts takes what others were promised, and one in a broken queue never starts."""

from __future__ import annotations

from gpuplane.graph.wiring import Relation
from gpuplane.policies.link_rule import LinkRule
from gpuplane.policies.rule import Example


class UncountedWorkloads(LinkRule):
    """Kueue has no integration for InferenceService: only the label on it, handed down to the Deployment, brings its pods into a queue."""

    id = "WI-14"
    title = "Every GPU workload is counted by a queue whose chain ends in a flavor"
    remedy = ("Set the label kueue.x-k8s.io/queue-name to a LocalQueue of the namespace, whose ClusterQueue admits the namespace, "
              "covers the device and names flavors that are there.")
    references = ("kubernetes-sigs/kueue#1603", "Kueue v0.19 concepts: LocalQueue, ClusterQueue, ResourceFlavor",)
    looks_at = "outlines"
    relations = (Relation.QUEUE,)

    PASSES = (
        Example("label, queues and flavor agree (kueue#1603, repaired)", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: h100}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support}
spec:
  namespaceSelector: {matchLabels: {gpuplane.dev/tenant: support}}
  resourceGroups:
    - coveredResources: [nvidia.com/gpu]
      flavors: [{name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: 8}]}]
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: LocalQueue
metadata: {name: gpu, namespace: support}
spec: {clusterQueue: support}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support, labels: {kueue.x-k8s.io/queue-name: gpu}}
spec: {predictor: {model: {modelFormat: {name: vLLM}, resources: {limits: {nvidia.com/gpu: "1"}}}}}
"""),
    )
    FAILS = (
        Example("no label, so no quota (kueue#1603)", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: h100}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support}
spec:
  namespaceSelector: {matchLabels: {gpuplane.dev/tenant: support}}
  resourceGroups:
    - coveredResources: [nvidia.com/gpu]
      flavors: [{name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: 8}]}]
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: LocalQueue
metadata: {name: gpu, namespace: support}
spec: {clusterQueue: support}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {modelFormat: {name: vLLM}, resources: {limits: {nvidia.com/gpu: "1"}}}}}
""",
                "queue label of InferenceService support/chat points at LocalQueue gpu of support: it has no label "
                "kueue.x-k8s.io/queue-name, so no quota counts its GPUs"),
        Example("a LocalQueue that is not there", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: h100}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support}
spec:
  namespaceSelector: {matchLabels: {gpuplane.dev/tenant: support}}
  resourceGroups:
    - coveredResources: [nvidia.com/gpu]
      flavors: [{name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: 8}]}]
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: LocalQueue
metadata: {name: gpu, namespace: support}
spec: {clusterQueue: support}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support, labels: {kueue.x-k8s.io/queue-name: serving}}
spec: {predictor: {model: {modelFormat: {name: vLLM}, resources: {limits: {nvidia.com/gpu: "1"}}}}}
""", "LocalQueue support/serving: there is no such LocalQueue"),
        Example("a ClusterQueue that is not there", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: h100}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support}
spec:
  namespaceSelector: {matchLabels: {gpuplane.dev/tenant: support}}
  resourceGroups:
    - coveredResources: [nvidia.com/gpu]
      flavors: [{name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: 8}]}]
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: LocalQueue
metadata: {name: gpu, namespace: support}
spec: {clusterQueue: tenants}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support, labels: {kueue.x-k8s.io/queue-name: gpu}}
spec: {predictor: {model: {modelFormat: {name: vLLM}, resources: {limits: {nvidia.com/gpu: "1"}}}}}
""", "ClusterQueue tenants: there is no such ClusterQueue"),
        Example("a flavor that is not there", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: h100}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support}
spec:
  namespaceSelector: {matchLabels: {gpuplane.dev/tenant: support}}
  resourceGroups:
    - coveredResources: [nvidia.com/gpu]
      flavors: [{name: h200, resources: [{name: nvidia.com/gpu, nominalQuota: 8}]}]
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: LocalQueue
metadata: {name: gpu, namespace: support}
spec: {clusterQueue: support}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support, labels: {kueue.x-k8s.io/queue-name: gpu}}
spec: {predictor: {model: {modelFormat: {name: vLLM}, resources: {limits: {nvidia.com/gpu: "1"}}}}}
""", "ResourceFlavor h200: there is no such ResourceFlavor"),
        Example("a queue that covers another resource", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: h100}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support}
spec:
  namespaceSelector: {matchLabels: {gpuplane.dev/tenant: support}}
  resourceGroups:
    - coveredResources: [nvidia.com/mig-1g.10gb]
      flavors: [{name: h100, resources: [{name: nvidia.com/mig-1g.10gb, nominalQuota: 8}]}]
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: LocalQueue
metadata: {name: gpu, namespace: support}
spec: {clusterQueue: support}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support, labels: {kueue.x-k8s.io/queue-name: gpu}}
spec: {predictor: {model: {modelFormat: {name: vLLM}, resources: {limits: {nvidia.com/gpu: "1"}}}}}
""", "so Kueue never admits the pods"),
        Example("a queue that admits another namespace", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: h100}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support}
spec:
  namespaceSelector: {matchLabels: {gpuplane.dev/tenant: search}}
  resourceGroups:
    - coveredResources: [nvidia.com/gpu]
      flavors: [{name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: 8}]}]
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: LocalQueue
metadata: {name: gpu, namespace: support}
spec: {clusterQueue: support}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support, labels: {kueue.x-k8s.io/queue-name: gpu}}
spec: {predictor: {model: {modelFormat: {name: vLLM}, resources: {limits: {nvidia.com/gpu: "1"}}}}}
""", "its namespaceSelector does not select the namespace"),
    )
