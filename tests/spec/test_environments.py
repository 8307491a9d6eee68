"""The environments of this repository: what a newcomer reads here is granted as it stands."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from gpuplane.catalog import default_catalog
from gpuplane.planning import plan
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.loader import environment_names, load_environment

ENVIRONMENTS = Path(__file__).parents[2] / "environments"
NAMES = ("dev", "local", "prod", "staging")
AS_OF = date(2026, 11, 21)


@pytest.fixture(params=NAMES)
def spec(request: pytest.FixtureRequest) -> EnvironmentSpec:
    return load_environment(ENVIRONMENTS, request.param)


def test_there_are_four_environments() -> None:
    assert environment_names(ENVIRONMENTS) == list(NAMES)


def test_every_environment_has_the_same_three_teams_in_one_cohort(spec: EnvironmentSpec) -> None:
    assert list(spec.tenants) == ["research", "search", "support"]
    assert {tenant.spec.cohort for tenant in spec.tenants.values()} == {"shared"}
    assert [name for name, tenant in spec.tenants.items() if tenant.spec.data_classification == "personal"] == ["support"]


def test_nothing_is_refused_and_no_worst_case_exceeds_a_budget(spec: EnvironmentSpec) -> None:
    planned = plan(spec, default_catalog(), AS_OF)

    assert [str(refusal) for refusal in planned.refusals] == []
    months = [(planned.worst_case_usd_per_month, planned.budget_usd_per_month)]
    months += [(tenant.worst_case_usd_per_month, tenant.budget_usd_per_month) for tenant in planned.tenants.values()]
    assert all(worst is not None and Decimal(0) < worst <= budget for worst, budget in months), months


def test_budgets_of_tenants_add_up_to_no_more_than_that_of_the_environment(spec: EnvironmentSpec) -> None:
    assert sum(tenant.spec.budget_usd_per_month for tenant in spec.tenants.values()) <= spec.environment.spec.budget_usd_per_month


def test_nobody_may_borrow_more_than_the_others_lend(spec: EnvironmentSpec) -> None:
    """A limit beyond what is lent would say nothing."""
    for name, tenant in spec.tenants.items():
        for key, quota in tenant.spec.quota.items():
            others = [other.spec.quota[key] for who, other in spec.tenants.items() if who != name and key in other.spec.quota]
            lent = sum(other.nominal_quota if other.lending_limit is None else other.lending_limit for other in others)
            assert quota.borrowing_limit <= lent, f"{spec.name} {name} {key}"


def test_images_and_models_come_from_where_the_environment_allows(spec: EnvironmentSpec) -> None:
    settings = spec.environment.spec
    for entry in spec.services.values():
        release = entry.document.spec.release
        server = release.vllm or release.triton
        assert server is not None
        assert server.image.startswith(settings.allowed_registries), entry.name
        assert release.model.uri.startswith(settings.allowed_model_sources), entry.name


def test_local_shows_each_way_to_serve_a_model_on_nodes_without_taints() -> None:
    spec = load_environment(ENVIRONMENTS, "local")
    services = {name: entry.document.spec for name, entry in spec.services.items()}

    assert services["support/chat"].release.devices_per_replica == 1
    assert services["support/assistant-70b"].release.devices_per_replica == 4
    assert services["search/embeddings"].placement.quota_key == "a100-mig/1g.10gb"
    assert services["research/resnet50"].release.triton is not None
    assert all(pool.spec.taints == () for pool in spec.pools.values())
    assert spec.layers == ("platform", "tenants")


def test_prod_is_protected_pinned_and_survives_the_loss_of_a_replica() -> None:
    spec = load_environment(ENVIRONMENTS, "prod")

    assert spec.environment.spec.protected
    assert spec.environment.spec.cluster.kube_system_uid is not None
    assert all(entry.document.spec.scaling.min_replicas >= 2 for entry in spec.services.values())


def test_what_runs_in_prod_differs_from_staging_only_in_the_engine_that_is_next(spec: EnvironmentSpec) -> None:
    prod = load_environment(ENVIRONMENTS, "prod").services
    for name, entry in spec.services.items():
        release, live = entry.document.spec.release, prod[name].document.spec.release
        assert release.model == live.model
        assert (release.vllm is None) == (live.vllm is None)
