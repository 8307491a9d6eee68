"""One service's rules: what is recorded of each promise, when its error budget burns too fast, and what its tokens cost.

Every promise becomes two series, what is bad and what is all, and its budget; windows over them are recorded once for the whole
platform (:mod:`gpuplane.components.platform_rules`). So a latency, an error rate and a share of time are alerted on alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pulumi

from gpuplane.catalog.metrics import Metric
from gpuplane.components.alerts import Alert, Runbook, Watch, alert_rule, group, record, rule_file, selector
from gpuplane.components.kubernetes_object import KubernetesObject, Manifest, child_options
from gpuplane.planning.service_levels.burn_rate import BurnAlert, burn_alerts
from gpuplane.planning.service_levels.indicators import Indicator


@dataclass(frozen=True)
class ServiceObjectivesArgs:
    """What is watched of one service.

    Attributes:
        service, tenant: the service and its namespace.
        pods: pattern of its pods' names.
        resource: what ``kubectl get`` calls it.
        model: its model, the label ``model`` of what it costs.
        indicators: its promises, measured.
        watch: the tenant's owner, and where runbooks are.
        labels: that Prometheus selects rules by.
        startup_seconds: how long a replica may take to load.
        kv_cache: metric of the KV cache's use, None where the engine has none.
        waiting: metric of the requests that wait, None where the engine has none.
        prompt_tokens, output_tokens: counters of tokens, None where its requests have none.
        replica_usd_per_hour: price of one replica's share of its node; None where it is not known.
    """

    service: str
    tenant: str
    model: str
    indicators: tuple[Indicator, ...]
    watch: Watch
    labels: Mapping[str, str]
    startup_seconds: int
    pods: str
    resource: str = "inferenceservice"
    kv_cache: Metric | None = None
    waiting: Metric | None = None
    prompt_tokens: Metric | None = None
    output_tokens: Metric | None = None
    replica_usd_per_hour: Decimal | None = None

    @property
    def target(self) -> dict[str, str]:
        """Labels of the service's series."""
        return {"tenant": self.tenant, "service": self.service}


class ServiceObjectives(pulumi.ComponentResource):
    """One PrometheusRule in the tenant's namespace."""

    def __init__(self, name: str, args: ServiceObjectivesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:ServiceObjectives", name, {"tenant": args.tenant, "service": args.service}, opts)
        KubernetesObject(f"{args.tenant}-{args.service}-objectives", manifest(args), child_options(self, opts))
        self.register_outputs({})


def manifest(args: ServiceObjectivesArgs) -> Manifest:
    """The PrometheusRule as its API takes it."""
    groups = [group(f"gpuplane-objective-{args.tenant}-{args.service}-{one.name}", _objective(one, args)) for one in args.indicators]
    groups.append(group(f"gpuplane-usage-{args.tenant}-{args.service}", _usage(args)))
    groups.append(group(f"gpuplane-serving-{args.tenant}-{args.service}", [alert_rule(alert, args.watch) for alert in _alerts(args)]))
    return rule_file(f"gpuplane-{args.service}", args.tenant, args.labels, groups)


def _objective(indicator: Indicator, args: ServiceObjectivesArgs) -> Iterator[dict[str, Any]]:
    labels = {**args.target, "objective": indicator.name}
    bad, total = expressions(indicator, args.target if indicator.metric is None else indicator.metric.labels_of(args.tenant, args.service))
    yield record("gpuplane:slo_bad:rate5m", bad, labels)
    yield record("gpuplane:slo_all:rate5m", total, labels)
    yield record("gpuplane:slo_budget:ratio", f"vector({_number(indicator.budget)})", labels)
    for burn in burn_alerts(indicator.budget):
        yield alert_rule(_burns(indicator, burn, args), args.watch)
    yield alert_rule(_spent(indicator, args), args.watch)


def expressions(indicator: Indicator, target: Mapping[str, str]) -> tuple[str, str]:
    """What is bad and what is all, a second (of requests) or now (of time), in PromQL.

    A share of time counts 1 for each evaluation; requests are counted by their rate over five minutes.
    """
    metric = indicator.metric
    if metric is None:  # no series at all means that nothing answers
        return f"1 - (max(up{selector(target)}) or vector(0))", "vector(1)"
    if indicator.total:
        whole = " + ".join(_summed(one, target) for one in indicator.total)
        if not indicator.elsewhere:
            return f"sum({_rate(metric, target)}) or vector(0)", whole
        failed = _summed(metric, {**target, "service": target["service"] + indicator.elsewhere})
        return f"{_summed(metric, target)} + {failed}", f"{whole} + {failed}"
    assert indicator.bound is not None
    if metric.type == "histogram":
        within = f'{metric.name}_bucket{selector({**target, "le": _le(indicator.bound)}, metric.matching)}'
        counted = f"{metric.name}_count{selector(target, metric.matching)}"
        return f"sum(rate({counted}[5m])) - sum(rate({within}[5m]))", f"sum(rate({counted}[5m]))"
    quantile = {"quantile": indicator.quantile} if indicator.quantile else {}
    return f"max({metric.name}{selector({**target, **quantile}, metric.matching)}) > bool {_number(indicator.bound)}", "vector(1)"


def _burns(indicator: Indicator, burn: BurnAlert, args: ServiceObjectivesArgs) -> Alert:
    limit = burn.threshold(indicator.budget)
    at, who = selector({**args.target, "objective": indicator.name}), f"{args.tenant}/{args.service}"
    return Alert(
        "ErrorBudgetBurn",
        f"gpuplane:slo_bad:ratio_{burn.long}{at} > {_number(limit)} and gpuplane:slo_bad:ratio_{burn.short}{at} > {_number(limit)}",
        "", burn.severity, f"{who}: {indicator.promise} — the budget burns over {_number(burn.factor)} times too fast",
        Runbook(
            f"Promised: {indicator.promise}. Over {burn.long} and still over {burn.short}, more than {_percent(limit)} % is bad: at this "
            f"rate {burn.long} take {_percent(burn.budget_spent)} % of the budget of 30 days.",
            f"The service's dashboard: {_look(indicator)}. Was it released or scaled lately (kubectl -n {args.tenant} get "
            f"{args.resource} {args.service}), do replicas wait for quota (kubectl -n {args.tenant} get workloads), did a GPU fail (the "
            "GPU dashboard)?",
            f"{_do(indicator)} If a release began it, roll it back."),
        {**args.target, "objective": indicator.name, "window": burn.long})


def _spent(indicator: Indicator, args: ServiceObjectivesArgs) -> Alert:
    return Alert(
        "ErrorBudgetSpent", f"gpuplane:slo_budget:remaining{selector({**args.target, 'objective': indicator.name})} < 0", "1h", "warning",
        f"{args.tenant}/{args.service}: the error budget of 30 days for {indicator.name} is spent",
        Runbook(f"Promised: {indicator.promise}. Over the last 30 days more went wrong than that allows.",
                "The service's dashboard, error budget: when it was spent, and on what.",
                "Hold back releases that are not repairs until the budget recovers; or agree on a promise that can be kept."),
        {**args.target, "objective": indicator.name})


def _look(indicator: Indicator) -> str:
    if indicator.metric is None:
        return "replicas that answer; then the pods' events and logs"
    return {"histogram": "latency, requests that wait, use of the KV cache", "summary": "latency, requests that wait"}.get(
        indicator.metric.type, "failed requests by status, requests that wait, use of the KV cache")


def _do(indicator: Indicator) -> str:
    if indicator.metric is None:
        return "Bring one replica up: free quota, replace the node, or lower what it asks for."
    if indicator.total:
        return "Read the engine's log for the failing requests; restart a replica that fails alone."
    return "Raise scaling.max_replicas within the quota, shorten prompts or answers, or let fewer requests in at the gateway."


def _usage(args: ServiceObjectivesArgs) -> Iterator[dict[str, Any]]:
    labels = {**args.target, "model": args.model}
    for name, metric in (("prompt", args.prompt_tokens), ("output", args.output_tokens)):
        if metric is not None:
            yield record(f"gpuplane:service_{name}_tokens:rate5m", f"sum({_rate(metric, args.target)}) or vector(0)", labels)
    replicas = f"count(count by (pod) (up{selector(args.target)})) or vector(0)"
    yield record("gpuplane:service_replicas:count", replicas, labels)
    if args.replica_usd_per_hour is not None:
        yield record("gpuplane:service_usd_per_hour:sum", f"({replicas}) * {_number(args.replica_usd_per_hour)}", labels)


def _alerts(args: ServiceObjectivesArgs) -> Iterator[Alert]:
    who, target = f"{args.tenant}/{args.service}", args.target
    if args.kv_cache is not None:
        yield Alert(
            "KvCacheSaturated", f"max({args.kv_cache.name}{selector(target)}) > 0.95", "5m", "warning",
            f"{who}: a KV cache is over 95 % full",
            Runbook("A replica has no room for more tokens: new requests wait, running ones are preempted and begin again.",
                    "The service's dashboard: use of the KV cache by replica, requests that wait, preemptions.",
                    "Add replicas, lower max_model_len or max_num_seqs, set kv_cache_dtype fp8, or choose a GPU with more memory."), target)
    if args.waiting is not None:
        yield Alert(
            "RequestsWaiting", f"sum({args.waiting.name}{selector(target)}) > 10", "5m", "warning",
            f"{who}: more than 10 requests wait for a place",
            Runbook("Requests come faster than the replicas work them off.",
                    "The service's dashboard: requests that run and wait, by replica.",
                    "Raise scaling.max_replicas within the quota; if one client causes it, limit its rate at the gateway."), target)
    yield _slow_start(args)


def _slow_start(args: ServiceObjectivesArgs) -> Alert:
    pods = f'pod=~"{args.pods}"'
    started = f"kube_pod_start_time{selector({'namespace': args.tenant}, pods)}"
    ready = f"kube_pod_status_ready{selector({'namespace': args.tenant, 'condition': 'true'}, pods)}"
    return Alert(
        "ColdStartSlow", f"time() - {started} > {args.startup_seconds} and on (namespace, pod) {ready} == 0", "1m", "warning",
        f"{args.tenant}/{args.service}: {{{{ $labels.pod }}}} is not ready, longer after its start than startup_seconds",
        Runbook(f"A replica was started more than {args.startup_seconds} s ago and serves nothing; its probes restart it.",
                f"kubectl -n {args.tenant} describe pod, and its log: is it downloading weights, loading them, or out of memory?",
                "If it is only slow, raise startup_seconds or bring the weights nearer (oci://, a node-local cache); else repair what its "
                "log says."), args.target)


def _summed(metric: Metric, target: Mapping[str, str]) -> str:
    return f"(sum({_rate(metric, target)}) or vector(0))"


def _rate(metric: Metric, target: Mapping[str, str]) -> str:
    return f"rate({metric.name}{selector(target, metric.matching)}[5m])"


def _le(bound: Decimal) -> str:
    """The label ``le`` as the Python client and Prometheus 3 write it: ``1.0``, ``0.25``."""
    return repr(float(bound))


def _number(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _percent(ratio: Decimal) -> str:
    return f"{(ratio * 100).quantize(Decimal('0.01')).normalize():f}"
