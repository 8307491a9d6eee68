"""A wrong document of each kind is refused by us before the API server would: the same mistake in the wish and in the object it becomes.

The webhooks of Kueue and KServe are the real ones; of other kinds the CRDs judge. What is particular to a subject stands beside it:
``test_gpu_stack_objects``, ``test_gateway_limits``, and of LLMInferenceServices, whose controller is not always there,
``test_llm_inference_service``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from kubernetes import dynamic
from kubernetes.client.exceptions import ApiException

from gpuplane.catalog.overlay import catalog_of
from gpuplane.delivery.offline_engine import render
from gpuplane.planning import plan
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.errors import InvalidSpec
from tests.integration.cluster import Cluster
from tests.integration.test_api_server_accepts_all import complete  # noqa: F401 the cluster with all CRDs
from tests.planning.canary_wish import trying
from tests.planning.scaling_wish import scaled
from tests.spec.wish import Wish as Files
from tests.stacks.graph_wish import FILE as GRAPH
from tests.stacks.graph_wish import graph_wish

pytestmark = pytest.mark.integration
AS_OF, SPACE = date(2026, 11, 21), "search"
KARPENTER = {"instance_types": ["g6e.2xlarge"], "max_nodes": 2, "ami": {"alias": "al2023@v20261104"},
             "security_groups": {"tags": {"karpenter.sh/discovery": "prod"}}, "disruption_budgets": [{"nodes": "10%"}]}
Body = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A wish that is right, the object in it that is made wrong, how, and the wish with the same mistake."""

    right: Callable[[Path], EnvironmentSpec]
    kind: str
    name: str
    botch: Callable[[Body], object]
    wrong: Callable[[Path], EnvironmentSpec]


def _pool(nodes: str) -> EnvironmentSpec:
    budgets = [{"nodes": nodes}]
    return scaled().pool("l40s", "L40S-48GB", karpenter={**KARPENTER, "disruption_budgets": budgets}).spec()


def _near(placement_group: str) -> EnvironmentSpec:
    """Nodes with an EFA interface on their card, close together."""
    return scaled().pool("l40s", "L40S-48GB", karpenter={**KARPENTER, "instance_types": ["g6e.8xlarge"], "zones": {"us-east-1a": 2},
                                                         "efa": {"placement_group": placement_group}}).spec()


def _put(path: str, value: Any) -> tuple[Callable[[Path], EnvironmentSpec], Callable[[Path], EnvironmentSpec]]:
    return lambda _: scaled().spec(), lambda _: scaled().put(path, value).spec()


def _graph(folder: Path) -> Files:
    return graph_wish(folder)


def _quota(body: Body) -> None:
    body["spec"]["resourceGroups"][0]["flavors"][0]["resources"][0]["nominalQuota"] = "-1"


_labels = _put("environment spec.monitoring.labels", {"release": "kps stack"})
_nominal = _put("tenants/acme spec.quota", {"h100": -1})
_queue = _put("tenants/acme spec.local_queues", {"Train": {}})
_bounds = _put("services/acme/chat spec.scaling.min_replicas", 3)
_polled = _put("services/acme/chat spec.scaling.triggers", {"waiting_requests": "four"})
CASES = {
    "Environment": Case(_labels[0], "PodMonitor", "gpuplane-model-servers",
                        lambda body: body["metadata"].update({"labels": {"release": "kps stack"}}), _labels[1]),
    "NodePool": Case(lambda _: _pool("10%"), "NodePool", "l40s",
                     lambda body: body["spec"]["disruption"].update({"budgets": [{"nodes": "101%"}]}), lambda _: _pool("101%")),
    "NodePool, its network": Case(
        lambda _: _near("near"), "EC2NodeClass", "l40s",
        lambda body: body["spec"].update({"placementGroupSelector": {"name": ""}}), lambda _: _near("")),
    "Tenant, its quota": Case(_nominal[0], "ClusterQueue", "acme", _quota, _nominal[1]),
    "Tenant, its queues": Case(_queue[0], "LocalQueue", "gpu", lambda body: body["metadata"].update({"name": "Train"}), _queue[1]),
    "InferenceService": Case(lambda _: scaled().spec(), "InferenceService", "chat",
                             lambda body: body["spec"]["predictor"].update({"minReplicas": 3, "maxReplicas": 2}), _bounds[1]),
    "InferenceService, its triggers": Case(
        _polled[0], "ScaledObject", "chat",
        lambda body: body["spec"].update({"triggers": [{"type": "prometheus", "metadata": {"threshold": 4}}]}), _polled[1]),
    "InferenceService, its canary": Case(
        lambda _: trying().spec(), "InferenceService", "chat",
        lambda body: body["spec"]["canary"][0].update({"trafficPercent": 101}),
        lambda _: trying().put("services/acme/chat spec.canary.steps", [101]).spec()),
    "InferenceGraph": Case(
        lambda folder: _graph(folder).load(), "InferenceGraph", "answer",
        lambda body: body["spec"]["nodes"]["check"]["steps"][0].update({"weight": 50}),
        lambda folder: _graph(folder).change(GRAPH, "weight: 80", "weight: 50").load()),
    "Runtime": Case(
        lambda folder: _graph(folder).load(), "ClusterServingRuntime", "gpuplane-vllm",
        lambda body: body["spec"].pop("containers"),
        lambda folder: _graph(folder).change("../runtimes/tiny.yaml", "  command:", "  comand:").load()),
}


def _object(spec: EnvironmentSpec, kind: str, name: str) -> Body:
    planned = plan(spec, catalog_of(spec), AS_OF)
    found = next(dict(view.props) for view in render(spec, planned) if view.custom and (view.kind, view.name) == (kind, name))
    body: Body = copy.deepcopy(found)
    if body["metadata"].get("namespace"):
        body["metadata"]["namespace"] = SPACE  # one that is there: what is judged is the object, not where it stands
    return body


def _refusal(cluster: Cluster, body: Body) -> str:
    namespaced = {"namespace": SPACE} if body["metadata"].get("namespace") else {}
    try:
        cluster.kind(body["apiVersion"], body["kind"]).server_side_apply(
            body=body, name=body["metadata"]["name"], field_manager="gpuplane-test", force_conflicts=True, dry_run="All",
            field_validation="Strict", **namespaced)
    except (ApiException, dynamic.exceptions.DynamicApiError) as error:
        return str(error.body)[:600]
    return ""


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_document_is_refused_before_the_api_server_refuses_its_object(
        complete: Cluster, tmp_path: Path, name: str) -> None:  # noqa: F811 a fixture
    case = CASES[name]
    body = _object(case.right(tmp_path / "right"), case.kind, case.name)
    assert _refusal(complete, body) == ""

    case.botch(body)

    assert _refusal(complete, body)
    with pytest.raises(InvalidSpec):
        case.wrong(tmp_path / "wrong")
