"""Rules whose answer is the environment's: each by what its policies say."""

import json
from datetime import date

import pytest

from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.policies.registry import all_rules, judge
from gpuplane.spec.policies import Policies

DAY = date(2026, 11, 21)
RULES = {rule.id: rule for rule in all_rules()}
REMOTE = """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {modelFormat: {name: vLLM}, storageUri: "hf://example/chat:0123456789abcdef", args: [--trust-remote-code]}}}
"""
LICENSED = """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {storageUri: "hf://Qwen/Qwen2.5-72B-Instruct:0123456789abcdef"}}}
"""
SPACE = """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}, annotations: {gpuplane.dev/monthly-budget-usd: "9000"}}
"""
RANKED = f"""{SPACE}---
apiVersion: v1
kind: Pod
metadata: {{name: chat, namespace: support}}
spec: {{priorityClassName: urgent, containers: [{{name: vllm, image: vllm, resources: {{limits: {{nvidia.com/gpu: 1}}}}}}]}}
"""
OLD = """
resources:
  l40s:
    type: aws:eks/nodeGroup:NodeGroup
    properties: {instanceTypes: [g6e.4xlarge], region: eu-central-1, capacityType: ON_DEMAND, scalingConfig: {minSize: 2}}
"""
SIGNED = f"""{SPACE}---
apiVersion: policies.kyverno.io/v1
kind: ImageValidatingPolicy
metadata: {{name: signed}}
spec: {{attestors: [{{name: build, cosign: {{key: {{data: "-----BEGIN PUBLIC KEY-----"}}}}}}]}}
"""


@pytest.mark.parametrize(("rule", "text", "parameters", "found"), [
    ("SC-07", REMOTE, {}, True),
    ("SC-07", REMOTE, {"reviewed_remote_code": ["hf://example/chat@0123456789abcdef"]}, False),
    ("SC-07", REMOTE, {"reviewed_remote_code": ["hf://example/chat@0123456"]}, False),
    ("SC-07", REMOTE, {"reviewed_remote_code": ["hf://example/chat@fedcba9876543210"]}, True),
    ("SC-07", REMOTE, {"reviewed_remote_code": ["hf://example/chats@0123456789abcdef"]}, True),
    ("SC-08", LICENSED, {}, False),
    ("SC-08", LICENSED, {"allowed_licenses": ["apache-2.0"]}, True),
    ("SC-08", LICENSED, {"allowed_licenses": ["apache-2.0", "Qwen"]}, False),
    ("SC-04", SPACE, {}, False),
    ("SC-04", SPACE, {"signed_images": True}, True),
    ("SC-04", SIGNED, {"signed_images": True}, False),
    ("QF-08", RANKED, {}, False),
    ("QF-08", RANKED, {"priority_classes": ["serving"]}, True),
    ("QF-08", RANKED, {"priority_classes": ["urgent"]}, False),
    ("CB-04", RANKED, {"chargeback": ["tenant"]}, False),
    ("CB-04", RANKED, {"chargeback": ["tenant", "cost_center"]}, True),
    ("CB-04", RANKED, {}, True),
    ("CB-07", RANKED, {}, False),
    ("CB-07", RANKED, {"development": True}, True),
    ("CB-10", OLD, {}, False),
    ("CB-10", OLD, {"least_reserved_percent": 50}, True),
    ("CB-11", SPACE, {}, False),
    ("CB-11", SPACE, {"cloud_budgets": True}, True),
    ("CB-12", OLD, {}, True),
    ("CB-12", OLD, {"stale_prices_after_days": 600}, False),
])
def test_the_environment_decides(rule: str, text: str, parameters: dict[str, object], found: bool) -> None:
    graph = PlannedGraph(views_of_text(text), parameters=Policies.model_validate_json(json.dumps(parameters)))

    assert bool(judge(graph, (), DAY, [RULES[rule]]).findings) is found
