"""WI-12: weights in a bucket that the account may not read end in a storage initializer that retries for ever."""

from __future__ import annotations

from gpuplane.graph.wiring import Relation
from gpuplane.policies.link_rule import LinkRule
from gpuplane.policies.rule import Example


class UnreadableModels(LinkRule):
    """The account of the pods must have a role, by Pod Identity or by annotation, and a policy of that role must let it read below
    the storage URI.
    """

    id = "WI-12"
    title = "The account of a model server may read the bucket of its storage URI"
    remedy = "Bind an IAM role to the account, and let a policy of it allow s3:GetObject below the storage URI."
    references = ("EKS Pod Identity", "IAM roles for service accounts", "KServe v0.20 storage URIs",)
    looks_at = "outlines"
    relations = (Relation.IDENTITY,)

    PASSES = (
        Example("the account has a role", """
apiVersion: v1
kind: ServiceAccount
metadata:
  name: model-server
  namespace: support
  annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::111122223333:role/support-models"}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: plain, namespace: support}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec:
  predictor:
    serviceAccountName: model-server
    model: {modelFormat: {name: vLLM}, storageUri: "s3://support-models/chat/0123456789ab"}
"""),
    )
    FAILS = (
        Example("the account has none", """
apiVersion: v1
kind: ServiceAccount
metadata:
  name: model-server
  namespace: support
  annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::111122223333:role/support-models"}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: plain, namespace: support}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec:
  predictor:
    serviceAccountName: plain
    model: {modelFormat: {name: vLLM}, storageUri: "s3://support-models/chat/0123456789ab"}
""",
                "storage URI s3://support-models/chat/0123456789ab of InferenceService support/chat points at ServiceAccount "
                "support/plain: no IAM role is bound"),
    )
