"""What holds for every wish: order does not matter, more is never allowed where less is not, and granted means that it fits."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gpuplane.catalog import default_catalog
from gpuplane.planning import plan
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.spec.environment_spec import EnvironmentSpec
from tests.planning.wish import AS_OF, EKS, EXISTING, Wish, valid

KEYS = ("h100", "cut/1g.10gb", "cut/3g.40gb")
FEW = settings(max_examples=40, deadline=None, derandomize=True)

services = st.fixed_dictionaries({
    "key": st.sampled_from(KEYS), "low": st.integers(0, 3), "more": st.integers(0, 3), "surge": st.integers(0, 1),
    "tensor": st.sampled_from([1, 1, 2]), "borrow": st.booleans(), "cpu": st.sampled_from([1, 4, 20])})
tenants = st.fixed_dictionaries({
    "quota": st.dictionaries(st.sampled_from(KEYS), st.tuples(st.integers(0, 10), st.integers(0, 4)), min_size=1, max_size=3),
    "services": st.lists(services, max_size=3)})


def build(drawn: list[dict[str, Any]], nodes: int) -> Wish:
    wish = Wish({"environment": valid().documents["environment"]}).put("environment spec.budget_usd_per_month", 1_000_000)
    wish.pool("h100", "H100-SXM-80GB", eks_managed_node_group={**EKS, "max_nodes": nodes})
    wish.pool("cut", "A100-SXM-80GB", existing_nodes={**EXISTING, "max_nodes": nodes, "gpus_per_node": 2},
              sharing={"mig": {"layout": {"1g.10gb": 4, "3g.40gb": 1}}})
    for number, row in enumerate(drawn):
        quota = {key: {"nominal_quota": own, "borrowing_limit": more} for key, (own, more) in row["quota"].items()}
        wish.tenant(f"t{number}", quota, cohort="all", budget_usd_per_month=1_000_000)
        for index, service in enumerate(row["services"]):
            _service(wish, f"t{number}/s{index}", service)
    return wish


def _service(wish: Wish, name: str, row: dict[str, Any]) -> None:
    wish.service(name, row["key"], scaling={"min_replicas": max(1, row["low"]), "max_replicas": max(1, row["low"] + row["more"])},
                 rollout={"max_surge": row["surge"]}, resources={"cpu": row["cpu"], "memory_gib": 16})
    wish.put(f"services/{name} spec.placement.may_borrow", row["borrow"])
    tensor = row["tensor"] if row["key"] == "h100" else 1
    wish.put(f"services/{name} spec.release.vllm.arguments.tensor_parallel_size", tensor)


wishes = st.builds(build, st.lists(tenants, min_size=1, max_size=3), st.integers(1, 3))


def planned(spec: EnvironmentSpec) -> EnvironmentPlan:
    return plan(spec, default_catalog(), AS_OF)


@FEW
@given(wishes)
def test_the_order_of_documents_does_not_matter_and_bytes_repeat(wish: Wish) -> None:
    spec = wish.spec()
    turned = replace(spec, **{name: dict(reversed(getattr(spec, name).items())) for name in ("pools", "tenants", "services")})
    first, second = planned(spec), planned(turned)
    assert first == second
    assert json.dumps(first.to_json_value()) == json.dumps(planned(spec).to_json_value()) == json.dumps(second.to_json_value())


@FEW
@given(wishes, st.data())
def test_raising_max_replicas_never_removes_a_refusal(wish: Wish, data: st.DataObject) -> None:
    names = [path for path in wish.documents if path.startswith("services/")]
    if not names:
        return
    before = {(refusal.rule, refusal.tenant) for refusal in wish.plan().refusals}
    name = data.draw(st.sampled_from(names))
    wish.documents[name]["spec"]["scaling"]["max_replicas"] += data.draw(st.integers(1, 5))
    assert before <= {(refusal.rule, refusal.tenant) for refusal in wish.plan().refusals}


@settings(FEW, max_examples=80)
@given(wishes)
def test_what_is_not_refused_fits(wish: Wish) -> None:
    result = wish.plan()
    if result.refusals:
        return
    for name, pool in result.pools.items():
        assert pool.committed_nodes <= pool.max_nodes
        placed = result.placements[name]
        for level in (placed.minimum, placed.guaranteed):
            assert level.verdict in ("always", "packable", "unproven")
            assert level.nodes is None or level.lower_bound <= level.nodes
            assert level.verdict == "unproven" or (level.nodes is not None and level.nodes <= level.available_nodes <= pool.max_nodes)
        held = [quota for tenant in result.tenants.values() for quota in tenant.quotas.values() if quota.pool == name]
        for resource, capacity in pool.capacity.items():
            mine = [quota for quota in held if quota.resource == resource]
            assert sum(quota.nominal for quota in mine) <= capacity
            assert all(quota.committed <= quota.nominal for quota in mine)
            assert all(quota.peak_with_surge <= min(quota.ceiling, capacity) for quota in mine)
    assert result.idle_usd_per_month is not None
    assert result.idle_usd_per_month >= 0


@FEW
@given(wishes)
def test_some_refusal_explains_every_quota_over_capacity(wish: Wish) -> None:
    result = wish.plan()
    for name, pool in result.pools.items():
        for resource, capacity in pool.capacity.items():
            total = sum(quota.nominal for tenant in result.tenants.values() for quota in tenant.quotas.values()
                        if (quota.pool, quota.resource) == (name, resource))
            assert (total > capacity) <= any(refusal.rule == "QF-01" for refusal in result.refusals)
