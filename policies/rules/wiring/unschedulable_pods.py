"""WI-13: pods that no node can take wait for ever, and some controllers do not even make them."""

from __future__ import annotations

from gpuplane.graph.wiring import Relation
from gpuplane.policies.link_rule import LinkRule
from gpuplane.policies.rule import Example


class UnschedulablePods(LinkRule):
    """A device name, a node label and a taint are written once on the node pool and once on the workload, and must be the same words."""

    id = "WI-13"
    title = "Every GPU workload fits a node pool: devices, node labels, taints"
    remedy = "Ask for a device that a pool offers, select by the pool's labels, and tolerate its taints."
    references = ("kserve/kserve#4505", "Kubernetes taints and tolerations", "NVIDIA k8s-device-plugin, MIG strategies",)
    looks_at = "outlines"
    relations = (Relation.PLACEMENT,)

    PASSES = (
        Example("the pool offers the MIG device (kserve#4505, repaired)", """
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: h100, annotations: {gpuplane.dev/devices-per-node: '{"nvidia.com/mig-1g.12gb": 14}', gpuplane.dev/max-nodes: "2"}}
spec:
  nodeLabels: {gpuplane.dev/pool: h100}
  nodeTaints: [{key: nvidia.com/gpu, value: present, effect: NoSchedule}]
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: multilingual-e5-large-instruct, namespace: search}
spec:
  predictor:
    nodeSelector: {gpuplane.dev/pool: h100}
    tolerations: [{key: nvidia.com/gpu, operator: Equal, value: present, effect: NoSchedule}]
    model:
      modelFormat: {name: huggingface}
      args: [--model_name=multilingual-e5-large-instruct, --model_id=intfloat/multilingual-e5-large-instruct]
      resources: {limits: {nvidia.com/mig-1g.12gb: "1"}}
"""),
    )
    FAILS = (
        Example("a MIG device that no pool offers (kserve#4505)", """
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: h100, annotations: {gpuplane.dev/devices-per-node: '{"nvidia.com/gpu": 8}', gpuplane.dev/max-nodes: "2"}}
spec:
  nodeLabels: {gpuplane.dev/pool: h100}
  nodeTaints: [{key: nvidia.com/gpu, value: present, effect: NoSchedule}]
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: multilingual-e5-large-instruct, namespace: search}
spec:
  predictor:
    nodeSelector: {gpuplane.dev/pool: h100}
    tolerations: [{key: nvidia.com/gpu, operator: Equal, value: present, effect: NoSchedule}]
    model:
      modelFormat: {name: huggingface}
      args: [--model_name=multilingual-e5-large-instruct, --model_id=intfloat/multilingual-e5-large-instruct]
      resources: {limits: {nvidia.com/mig-1g.12gb: "1"}}
""",
                "1 × nvidia.com/mig-1g.12gb of InferenceService search/multilingual-e5-large-instruct points at the devices of the node "
                "pools: no pool has them, but nvidia.com/gpu"),
        Example("a label that no pool bears", """
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: h100, annotations: {gpuplane.dev/devices-per-node: '{"nvidia.com/mig-1g.12gb": 14}', gpuplane.dev/max-nodes: "2"}}
spec:
  nodeLabels: {gpuplane.dev/pool: h100}
  nodeTaints: [{key: nvidia.com/gpu, value: present, effect: NoSchedule}]
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: multilingual-e5-large-instruct, namespace: search}
spec:
  predictor:
    nodeSelector: {gpuplane.dev/pool: h200}
    tolerations: [{key: nvidia.com/gpu, operator: Equal, value: present, effect: NoSchedule}]
    model:
      modelFormat: {name: huggingface}
      args: [--model_name=multilingual-e5-large-instruct, --model_id=intfloat/multilingual-e5-large-instruct]
      resources: {limits: {nvidia.com/mig-1g.12gb: "1"}}
""", "pools bear gpuplane.dev/pool=h100"),
        Example("a taint that is not tolerated", """
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: h100, annotations: {gpuplane.dev/devices-per-node: '{"nvidia.com/mig-1g.12gb": 14}', gpuplane.dev/max-nodes: "2"}}
spec:
  nodeLabels: {gpuplane.dev/pool: h100}
  nodeTaints: [{key: nvidia.com/gpu, value: present, effect: NoSchedule}]
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: multilingual-e5-large-instruct, namespace: search}
spec:
  predictor:
    nodeSelector: {gpuplane.dev/pool: h100}
    tolerations: [{key: nvidia.com/gpu, operator: Equal, value: reserved, effect: NoSchedule}]
    model:
      modelFormat: {name: huggingface}
      args: [--model_name=multilingual-e5-large-instruct, --model_id=intfloat/multilingual-e5-large-instruct]
      resources: {limits: {nvidia.com/mig-1g.12gb: "1"}}
""", "none tolerates nvidia.com/gpu=present:NoSchedule of ResourceFlavor h100"),
    )
