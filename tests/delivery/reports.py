"""Preview reports made by hand: prices and rules may change, what a report looks like should not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from gpuplane.delivery.changes import changes_between
from gpuplane.delivery.preview_report import Comparison, PreviewReport
from gpuplane.delivery.render_json import to_json, views_from_json
from gpuplane.graph.reachability import Edge, Maker, Matrix, Medium
from gpuplane.graph.reachability.edges import maker, platform, tenant
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.planning.environment_plan import EnvironmentPlan, PoolPlan, QuotaPlan, ServicePlan, TenantPlan
from gpuplane.planning.money.budget import budget_use
from gpuplane.planning.money.ledger import EnvironmentMoney, TenantMoney
from gpuplane.planning.money.month import Month
from gpuplane.planning.proof import Proof
from gpuplane.policies.finding import Finding, Verdict
from gpuplane.spec.budget import Budget
from gpuplane.spec.vocabulary import DATA_CLASSIFICATION, TENANT

AS_OF = date(2026, 8, 1)
GPU = "nvidia.com/gpu"
HOSTILE = '<script>alert("x")</script>|`*_@team\x1b[31m'


def report(**changes: Any) -> PreviewReport:
    """Two tenants on one pool, nothing in the way, nothing compared."""
    return replace(PreviewReport(environment="prod", as_of=AS_OF, plan=_plan(), resources=_resources(), findings=(),
                                 rules=("QF-01", "WS-01"), verdict=Verdict.PASS), **changes)


def refused() -> PreviewReport:
    """The same with everything that a report can show: findings of all kinds, and a comparison."""
    findings = sorted((blocking(), unknown_finding(), waived("2026-08-15"), waived("2027-08-15"), advice()),
                      key=lambda finding: finding.sort_key)
    made = report(findings=tuple(findings), verdict=Verdict.FAIL, isolation=isolation("acme", "beta"))
    return replace(made, comparison=replace(_comparison(made), edges=(path("acme", "beta", "gone"), made.isolation.edges[2])))


def crowded(names: Sequence[str]) -> PreviewReport:
    """Many tenants: the first near its budget, the others far from it."""
    tenants = {name: _tenant(name, 1, 2, 1, 1, "4000", "4000", "9000" if number else "4100") for number, name in enumerate(names)}
    return report(plan=replace(_plan(), tenants=tenants, money=_money(tenants)))


def hostile() -> PreviewReport:
    """A report in which every text that people write tries to be markup."""
    finding = replace(blocking(), message=HOSTILE, remedy=HOSTILE, name=HOSTILE, tenant=HOSTILE, file=HOSTILE, field=HOSTILE,
                      namespace=HOSTILE, kind=HOSTILE)
    tenant = replace(_tenant("acme", 6, 0, 4, 6, "8000", "12000", "10000"), name=HOSTILE)
    plan = replace(_plan(), tenants={HOSTILE: tenant}, notes=(HOSTILE,))
    views = tuple(replace(view, name=HOSTILE, file=HOSTILE) for view in _resources())
    made = report(plan=plan, findings=(finding, replace(finding, waived=f"{HOSTILE} (until 2026-08-15, x)")), resources=views,
                  verdict=Verdict.FAIL, isolation=isolation(HOSTILE, f"other{HOSTILE}", HOSTILE))
    return replace(made, comparison=replace(_comparison(made), ref=HOSTILE, note=HOSTILE, edges=()))


def isolation(one: str, other: str, text: str = "") -> Matrix:
    """A matrix of two tenants: an undeclared path, one that cannot be excluded, a declared one, and one of the platform's."""
    design = Edge(Medium.DEVICES, tenant(one), platform(f"pool h100{text}"), f"pods of {one} run there{text}",
                  (maker(namespace(one, "pii")),), allowed="by design: whole GPUs")
    edges = (path(one, other, f"read pods{text}"), replace(path(other, one, f"read files{text}"), medium=Medium.VOLUMES, certain=False),
             replace(path(other, one, f"call models{text}"), medium=Medium.NETWORK, allowed=f"declared by tenant {one}: meant{text}"), design)
    return Matrix(tuple(sorted((one, other))), edges)


def path(source: str, target: str, what: str) -> Edge:
    """A path between two tenants that nobody declared, made by an object of the report and one that is not in it."""
    return Edge(Medium.API, tenant(source), tenant(target), f"{source} may {what}",
                (maker(namespace(target, "pii"), "metadata.labels"), Maker("", "RoleBinding", target, "guests", "subjects[0]")))


def blocking(**changes: Any) -> Finding:
    """A violation by acme that stops an apply."""
    return replace(Finding(
        rule="QF-04", severity="critical", verdict=Verdict.FAIL,
        message="spec.scaling.max_replicas: acme/chat needs 10 of h100 at its peak (max_replicas 4 + surge 1, 2 each), "
                "its quota is 6.",
        remedy="Lower max_replicas or raise the quota.", tenant="acme", file="environments/prod/services/acme/chat.yaml", line=21,
        kind="InferenceService", namespace="acme", name="chat", field="spec.predictor.maxReplicas"), **changes)


def unknown_finding() -> Finding:
    """Something that only apply can know."""
    return Finding("TI-02", "high", Verdict.UNKNOWN, "The policy's peer is known after apply.", "Write the namespace.",
                   urn=urn("NetworkPolicy", "beta"), kind="NetworkPolicy", namespace="beta", name="default-deny", tenant="beta",
                   file="environments/prod/tenants/beta.yaml", line=9)


def waived(until: str) -> Finding:
    """A violation with an exemption."""
    return Finding("WS-01", "high", Verdict.FAIL, "The container runs as root.", "Set runAsNonRoot.", kind="Deployment",
                   namespace="beta", name=f"old-{until[:4]}", tenant="beta", file="environments/prod/exemptions.yaml", line=4,
                   waived=f"vendor image, replaced in autumn (until {until}, team-beta)")


def advice() -> Finding:
    """A finding that only advises."""
    return Finding("CB-09", "low", Verdict.FAIL, "No cost_center.", "Add one.", kind="Namespace", name="beta", tenant="beta",
                   file="environments/prod/tenants/beta.yaml", line=3)


def urn(kind: str, name: str, parent: str = "") -> str:
    """A URN as the engine makes it."""
    return f"urn:pulumi:prod-tenants::gpuplane::{parent and parent + '$'}kubernetes:x:{kind}::{name}"


def kubernetes(api_version: str, kind: str, name: str, namespace: str = "", parent: str = "", **fields: Any) -> ResourceView:
    """A Kubernetes object of the tenants layer."""
    metadata: dict[str, Any] = {"name": name, "labels": fields.pop("labels", {})}
    if namespace:
        metadata["namespace"] = namespace
    props = {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}
    return ResourceView(
        urn(kind, f"{namespace}-{name}", parent and "gpuplane:index:Tenant"), f"kubernetes:{api_version}:{kind}", api_version,
        kind, namespace, name, props, parent, "tenants", file="environments/prod/tenants/acme.yaml", line=4)


def namespace(name: str, data_class: str) -> ResourceView:
    """A tenant's namespace, which is protected."""
    view = kubernetes("v1", "Namespace", name, parent=_component(name).urn,
                      labels={TENANT: name, DATA_CLASSIFICATION: data_class})
    return replace(view, protect=True)


def service(replicas: int) -> ResourceView:
    """acme's model."""
    return kubernetes("serving.kserve.io/v1beta1", "InferenceService", "chat", "acme", _component("acme").urn,
                      spec={"predictor": {"maxReplicas": replicas, "minReplicas": 2, "model": {"image": "vllm@sha256:aa"}}})


def _component(name: str) -> ResourceView:
    return ResourceView(f"urn:pulumi:prod-tenants::gpuplane::gpuplane:index:Tenant::{name}", "gpuplane:index:Tenant",
                        kind="Tenant", name=name, layer="tenants", custom=False,
                        file=f"environments/prod/tenants/{name}.yaml", line=4)


def _resources() -> tuple[ResourceView, ...]:
    provider = ResourceView("urn:provider", "pulumi:providers:kubernetes", kind="kubernetes", name="cluster", layer="tenants")
    secret = kubernetes("v1", "Secret", "token", "acme", _component("acme").urn, stringData="[secret]")
    peer = kubernetes("v1", "ConfigMap", "endpoint", "beta", _component("beta").urn, data={"host": Unknown("urn:db", "address")})
    group = "aws:eks/nodeGroup:NodeGroup"
    node_group = ResourceView(f"urn:pulumi:prod-cluster::gpuplane::{group}::h100", group, kind="NodeGroup",
                              name="h100", props={"capacityType": "ON_DEMAND"}, layer="cluster")
    release = ResourceView("urn:release", "kubernetes:helm.sh/v3:Release", kind="Release", name="kueue", layer="platform",
                           props={"values": {"replicas": 2}})
    return (node_group, release, provider, _component("acme"), _component("beta"), namespace("acme", "pii"),
            namespace("beta", "internal"), service(4), secret, peer)


def _comparison(now: PreviewReport) -> Comparison:
    gone = replace(namespace("old", "internal"), parent="")
    data = json.loads(to_json(now))
    new = (("Namespace", "beta"), ("InferenceService", "chat"))
    before = (*(view for view in now.resources if (view.kind, view.name) not in new), service(2), gone)
    data_before = json.loads(to_json(replace(now, resources=before)))
    data_before["plan"]["tenants"].pop("beta", None)
    data_before["plan"]["tenants"]["old"] = {"committed_usd_per_month": "500.00"}
    data_before["plan"]["committed_usd_per_month"] = "15000.00"
    data_before["plan"]["idle_usd_per_month"] = "7000.00"
    changes = changes_between(views_from_json(data_before), views_from_json(data))
    return Comparison("origin/main", "0123456789abcdef0123456789abcdef01234567", data_before["plan"], changes)


def _plan() -> EnvironmentPlan:
    pool = PoolPlan(
        name="h100", gpu="H100-SXM-80GB", strategy="dedicated", gpus_per_node=8, devices_per_node={GPU: 8}, min_nodes=1,
        max_nodes=1, capacity={GPU: 8}, vcpus_per_node=192, memory_gib_per_node=2048, node_labels={"pool": "h100"},
        usd_per_node_hour=Decimal("31.5"), worst_case_usd_per_node_hour=Decimal("55.04"), price_source="ledger",
        price_as_of=date(2026, 7, 1), price_basis="reserved", committed_nodes=1, committed_usd_per_month=Decimal("22995.00"),
        worst_case_usd_per_month=Decimal("40179.20"), usd_per_device_hour={GPU: Decimal("3.9375")})
    proof = Proof("pool h100: capacity of nvidia.com/gpu", "max_nodes × gpus_per_node",
                  (("max_nodes", "1"), ("gpus_per_node", "8")), "8", "devices", ("instances.tsv: p5.48xlarge, as of 2026-07-01",))
    tenants = {"acme": _tenant("acme", 6, 0, 4, 10, "8000", "12000", "10000"),
               "beta": _tenant("beta", 1, 2, 1, 1, "4000", "4000", "9000")}
    return EnvironmentPlan(
        environment="prod", as_of=AS_OF, region="eu-central-1", pools={"h100": pool}, tenants=tenants, refusals=(),
        notes=("Costs are of GPU nodes alone.",), proofs=(proof,), committed_usd_per_month=Decimal("22995.00"),
        idle_usd_per_month=Decimal("10995.00"), worst_case_usd_per_month=Decimal("40179.20"),
        budget_usd_per_month=Decimal("30000"), money=_money(tenants))


def _money(tenants: dict[str, TenantPlan]) -> EnvironmentMoney:
    def month(low: Decimal | None, high: Decimal | None) -> Month:
        return Month(low, None if low is None or high is None else (low + high) / 2, high)
    months = {name: month(row.committed_usd_per_month, row.worst_case_usd_per_month) for name, row in tenants.items()}
    return EnvironmentMoney(
        tenants={name: TenantMoney(months[name], budget_use(Budget(usd_per_month=row.budget_usd_per_month), months[name]))
                 for name, row in tenants.items()},
        month=Month(Decimal("22995.00"), Decimal("31587.10"), Decimal("40179.20")))


def _tenant(name: str, nominal: int, borrowing: int, committed: int, peak: int, *money: str) -> TenantPlan:
    now, worst, budget = (Decimal(amount) for amount in money)
    most = nominal + borrowing
    quota = QuotaPlan("h100", GPU, nominal, borrowing, None, most, nominal, most, borrowing, committed, peak, peak)
    model = ServicePlan(f"{name}/chat", name, "h100", GPU, 2, 2, 4, 1, now, worst)
    return TenantPlan(name, {"h100": quota}, (model,), now, worst, budget)
