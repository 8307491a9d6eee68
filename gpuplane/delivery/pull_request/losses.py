"""What is lost when an object goes or is made anew, in a sentence for those who use it."""

from __future__ import annotations

from collections.abc import Mapping

from gpuplane.graph.resource_view import ResourceView

OTHER = "the object"
"""What is lost of a kind that nobody has a word for."""
_LOST: Mapping[str, str] = {
    "Namespace": "everything in it: pods, volumes, secrets and their data",
    "InferenceService": "its pods and its address: requests fail",
    "LLMInferenceService": "its pods and its address: requests fail",
    "InferenceGraph": "its address: requests to it fail",
    "AIGatewayRoute": "the way to the model through the gateway: requests fail",
    "HTTPRoute": "the way to what stands behind it: requests fail",
    "Gateway": "the address of all models behind it",
    "PersistentVolumeClaim": "the data on the volume",
    "PersistentVolume": "the data on the volume",
    "ClusterQueue": "the tenant's share of GPUs: nothing new is admitted",
    "Cohort": "what its members lend each other",
    "LocalQueue": "the way into the queue: nothing new is admitted",
    "ResourceFlavor": "the queue's hold on these nodes: nothing new is admitted to them",
    "NodeGroup": "its nodes, and the pods on them",
    "NodePool": "its nodes, and the pods on them",
    "Cluster": "the cluster and everything in it",
    "Release": "what the chart installed; where it bears custom resource definitions, all objects of theirs",
    "CustomResourceDefinition": "all objects of that kind",
    "Bucket": "the objects in it",
    "BucketV2": "the objects in it",
    "Key": "whatever is encrypted with it, for good",
    "Vpc": "the network and everything in it",
    "Secret": "what it holds; pods that read it do not start",
    "ExternalSecret": "the secret it brings; pods that read it do not start",
    "SecretStore": "the way to secrets; they are not renewed",
    "ServiceAccount": "the identity of pods: they lose their rights",
    "NetworkPolicy": "a border: what it refused is open, or what it allowed is shut",
    "RoleBinding": "rights of people or pods",
    "ClusterRoleBinding": "rights of people or pods",
    "PodDisruptionBudget": "what keeps replicas up while nodes are drained",
    "PrometheusRule": "alerts and recorded figures",
    "ValidatingAdmissionPolicy": "a rule that the API server holds",
    "ValidatingAdmissionPolicyBinding": "a rule that the API server holds",
}


def loss(view: ResourceView) -> str:
    """What goes with an object."""
    return _LOST.get(view.kind, OTHER)
