"""WS-19: what the default account may do, every pod of the namespace may do."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodTemplate
from gpuplane.graph.rbac import bindings
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.graph.service_accounts import DEFAULT_ACCOUNT, account_name, accounts
from gpuplane.policies.container_rule import PodRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example

_WITHOUT_ACCOUNT = ("ServingRuntime", "ClusterServingRuntime")


class DefaultAccounts(PodRule):
    """Rights, pull secrets and cloud roles of the default account go to every pod that names none, the next tenant's debugging pod included."""

    id = "WS-19"
    title = "No pod runs as the default service account, and it has neither rights nor a token"
    severity = "medium"
    remedy = ("Give the workload a ServiceAccount of its own and name it in serviceAccountName; bind rights to that one, and set "
              "automountServiceAccountToken: false in the default account.")
    references = ("CIS Kubernetes Benchmark v1.12 5.1.5",)

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        yield from super().check(graph)
        for (_, name), view in accounts(graph).items():
            if name == DEFAULT_ACCOUNT and view.get("automountServiceAccountToken") is not False:
                yield self.fail(graph, view, f"{view} gives its token to every pod that names no account.", "automountServiceAccountToken")
        for binding in bindings(graph):
            for subject in binding.subjects:
                if subject.kind == "ServiceAccount" and subject.name == DEFAULT_ACCOUNT:
                    yield self.fail(graph, binding.view, f"{binding.view} gives rights to the default account of namespace "
                                                         f"{subject.namespace}.", subject.path)

    def pod(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> Iterator[Finding]:
        if view.kind in _WITHOUT_ACCOUNT:
            return
        name, path = account_name(template), f"{template.path}.serviceAccountName"
        if isinstance(name, Unknown):
            yield self.unknown(graph, view, f"Which account the pods of {view} run as is only known after apply.", path)
        elif name == DEFAULT_ACCOUNT:
            yield self.fail(graph, view, f"The pods of {view} run as the default account.", path)

    PASSES = (
        Example("an account of its own", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec: {serviceAccountName: server, containers: [{name: server, image: server}]}
"""),
    )
    FAILS = (
        Example("no account is named", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {modelFormat: {name: vLLM}}}}
""", "run as the default account"),
        Example("rights for everybody in the namespace", """
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: readers, namespace: support}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: default, namespace: support}]
""", "gives rights to the default account of namespace support"),
    )
