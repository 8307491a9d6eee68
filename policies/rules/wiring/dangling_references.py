"""WI-11: a model server that names an account, volume, secret or runtime that is not there never starts."""

from __future__ import annotations

from gpuplane.graph.wiring import Relation
from gpuplane.policies.link_rule import LinkRule
from gpuplane.policies.rule import Example


class DanglingReferences(LinkRule):
    """The API server takes a reference to anything; only the scheduler, the kubelet or a controller finds out, and often tells nobody."""

    id = "WI-11"
    title = "Everything that a model server refers to by name is there"
    remedy = "Use the name of an object of the namespace, or add the object."
    references = ("Kubernetes PodSpec", "KServe v0.20 InferenceService.spec.predictor.model.runtime",)
    looks_at = "outlines"
    relations = (Relation.REFERENCE,)

    PASSES = (
        Example("all are there", """
apiVersion: serving.kserve.io/v1alpha1
kind: ClusterServingRuntime
metadata: {name: vllm}
spec: {supportedModelFormats: [{name: vLLM}], containers: [{name: kserve-container, image: vllm/vllm-openai}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: model-server, namespace: support}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: models, namespace: support}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec:
  predictor:
    serviceAccountName: model-server
    model: {modelFormat: {name: vLLM}, runtime: vllm, storageUri: "pvc://models/chat"}
"""),
    )
    FAILS = (
        Example("an account of another name", """
apiVersion: serving.kserve.io/v1alpha1
kind: ClusterServingRuntime
metadata: {name: vllm}
spec: {supportedModelFormats: [{name: vLLM}], containers: [{name: kserve-container, image: vllm/vllm-openai}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: model-server, namespace: support}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: models, namespace: support}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec:
  predictor:
    serviceAccountName: model-reader
    model: {modelFormat: {name: vLLM}, runtime: vllm, storageUri: "pvc://models/chat"}
""", "reference of InferenceService support/chat points at ServiceAccount support/model-reader: there is no ServiceAccount of that name"),
        Example("a claim of another name", """
apiVersion: serving.kserve.io/v1alpha1
kind: ClusterServingRuntime
metadata: {name: vllm}
spec: {supportedModelFormats: [{name: vLLM}], containers: [{name: kserve-container, image: vllm/vllm-openai}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: model-server, namespace: support}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: models, namespace: support}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec:
  predictor:
    serviceAccountName: model-server
    model: {modelFormat: {name: vLLM}, runtime: vllm, storageUri: "pvc://weights/chat"}
""", "PersistentVolumeClaim support/weights"),
        Example("a runtime of another name", """
apiVersion: serving.kserve.io/v1alpha1
kind: ClusterServingRuntime
metadata: {name: vllm}
spec: {supportedModelFormats: [{name: vLLM}], containers: [{name: kserve-container, image: vllm/vllm-openai}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: model-server, namespace: support}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: models, namespace: support}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec:
  predictor:
    serviceAccountName: model-server
    model: {modelFormat: {name: vLLM}, runtime: vllm-h100, storageUri: "pvc://models/chat"}
""", "ClusterServingRuntime vllm-h100: there is none of that name"),
        Example("a model format that the runtime does not take", """
apiVersion: serving.kserve.io/v1alpha1
kind: ClusterServingRuntime
metadata: {name: vllm}
spec: {supportedModelFormats: [{name: vLLM}], containers: [{name: kserve-container, image: vllm/vllm-openai}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: model-server, namespace: support}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: models, namespace: support}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec:
  predictor:
    serviceAccountName: model-server
    model: {modelFormat: {name: huggingface}, runtime: vllm, storageUri: "pvc://models/chat"}
""", "it supports vLLM"),
    )
