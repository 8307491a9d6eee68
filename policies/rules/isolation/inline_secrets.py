"""TI-16: a Secret with its value in a manifest is in git, in the state and in every preview."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import Unknown, mapping
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule


class InlineSecrets(Rule):
    """A value that is written down once is in every clone and every backup for ever, and base64 hides nothing."""

    id = "TI-16"
    title = "Secrets are references to a store, not values"
    severity = "high"
    remedy = "Put the value into the store and refer to it: `secrets:` of the tenant, which becomes an ExternalSecret. Then rotate it."
    references = ("CIS Kubernetes Benchmark 5.4.2", "NIST SP 800-190 §4.1.4", "Kubernetes documentation, Good practices for Secrets")
    scope = "object"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for view in graph.objects("Secret"):
            for field in ("data", "stringData") if view.api_version == "v1" else ():
                value = view.get(field)
                if isinstance(value, Unknown):
                    yield self.fail(graph, view, f"{view} gets values from another resource, so they stand in the state.", field)
                elif keys := [str(key) for key, text in mapping(value).items() if text != ""]:
                    # Keys alone: a value never stands in a message.
                    yield self.fail(graph, view, f"{view} holds the value{'s' if len(keys) > 1 else ''} of {', '.join(sorted(keys))}.", field)

    PASSES = (
        Example("a reference into a store", """
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: model-hub, namespace: support}
spec:
  secretStoreRef: {name: aws-secrets, kind: SecretStore}
  data: [{secretKey: HF_TOKEN, remoteRef: {key: support/model-hub}}]
"""),
        Example("an empty Secret that a controller fills", """
apiVersion: v1
kind: Secret
metadata: {name: builder-token, namespace: support, annotations: {kubernetes.io/service-account.name: builder}}
type: kubernetes.io/service-account-token
"""),
    )
    FAILS = (
        Example("a token in the manifest", """
apiVersion: v1
kind: Secret
metadata: {name: model-hub, namespace: support}
stringData: {HF_TOKEN: not-a-real-token}
""", "Secret support/model-hub holds the value of HF_TOKEN"),
        Example("the same in base64", """
apiVersion: v1
kind: Secret
metadata: {name: model-hub, namespace: support}
data: {HF_TOKEN: bm90LWEtcmVhbC10b2tlbg==, user: bm9ib2R5}
""", "holds the values of HF_TOKEN, user"),
    )
