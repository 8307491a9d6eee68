"""WI-09: a panel on a variable or series that does not exist shows nothing on the day it is needed."""

from __future__ import annotations

from gpuplane.graph.wiring import Relation
from gpuplane.policies.link_rule import LinkRule
from gpuplane.policies.rule import Example


class BrokenDashboards(LinkRule):
    """Dashboards are copied between engines and versions: a variable that no list defines is sent as text, and a withdrawn metric
    is an empty panel.
    """

    id = "WI-09"
    title = "Every dashboard uses variables that it defines and series that exist"
    remedy = "Define the variable in templating, or read a metric that the engine exports."
    references = ("Grafana dashboard JSON model, templating", "vLLM metrics and their deprecation policy",)
    across_layers = True
    looks_at = "outlines"
    relations = (Relation.DASHBOARD,)

    PASSES = (
        Example("a variable that is defined", """
apiVersion: v1
kind: ConfigMap
metadata: {name: chat-dashboard, namespace: monitoring, labels: {grafana_dashboard: "1"}}
data:
  chat.json: |
    {"title": "chat",
     "templating": {"list": [
       {"name": "namespace", "type": "query", "query": "label_values(vllm:num_requests_running, namespace)"}]},
     "panels": [{"title": "waiting", "targets": [{"expr": "sum(vllm:num_requests_waiting{namespace='$namespace'})"}]}]}
"""),
    )
    FAILS = (
        Example("a variable that is not", """
apiVersion: v1
kind: ConfigMap
metadata: {name: chat-dashboard, namespace: monitoring, labels: {grafana_dashboard: "1"}}
data:
  chat.json: |
    {"title": "chat",
     "templating": {"list": [
       {"name": "namespace", "type": "query", "query": "label_values(vllm:num_requests_running, namespace)"}]},
     "panels": [{"title": "waiting", "targets": [{"expr": "sum(vllm:num_requests_waiting{namespace='$tenant'})"}]}]}
""", "panel waiting of ConfigMap monitoring/chat-dashboard points at variable tenant of the dashboard: it defines namespace"),
        Example("a metric that was withdrawn", """
apiVersion: v1
kind: ConfigMap
metadata: {name: chat-dashboard, namespace: monitoring, labels: {grafana_dashboard: "1"}}
data:
  chat.json: |
    {"title": "chat",
     "templating": {"list": [
       {"name": "namespace", "type": "query", "query": "label_values(vllm:num_requests_running, namespace)"}]},
     "panels": [{"title": "waiting", "targets": [{"expr": "vllm:gpu_cache_usage_perc"}]}]}
""", "the engine does not export vllm:gpu_cache_usage_perc any more"),
    )
