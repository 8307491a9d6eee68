"""Who is affected, and how: restarts, minutes down, room for rollouts, GPUs and money before and after."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from gpuplane.delivery.changes import Change, FieldChange
from gpuplane.delivery.pull_request.impact import ServiceImpact, impact, services_of
from gpuplane.delivery.pull_request.restarts import restarts
from gpuplane.planning.memory.load_time import load_time, measured_rate
from gpuplane.planning.money.month import Month
from tests.delivery.pull_request.previews import LOAD, changed
from tests.delivery.reports import kubernetes, refused, report, service


def chat(**changes: Any) -> ServiceImpact:
    """acme's service, changed, in a rollout."""
    found = impact(changed(**changes))
    assert found is not None
    return next(each for each in services_of(found) if each.name == "acme/chat")


def test_a_surge_with_spare_gpus_of_its_own_takes_nothing_down() -> None:
    found = chat(min_replicas=2, surge=1, devices_per_replica=2, max_unavailable=0)

    assert (found.room, found.down, found.at_a_time, found.surge_devices) == ("own", False, 1, 2)
    assert found.rollout_seconds == 2 * LOAD.expected


def test_without_room_for_the_surge_and_none_that_may_be_missing_the_rollout_waits() -> None:
    found = chat(min_replicas=2, surge=2, devices_per_replica=2, max_unavailable=0)

    assert (found.room, found.down, found.at_a_time, found.rollout_seconds) == ("none", False, 0, None)


def test_the_only_replica_that_may_be_missing_is_down_for_as_long_as_it_loads() -> None:
    assert chat(min_replicas=1, surge=0, max_unavailable=1).down


def test_one_of_two_may_be_missing_and_nobody_is_down() -> None:
    found = chat(min_replicas=2, surge=0, max_unavailable=1)

    assert (found.room, found.down, found.at_a_time) == ("", False, 1)


def test_a_service_that_always_stands_at_none_is_not_down() -> None:
    assert not chat(min_replicas=0, surge=0, max_unavailable=1).down


@pytest.mark.parametrize(("path", "restarted"), [
    ("spec.predictor.maxReplicas", False), ("spec.predictor.minReplicas", False), ("spec.predictor.scaleTarget", False),
    ("spec.predictor.deploymentStrategy.rollingUpdate.maxSurge", False), ("spec.predictor.model.image", True),
    ("spec.predictor.model.args[3]", True), ("spec.predictor.minReplicasOfMine", True), ("metadata.labels.x", True),
    ("spec.predictor.nodeSelector.pool", True)])
def test_scaling_leaves_pods_alone_and_everything_else_is_taken_to_restart_them(path: str, restarted: bool) -> None:
    change = Change("update", service(4), (FieldChange(path, 1, 2),))

    assert bool(restarts([change], [service(4)], {})) == restarted


def test_a_runtime_restarts_the_services_that_run_on_it() -> None:
    view = service(4)
    on_runtime = replace(view, props={**view.props, "spec": {"predictor": {"model": {"runtime": "vllm"}}}})
    runtime = kubernetes("serving.kserve.io/v1alpha1", "ClusterServingRuntime", "vllm")
    found = restarts([Change("update", runtime, (FieldChange("spec.containers[0].image", "a", "b"),))], [on_runtime, view], {})

    assert [(each.service, each.causes) for each in found] == [("acme/chat", ("runtime vllm changes",))]


def test_new_nodes_restart_the_services_of_their_pool() -> None:
    made = report()
    group = next(view for view in made.resources if view.kind == "NodeGroup")
    found = restarts([Change("replace", group, (), "x")], made.resources, made.plan.tenants)

    assert {each.causes for each in found} == {("nodes of pool h100 are replaced",)}


def test_gpus_and_money_come_before_and_after_with_none_for_what_was_not_there() -> None:
    made = refused()
    found = impact(made)
    assert found is not None
    beta = next(each for each in found.tenants if each.tenant == "beta")

    assert beta.after == made.plan.money.tenants["beta"].month
    assert [(row.key, row.nominal.before, row.nominal.after) for row in beta.quotas] == [("h100", None, 1)]
    assert found.tenants[-1].tenant == "old"


def test_a_cent_of_a_shared_node_affects_nobody_and_a_dollar_does() -> None:
    made = refused()
    assert made.comparison is not None
    quiet = {"quotas": {}, "money": {}}
    month = {"minimum_usd_per_month": "10.00", "expected_usd_per_month": "10.00", "worst_case_usd_per_month": "10.00"}
    tenants = {"acme": replace(made.plan.tenants["acme"], quotas={})}
    money = replace(made.plan.money, tenants={"acme": replace(made.plan.money.tenants["acme"], month=Month(*(Decimal(10),) * 3))})
    for cents, touched in (("10.01", False), ("11.00", True)):
        before = {"money": {"tenants": {"acme": {"month": {**month, "worst_case_usd_per_month": cents}}}}, "tenants": {"acme": quiet}}
        found = impact(replace(made, plan=replace(made.plan, tenants=tenants, money=money),
                               comparison=replace(made.comparison, plan=before, changes=())))
        assert found is not None
        assert ([each.tenant for each in found.tenants] == ["acme"]) is touched, cents


def test_what_goes_is_named_with_what_is_lost() -> None:
    found = impact(refused())
    assert found is not None
    gone = [each for tenant in found.tenants for each in tenant.losses]

    assert [(each.action, each.kind, each.name, each.protected) for each in gone] == [("delete", "Namespace", "old", True)]
    assert "secrets and their data" in gone[0].lost


def test_without_a_comparison_there_is_no_impact() -> None:
    assert impact(report()) is None


@pytest.mark.parametrize(("log", "rate"), [
    ("", None), ("Model loading took 14.2487 GiB", None), ("Model loading took 10.0000 GiB and 5.368709 seconds", 2.0),
    ("Model loading took 10 GiB and 10.0 seconds\nModel loading took 10 GiB and 5 seconds", 1.073741824),
    ("Model loading took 10 GiB and 0 seconds", None)])
def test_bandwidth_is_what_a_start_up_log_shows_of_the_slowest_rank(log: str, rate: float | None) -> None:
    assert measured_rate(log) == (None if rate is None else pytest.approx(rate, rel=1e-6))


def test_a_measured_bandwidth_takes_the_place_of_the_assumed_one() -> None:
    from gpuplane.planning.memory.host import HostNeeds
    from gpuplane.planning.memory.interval import Interval

    host = HostNeeds(Interval(1, 1, 1), 0, Interval(1, 1, 1), 20.0, Interval(22, 103, 515))
    assumed, seen = load_time(host), load_time(host, "Model loading took 10 GiB and 5.368709 seconds")

    assert (assumed.measured, assumed.gb_per_second, assumed.expected) == (False, 0.5, 103)
    assert (seen.measured, seen.gb_per_second, seen.expected) == (True, 2.0, 71)
    assert seen.low <= seen.expected <= seen.high
