"""WS-18: a token of the API server that nobody needs is a token to steal."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodTemplate
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.graph.service_accounts import DEFAULT_ACCOUNT, WITHOUT_ACCOUNT, account_name, accounts, in_use, with_rights
from gpuplane.graph.tenancy import home
from gpuplane.policies.container_rule import PodRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example

_FIELD = "automountServiceAccountToken"


class MountedTokens(PodRule):
    """Kubernetes puts a token for its API into every pod unless told not to: whoever gets into an inference server gets it, too.

    A pod that needs the API says so by an account of its own that a RoleBinding or ClusterRoleBinding names; without one the token is
    of no use to the pod, only to a thief.
    """

    id = "WS-18"
    title = "No pod gets a token of the API server unless its account was given rights"
    severity = "medium"
    remedy = ("Set automountServiceAccountToken: false in the pod and in the ServiceAccount; where the pod needs the API, bind an account "
              "of its own to a role, in the same set of objects.")
    references = ("CIS Kubernetes Benchmark v1.12 5.1.6", "NSA/CISA Kubernetes Hardening Guide v1.2: Protecting Pod service account tokens")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        yield from super().check(graph)
        for account, view in accounts(graph).items():
            if account in in_use(graph):
                continue  # its pods say whether they get its token
            value = view.get(_FIELD)
            yield from self.doubt(graph, view, _FIELD, _FIELD, value)
            if not isinstance(value, Unknown) and value is not False and not self._needed(graph, *account):
                yield self.fail(graph, view, f"{view} gives its token to every pod that does not refuse it, and has no rights here that "
                                             "would need one.", _FIELD)

    def pod(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> Iterator[Finding]:
        if view.kind in WITHOUT_ACCOUNT:
            return
        name, own, path = account_name(template), template.spec.get(_FIELD), f"{template.path}.{_FIELD}"
        account = None if isinstance(name, Unknown) else accounts(graph).get((home(view), name))
        mounted = own if own is not None or account is None else account.get(_FIELD)
        if mounted is False:
            return
        if isinstance(name, Unknown) or isinstance(mounted, Unknown):
            yield self.unknown(graph, view, f"Whether the pods of {view} get a token of the API server is only known after apply.", path)
        elif not self._needed(graph, home(view), name):
            yield self.fail(graph, view, f"The pods of {view} get the token of ServiceAccount {name}, which has no rights here that would "
                                         "need one.", path)

    def _needed(self, graph: PlannedGraph, namespace: str, name: str) -> bool:
        return name != DEFAULT_ACCOUNT and (namespace, name) in with_rights(graph)

    PASSES = (
        Example("no token", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec: {automountServiceAccountToken: false, containers: [{name: server, image: server}]}
"""),
        Example("an account with rights of its own", """
apiVersion: v1
kind: Pod
metadata: {name: watcher, namespace: tools}
spec: {serviceAccountName: watcher, containers: [{name: watcher, image: watcher}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: watcher, namespace: tools}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: watcher}
subjects: [{kind: ServiceAccount, name: watcher, namespace: tools}]
"""),
    )
    FAILS = (
        Example("the default", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec: {containers: [{name: server, image: server}]}
""", "get the token of ServiceAccount default"),
        Example("a pod that takes what its account would not give", """
apiVersion: v1
kind: ServiceAccount
metadata: {name: model-server, namespace: support}
automountServiceAccountToken: false
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {serviceAccountName: model-server, automountServiceAccountToken: true, model: {modelFormat: {name: vLLM}}}}
""", "get the token of ServiceAccount model-server"),
    )
