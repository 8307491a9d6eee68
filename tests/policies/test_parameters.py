"""What an environment says about the rules: which stop an apply, and what counts as production."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from gpuplane.delivery.preview import preview
from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import Unknown
from gpuplane.policies import crossguard
from gpuplane.policies.finding import Verdict
from gpuplane.policies.registry import judge
from gpuplane.policies.rule import Rule
from gpuplane.policies.rules.workloads.missing_resources import MissingResources
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.errors import InvalidSpec
from gpuplane.spec.loader import load_environment
from gpuplane.spec.policies import Policies

DAY = date(2026, 11, 21)
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: server, namespace: tools}\nspec: {containers: [{name: server, image: server}]}\n"


class Advice(MissingResources):
    """A rule that only advises."""

    severity = "medium"


def _judged(parameters: Policies, rule: Rule | None = None, hidden: bool = False) -> Verdict:
    views = views_of_text(POD)
    if hidden:
        views = [replace(view, props={**view.props, "spec": Unknown("urn", "spec")}) for view in views]
    return judge(PlannedGraph(views, parameters=parameters), (), DAY, [rule or Advice()]).verdict


def test_advice_stops_an_apply_where_the_environment_makes_it_mandatory() -> None:
    assert _judged(Policies()) is Verdict.PASS
    assert _judged(Policies(mandatory=("WS-20",))) is Verdict.FAIL
    assert _judged(Policies(mandatory=("WS-01",))) is Verdict.PASS


def test_what_only_apply_can_know_stops_it_unless_the_environment_allows_that() -> None:
    assert _judged(Policies(), MissingResources(), hidden=True) is Verdict.UNKNOWN
    assert _judged(Policies(allow_unknown=("WS-20",)), MissingResources(), hidden=True) is Verdict.PASS
    assert _judged(Policies(allow_unknown=("WS-20",)), MissingResources()) is Verdict.FAIL


@pytest.mark.parametrize(("said", "label", "expected"), [
    (None, "prod", True), (None, "Production", True), (None, "staging", False), (None, "", False), (True, "staging", True), (False, "prod", False)])
def test_production_is_what_the_environment_says_or_is_called(said: bool | None, label: str, expected: bool) -> None:
    text = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: tools, labels: {{gpuplane.dev/environment: '{label}'}}}}\n---\n{POD}"
    views = views_of_text(text)

    assert PlannedGraph(views, parameters=Policies(production=said)).in_production(views[1]) is expected


def test_the_packs_configuration_says_it_too() -> None:
    assert crossguard.parameters_of({"policies": {"mandatory": ["WS-20"]}}) == Policies(mandatory=("WS-20",))
    assert crossguard.parameters_of({}) == Policies()


@pytest.mark.parametrize("field", ["mandatory", "allow_unknown"])
def test_a_rule_that_does_not_exist_is_an_error_with_its_place(field: str) -> None:
    spec = load_environment(Path(__file__).parents[2] / "environments", "local")
    settings = spec.environment.spec.model_copy(update={"policies": Policies.model_validate({field: ("XX-99",)})})
    wrong: EnvironmentSpec = replace(spec, environment=spec.environment.model_copy(update={"spec": settings}))

    with pytest.raises(InvalidSpec, match=rf"local/environment.yaml:\d+ spec.policies.{field}\[0\]: there is no rule \"XX-99\""):
        preview(wrong, DAY)
