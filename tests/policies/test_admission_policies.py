"""What is written for the API server: from every rule that one object decides, for every kind that holds pods."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import yaml

from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.pod_kinds import POD_KINDS, PodKind
from gpuplane.graph.pod_templates import pod_templates
from gpuplane.policies.admission_policies import admission_policies, pods_expression
from gpuplane.policies.pod_security import RESTRICTED
from gpuplane.policies.registry import all_rules
from gpuplane.spec.exemptions import Exemption
from gpuplane.spec.policies import Policies
from tests.planning.wish import valid
from tests.stacks.test_queue_objects import ENV, props, views

DAY = date(2026, 11, 21)
RULES = {rule.id: rule for rule in all_rules() if rule.admission}


def _holder(kind: PodKind, path: str) -> dict[str, Any]:
    """An object of the kind with one pod spec at the path."""
    value: Any = {"containers": [{"name": "a", "image": "a"}]}
    for step in reversed(path.split(".")):
        value = {step.removesuffix("[*]"): [value]} if step.endswith("[*]") else {
            step.removesuffix("{*}"): {"Worker": value}} if step.endswith("{*}") else {step: value}
    version = "v1" if kind.group in ("", "apps", "batch") else "v1beta1"
    return {"apiVersion": f"{kind.group}/{version}".lstrip("/"), "kind": kind.kind, "metadata": {"name": "x"}, **value}


@pytest.mark.parametrize(("kind", "path"), [(kind, path) for kind in POD_KINDS for path in kind.paths], ids=lambda each: str(getattr(each, "kind", each)))
def test_where_the_api_server_looks_the_graph_finds_pods(kind: PodKind, path: str) -> None:
    (view,) = views_of_text(yaml.safe_dump(_holder(kind, path)))

    found = [template.path for template in pod_templates(view) if template.containers]

    assert found == [path.replace("[*]", "[0]").replace("{*}", ".Worker")]
    assert kind.kind in pods_expression([kind])


def test_the_whole_pod_security_standard_is_said_in_cel() -> None:
    assert set(RESTRICTED) <= RULES.keys()


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_what_cel_cannot_see_is_named_by_its_example(rule: Any) -> None:
    titles = {example.title for example in rule.FAILS}
    beyond = {title for part in rule.admission for title in part.beyond}

    assert beyond <= titles
    assert titles - beyond  # what sees no example would be no backstop
    assert all(part.message.endswith(".") for part in rule.admission)


def test_what_blocks_is_denied_and_what_advises_warns() -> None:
    policies = {policy.name: policy for policy in admission_policies("Deny", (), DAY)}

    assert policies["gpuplane-ws-01"].actions == ("Deny",)
    assert policies["gpuplane-ws-11"].actions == ("Warn",)
    assert (policies["gpuplane-ws-10"].actions, policies["gpuplane-ws-10-advice"].actions) == (("Deny",), ("Warn",))


def test_an_environment_says_what_is_denied() -> None:
    def actions(*args: Any, **words: Any) -> dict[str, tuple[str, ...]]:
        return {policy.name: policy.actions for policy in admission_policies(*args, **words)}

    assert set(actions("Audit", (), DAY).values()) == {("Audit",)}
    assert actions("Deny", (), DAY, only_warn=["WS-01"])["gpuplane-ws-01"] == ("Warn",)
    assert actions("Deny", (), DAY, Policies(mandatory=("WS-11",)))["gpuplane-ws-11"] == ("Deny",)


@pytest.mark.parametrize(("expires", "there"), [("2026-11-21", True), ("2026-11-20", False)])
def test_an_exemption_opens_the_door_for_its_object_until_it_ends(expires: str, there: bool) -> None:
    exemption = Exemption.model_validate_json(
        '{"rule": "WS-01", "resource": {"kind": "DaemonSet", "name": "driver", "namespace": "support"}, "owner": "ops", '
        f'"reason": "until the image has the driver", "approval": "https://example.com/changes/7", "expires": "{expires}"}}')

    policies = {policy.rule: policy.spec for policy in admission_policies("Deny", [exemption], DAY)}

    conditions = policies["WS-01"].get("matchConditions", [])
    assert bool(conditions) == there
    assert "matchConditions" not in policies["WS-02"]
    assert all("object.kind == 'DaemonSet' && object.metadata.name == 'driver'" in each["expression"] for each in conditions)


def test_an_environment_that_wants_them_gets_them() -> None:
    assert not [view for view in views(valid()) if view.name == "gpuplane-ws-01"]
    found = views(valid().put(f"{ENV}.admission_policies", {"action": "Warn", "only_warn": ["SC-01"]}))

    binding = props(found, "ValidatingAdmissionPolicyBinding", "gpuplane-ws-01")["spec"]
    assert binding["validationActions"] == ["Warn"]
    assert binding["matchResources"]["namespaceSelector"]["matchExpressions"] == [{"key": "gpuplane.dev/tenant", "operator": "Exists"}]
    assert props(found, "ValidatingAdmissionPolicy", "gpuplane-ws-01")["spec"]["failurePolicy"] == "Fail"
