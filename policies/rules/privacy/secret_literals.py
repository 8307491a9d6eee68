"""PII-13: a secret in a manifest is known to everybody who can read the repository, its forks, the state or the API."""

from __future__ import annotations

from collections.abc import Iterable

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.secret_literals import secret
from gpuplane.graph.text_leaves import Leaf
from gpuplane.policies.literal_rule import LiteralRule
from gpuplane.policies.rule import Example


class SecretLiterals(LiteralRule):
    """A key in a manifest opens what it belongs to for everybody who reads manifests, and stays in git's history when it is removed.

    Tokens are known by their form. What is handed to a program counts by its name too, unless it leads to the secret (a path, a
    placeholder, a reference to a store).
    """

    id = "PII-13"
    title = "No secret stands literally in manifests, specs and stack config"
    severity = "critical"
    remedy = "Replace it now, for it is known; then keep it in a secret store, and refer to it (secretKeyRef, ExternalSecret)."
    asks_for_secrecy = True
    references = ("NIST SP 800-190 §3.1.4, §4.1.4", "Kubescape C-0012")

    def found(self, graph: PlannedGraph, leaf: Leaf) -> Iterable[str]:
        return secret(leaf)

    PASSES = (
        Example("references and paths", """
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: support}
spec:
  containers:
    - name: main
      args: ["--api-key=$(API_KEY)", --max-tokens=4096, --token-file=/var/run/token]
      env:
        - {name: API_KEY, valueFrom: {secretKeyRef: {name: callers, key: api-key}}}
        - {name: PASSWORD_FILE, value: /etc/password}
"""),
    )
    FAILS = (
        Example("a password in a variable", """
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: support}
spec: {containers: [{name: main, env: [{name: DB_PASSWORD, value: swordfish}]}]}
""", "spec.containers[0].env[0].value of Pod support/server holds the value of DB_PASSWORD."),
        Example("the key of a model API among the arguments", """
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: support}
spec: {containers: [{name: main, args: [--api-key, swordfish]}]}
""", "holds the value of api-key"),
        Example("credentials in an address", """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: support}
data: {cache: "redis://cache:swordfish@redis.support.svc:6379/0"}
""", "holds basic auth credentials"),
    )
