"""TI-21: an API endpoint that the internet reaches, a control plane that keeps no audit log, and nodes that give pods their identity."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from gpuplane.graph.audit_policy import LEVELS, levels
from gpuplane.graph.node_sources import NODE_GROUP_TYPE
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, Unknown, items, told, unknowns
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_CLUSTER, _TEMPLATE = "aws:eks/cluster:Cluster", "aws:ec2/launchTemplate:LaunchTemplate"
_WIDEST = {4: 16, 6: 32}
"""A wider network is no list of offices: /16 is the largest that a VPC can have (Amazon VPC quotas)."""

_VALUES = ("secrets", "serviceaccounts/token")
_TRACED = (("", "secrets", "get", "reads Secrets"), ("", "serviceaccounts/token", "create", "takes tokens of service accounts"),
           ("", "pods/exec", "create", "opens a shell"), ("", "pods/exec", "get", "opens a shell"),
           ("rbac.authorization.k8s.io", "rolebindings", "create", "gives rights"))
"""What an audit log is there to tell: API group, resource, verb, and what that is in words."""


class OpenControlPlanes(Rule):
    """Who reaches the API endpoint may try every stolen token; without an audit log nobody learns of it; a pod that reaches its
    node's metadata service with two hops takes the node's role."""

    id = "TI-21"
    title = "The EKS endpoint is closed to the internet, audited, and nodes keep their credentials to themselves"
    severity = "critical"
    remedy = ("Close the public endpoint or list the networks that may reach it, log `audit`, and let launch templates demand "
              "IMDSv2 with a hop limit of 1.")
    references = ("AWS Security Hub controls EKS.1, EKS.8 and EC2.8", "CIS Amazon EKS Benchmark 2.1.1, 5.4.1, 5.4.2",
                  "Amazon EKS Best Practices Guide: Restrict access to the instance profile assigned to the worker node")
    scope = "object"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for view in graph.resources:
            if view.type == _CLUSTER:
                yield from self._endpoint(graph, view)
                yield from self._log(graph, view)
            elif view.kind == "Policy" and view.group == "audit.k8s.io":
                yield from self._audit(graph, view)
            elif view.type == _TEMPLATE:
                yield from self._metadata(graph, view, "metadataOptions", 0)
            elif view.kind == "EC2NodeClass" and view.group == "karpenter.k8s.aws":
                yield from self._metadata(graph, view, "spec.metadataOptions", 1)
            elif view.type == NODE_GROUP_TYPE and view.get("launchTemplate") is None:
                yield self.unknown(graph, view, f"{view} names no launch template: how pods reach its nodes' metadata is EKS's choice.",
                                   "launchTemplate")

    def _audit(self, graph: PlannedGraph, view: ResourceView) -> Iterator[Finding]:
        yield from self.hidden(graph, view, "What is written down", "rules")
        for group, resource, verb, what in _TRACED:
            for index, level, whole in levels(view, group, resource, verb):
                if level == "None" and whole:
                    yield self.fail(graph, view, f"{view} leaves no trace of who {what}.", f"rules[{index}]" if index >= 0 else "rules")
                elif resource in _VALUES and level in LEVELS[2:]:
                    yield self.fail(graph, view, f"{view} writes the values of {resource} into the log.", f"rules[{index}].level")

    def _endpoint(self, graph: PlannedGraph, view: ResourceView) -> Iterator[Finding]:
        public, networks = view.get("vpcConfig", "endpointPublicAccess"), view.get("vpcConfig", "publicAccessCidrs")
        if isinstance(public, Unknown) or (public is not False and any(True for _ in unknowns(networks))):
            yield self.unknown(graph, view, f"Who reaches the endpoint of {view} is only known after apply.", "vpcConfig")
        elif public is not False:  # left out, it is public and open to all (EKS CreateCluster, VpcConfigRequest)
            for network in items(networks) or ["0.0.0.0/0"]:
                if _too_wide(str(network)):
                    yield self.fail(graph, view, f"The API endpoint of {view} can be reached from {network}.",
                                    "vpcConfig.publicAccessCidrs")

    def _log(self, graph: PlannedGraph, view: ResourceView) -> Iterator[Finding]:
        logs = view.get("enabledClusterLogTypes")
        if any(True for _ in unknowns(logs)):
            yield self.unknown(graph, view, f"What {view} logs is only known after apply.", "enabledClusterLogTypes")
        elif "audit" not in items(logs):
            yield self.fail(graph, view, f"{view} keeps no audit log.", "enabledClusterLogTypes")

    def _metadata(self, graph: PlannedGraph, view: ResourceView, path: str, hops: int) -> Iterator[Finding]:
        """``hops`` is the limit that holds where nothing is said; 0: none is known (Karpenter v1 sets 1, and demands version 2)."""
        options = view.get(*path.split("."))
        if any(True for _ in unknowns(options)):
            yield self.unknown(graph, view, f"How pods reach the metadata service on nodes of {view} is only known after apply.", path)
            return
        if told(options, "httpEndpoint") == "disabled":
            return
        if told(options, "httpTokens") != "required" and not (hops and told(options, "httpTokens") is None):
            yield self.fail(graph, view, f"Nodes of {view} answer version 1 of the metadata service, and so any request that is forged in "
                                         "a pod.", f"{path}.httpTokens")
        limit = told(options, "httpPutResponseHopLimit") or hops
        if limit != 1:
            far = f"{int(limit)} hops" if limit else "as far as the account lets it"
            yield self.fail(graph, view, f"Nodes of {view} let metadata go {far}, to pods.", f"{path}.httpPutResponseHopLimit")

    PASSES = (
        Example("a private endpoint with an audit log", """
type: aws:eks/cluster:Cluster
name: prod
properties: {vpcConfig: {endpointPrivateAccess: true, endpointPublicAccess: false}, enabledClusterLogTypes: [api, audit, authenticator]}
"""),
        Example("a public endpoint for one office, and nodes of which pods cannot ask", """
type: aws:eks/cluster:Cluster
name: prod
properties: {vpcConfig: {endpointPublicAccess: true, publicAccessCidrs: [203.0.113.0/28]}, enabledClusterLogTypes: [audit]}
---
type: aws:ec2/launchTemplate:LaunchTemplate
name: h100
properties: {metadataOptions: {httpTokens: required, httpPutResponseHopLimit: 1}}
"""),
    )
    FAILS = (
        Example("what EKS does where nothing is said", """
type: aws:eks/cluster:Cluster
name: prod
properties: {vpcConfig: {subnetIds: [subnet-1, subnet-2]}, enabledClusterLogTypes: [audit]}
""", "can be reached from 0.0.0.0/0"),
        Example("no audit log", """
type: aws:eks/cluster:Cluster
name: prod
properties: {vpcConfig: {endpointPublicAccess: false}, enabledClusterLogTypes: [api]}
""", "Cluster prod keeps no audit log"),
        Example("metadata for pods", """
type: aws:ec2/launchTemplate:LaunchTemplate
name: h100
properties: {metadataOptions: {httpTokens: required, httpPutResponseHopLimit: 2}}
""", "let metadata go 2 hops"),
        Example("an audit policy that writes Secrets down", """
apiVersion: audit.k8s.io/v1
kind: Policy
metadata: {name: audit}
rules: [{level: RequestResponse}]
""", "Policy audit writes the values of secrets into the log"),
        Example("an audit policy that overlooks every shell", """
apiVersion: audit.k8s.io/v1
kind: Policy
metadata: {name: audit}
rules:
  - {level: None, resources: [{group: "", resources: [pods/*]}]}
  - {level: Metadata}
""", "leaves no trace of who opens a shell"),
        Example("the old metadata service, by Karpenter", """
apiVersion: karpenter.k8s.aws/v1
kind: EC2NodeClass
metadata: {name: h100}
spec: {metadataOptions: {httpTokens: optional, httpPutResponseHopLimit: 1}}
""", "answer version 1 of the metadata service"),
    )


def _too_wide(network: str) -> bool:
    try:
        parsed = ipaddress.ip_network(network, strict=False)
    except ValueError:
        return True
    return parsed.prefixlen < _WIDEST[parsed.version] and not parsed.is_private
