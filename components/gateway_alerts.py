"""Alerts on the gateway's proxies, by Envoy's own statistics: what callers get, which backend fails, and whether anybody would see it."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.components.alerts import Alert, Runbook

_CALLERS = 'envoy_http_conn_manager_prefix!~"eg-.+|admin"'
"""Listeners of callers: those of Envoy Gateway itself answer probes and scrapes (its bootstrap's ``stat_prefix``)."""
_FAILED = 'envoy_response_code_class="5"'
_LEAST_PER_SECOND = 0.1
"""Requests below which a share of them says nothing."""
_LOOK = ("Services of the tenants behind it: do their pods run, and is their own objective kept? In the access log of the proxy's pods "
         "response_flags say whether a backend, a limit or the proxy itself refused (UF, UH, UO, RL).")


def gateway_alerts() -> Iterator[Alert]:
    """Every alert of the gateway."""
    callers = _share("envoy_http_downstream_rq_xx", "namespace", _CALLERS)
    yield Alert("GatewayFails", f"{callers} > 0.05", "10m", "critical",
                "Callers get errors of the gateway for {{ $value | humanizePercentage }} of their requests", Runbook(
                    "One request in twenty fails for callers, whatever each service's own metrics say.", _LOOK,
                    "Where one backend fails, look there; where all do, undo the last change of a route, then restart proxies one by one."))
    backends = _share("envoy_cluster_upstream_rq_xx", "envoy_cluster_name", "")
    yield Alert("GatewayBackendFails", f"{backends} > 0.2", "10m", "warning", "{{ $labels.envoy_cluster_name }} fails for "
                "{{ $value | humanizePercentage }} of what the gateway sends it", Runbook(
                    "One backend of a route answers with errors, or not at all; its callers fall back where their route says to.", _LOOK,
                    "Look at that service; roll its release back if it is new."))
    yield Alert("GatewayOverflows", "sum by (envoy_cluster_name) (increase(envoy_cluster_upstream_rq_pending_overflow[10m])) > 0", "5m",
                "warning", "The gateway turns requests to {{ $labels.envoy_cluster_name }} away: too many wait", Runbook(
                    "More requests wait for a connection than its circuit breaker lets, so they fail at once with 503.", _LOOK,
                    "More replicas, or lower limits for whoever sends so much."))
    yield Alert("GatewayUnwatched", "absent(envoy_cluster_upstream_rq_active)", "15m", "warning", "No proxy of the gateway is scraped",
                Runbook("Whether callers get answers is not known.",
                        "kubectl get pods -A -l app.kubernetes.io/managed-by=envoy-gateway; the targets of Prometheus.",
                        "Does a NetworkPolicy keep Prometheus from port 19001? Is metrics.prometheus.disable set in the EnvoyProxy?"))


def _share(metric: str, by: str, matching: str) -> str:
    """Share of failed requests, where there are enough to speak of."""
    every = f"sum by ({by}) (rate({metric}{{{matching}}}[5m]))" if matching else f"sum by ({by}) (rate({metric}[5m]))"
    failed = f"sum by ({by}) (rate({metric}{{{','.join(filter(None, (_FAILED, matching)))}}}[5m]))"
    return f"{failed} / ({every} > {_LEAST_PER_SECOND})"
