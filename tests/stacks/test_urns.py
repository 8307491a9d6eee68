"""Names that must never change: a renamed URN is a deleted and a created resource.

A rename ships with ``aliases``, and then the golden file is written again with GPUPLANE_WRITE_GOLDEN=1.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from gpuplane.catalog import default_catalog
from gpuplane.delivery.offline_engine import render
from gpuplane.graph.resource_view import Unknown, unknowns
from gpuplane.planning import plan
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.loader import load_environment

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
AS_OF = date(2026, 11, 21)


def _spec(environment: str) -> EnvironmentSpec:
    return load_environment(ROOT / "environments", environment)


@pytest.mark.parametrize("environment", ["local", "prod"])
def test_no_urn_has_changed(environment: str) -> None:
    spec = _spec(environment)
    urns = "\n".join(view.urn for view in render(spec, plan(spec, default_catalog(), AS_OF))) + "\n"
    golden = GOLDEN / f"urns-{environment}.txt"
    if os.environ.get("GPUPLANE_WRITE_GOLDEN"):
        golden.write_text(urns)

    assert golden.read_text() == urns


def test_rendering_twice_gives_the_same() -> None:
    spec = _spec("prod")
    planned = plan(spec, default_catalog(), AS_OF)

    assert render(spec, planned) == render(spec, planned)


def test_every_resource_has_an_explicit_provider_and_every_component_a_token_of_ours() -> None:
    spec = _spec("prod")
    views = render(spec, plan(spec, default_catalog(), AS_OF))

    components = {view.type for view in views if not view.custom}
    assert components
    assert all(token.startswith("gpuplane:index:") for token in components)
    assert {view.type for view in views if view.type.startswith("pulumi:providers:")} == {"pulumi:providers:aws", "pulumi:providers:kubernetes"}


def test_only_what_another_resource_produces_is_unknown() -> None:
    spec = _spec("prod")
    views = render(spec, plan(spec, default_catalog(), AS_OF))

    found = {(view.kind, path) for view in views for path, value in unknowns(view.props) if isinstance(value, Unknown)}
    kubernetes = {kind for kind, _ in found} & {view.kind for view in views if view.is_kubernetes}
    assert kubernetes == set()
    assert {("NodeGroup", "launchTemplate.id"), ("NodeGroup", "launchTemplate.version")} <= found


def test_protected_environments_protect_namespaces_and_operators_and_nothing_that_changes_daily() -> None:
    spec = _spec("prod")
    assert spec.environment.spec.protected
    views = render(spec, plan(spec, default_catalog(), AS_OF))

    assert all(view.protect for view in views if view.kind in ("Namespace", "Release"))
    assert not any(view.protect for view in views if view.kind in ("InferenceService", "ServingRuntime", "NetworkPolicy", "ClusterQueue"))


def test_layers_are_those_of_the_cloud() -> None:
    assert _spec("local").layers == ("platform", "tenants")
    assert _spec("prod").layers == ("cluster", "platform", "tenants")
