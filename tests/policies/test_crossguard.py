"""The second gate: what the engine hands over is read whole, unknown values block, and nothing secret is printed."""

import runpy
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from gpuplane.catalog.overlay import catalog_of
from gpuplane.delivery.offline_engine import render
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.planning import plan
from gpuplane.policies import crossguard
from gpuplane.spec.loader import load_environment

POLICIES = Path(__file__).resolve().parents[2] / "policies"
DAY = date(2026, 11, 21)


class UnknownValueError(Exception):
    """As the SDK's: raised on access."""


HIDDEN = object()


class _Proxy(Mapping[str, Any]):
    def __init__(self, value: Mapping[str, Any]) -> None:
        self._value = value

    def __getitem__(self, key: str) -> Any:
        value = self._value[key]
        if value is HIDDEN:
            raise UnknownValueError
        return _proxied(value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._value)

    def __len__(self) -> int:
        return len(self._value)


class _ListProxy(Sequence[Any]):
    def __init__(self, value: Sequence[Any]) -> None:
        self._value = value

    def __getitem__(self, index: Any) -> Any:
        if self._value[index] is HIDDEN:
            raise UnknownValueError
        return _proxied(self._value[index])

    def __len__(self) -> int:
        return len(self._value)


def _proxied(value: Any) -> Any:
    if isinstance(value, dict):
        return _Proxy(value)
    return _ListProxy(value) if isinstance(value, list) else value


@dataclass
class _Resource:
    resource_type: str
    props: Mapping[str, Any]
    urn: str = "urn:pulumi:dev::p::t::n"
    name: str = "n"
    config: Mapping[str, Any] = field(default_factory=dict)

    def get_config(self) -> Mapping[str, Any]:
        return self.config


RESTRICTED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "runAsNonRoot": True, "capabilities": {"drop": ["ALL"]},
              "seccompProfile": {"type": "RuntimeDefault"}}


def _pod(**security: Any) -> _Resource:
    return _Resource("kubernetes:core/v1:Pod", _proxied({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "server", "namespace": "tools"},
        "spec": {"serviceAccountName": "server", "automountServiceAccountToken": False, "containers": [{
            "name": "server", "image": f"server@sha256:{'0' * 64}", "readinessProbe": {"httpGet": {"port": 8080}},
            "securityContext": {**RESTRICTED, **security}, "env": [{"name": "T", "value": "hunter2"}],
            "resources": {"requests": {"cpu": 1.0, "memory": "1Gi"}, "limits": {"memory": "1Gi"}}}]}}))


def _view(resource: _Resource) -> ResourceView:
    return crossguard.view_of(resource, UnknownValueError)


def test_a_kubernetes_object_is_read_by_its_own_names() -> None:
    view = _view(_pod(privileged=False))

    assert (view.api_version, view.kind, view.namespace, view.name) == ("v1", "Pod", "tools", "server")
    assert view.get("spec", "containers", 0, "resources", "requests", "cpu") == 1
    assert isinstance(view.get("spec", "containers", 0, "resources", "requests", "cpu"), int)


@pytest.mark.parametrize(("type_", "kind"), [
    ("aws:eks/nodeGroup:NodeGroup", "NodeGroup"), ("kubernetes:helm.sh/v3:Release", "Release"), ("gpuplane:index:Tenant", "Tenant")])
def test_other_resources_are_no_kubernetes_objects(type_: str, kind: str) -> None:
    view = _view(_Resource(type_, _proxied({"apiVersion": "v1", "kind": "X"} if "helm" in type_ else {})))

    assert (view.is_kubernetes, view.kind, view.name) == (False, kind, "n")


def test_one_unknown_value_hides_nothing_else() -> None:
    view = _view(_pod(privileged=HIDDEN, runAsUser=1000.0))

    assert isinstance(view.get("spec", "containers", 0, "securityContext", "privileged"), Unknown)
    assert view.get("spec", "containers", 0, "securityContext", "runAsUser") == 1000


def test_a_violation_is_a_sentence_with_the_rules_id() -> None:
    (message,) = crossguard.object_violations(_view(_pod(privileged=True)), (), DAY)

    assert message.startswith("[WS-01] Container server of Pod tools/server is privileged.")


def test_an_unknown_subject_of_a_rule_is_a_violation() -> None:
    (message,) = crossguard.object_violations(_view(_pod(privileged=HIDDEN)), (), DAY)

    assert message.startswith("[WS-01]")
    assert "cannot be judged before apply" in message


def test_an_unknown_value_that_no_rule_asks_for_is_no_violation() -> None:
    assert list(crossguard.object_violations(_view(_pod(runAsGroup=HIDDEN)), (), DAY)) == []


def test_no_message_holds_a_value_of_the_environment() -> None:
    views = [_view(_pod(privileged=True)), _view(_pod(privileged=HIDDEN))]

    assert not any("hunter2" in message for message, _ in crossguard.stack_violations(views, (), DAY))


def test_a_secret_that_the_sdk_unwraps_is_told_by_its_key_alone() -> None:
    secret = _Resource("kubernetes:core/v1:Secret", {"apiVersion": "v1", "kind": "Secret", "stringData": {"password": "swordfish"}})
    view = _view(secret)

    (message,) = crossguard.object_violations(view, (), DAY)
    assert message.startswith("[TI-16] Secret n holds the value of password.")
    assert not any("PII-1" in said or "swordfish" in said for said, _ in crossguard.stack_violations([view], (), DAY))


def test_a_stack_is_not_held_to_prices_that_another_stack_has() -> None:
    """Flavors stand in one layer and the nodes behind them in another."""
    budget = _Resource("kubernetes:core/v1:Pod", _proxied({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "chat", "namespace": "tools", "annotations": {"gpuplane.dev/monthly-budget-usd": "10"}},
        "spec": {"containers": [{"name": "c", "image": "c", "resources": {"limits": {"nvidia.com/gpu": "1"}}}]}}))
    flavor = _Resource("kubernetes:kueue.x-k8s.io/v1beta2:ResourceFlavor", _proxied({
        "apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "ResourceFlavor", "metadata": {"name": "h100"}}), "urn:pulumi:dev::p::t::h100")

    alone, together = ([message[:7] for message, _ in crossguard.stack_violations([_view(each) for each in stack], (), DAY)]
                       for stack in ([budget], [budget, flavor]))

    assert "[CB-05]" not in alone
    assert "[CB-05]" not in together


def test_the_packs_exemptions_waive() -> None:
    exemptions = crossguard.exemptions_of({"exemptions": [{
        "rule": "WS-01", "resource": {"kind": "Pod", "name": "server", "namespace": "tools"}, "owner": "ops", "expires": "2026-12-31",
        "reason": "driver installer until the image has it", "approval": "PR 7"}]})

    assert list(crossguard.object_violations(_view(_pod(privileged=True)), exemptions, DAY)) == []


def test_the_pack_has_two_policies_that_report(monkeypatch: pytest.MonkeyPatch) -> None:
    packs: list[tuple[str, list[Any]]] = []
    sdk, proxy = ModuleType("pulumi_policy"), ModuleType("pulumi_policy.proxy")
    for name in ("ReportViolation", "ResourceValidationArgs", "StackValidationArgs", "PolicyConfigSchema"):
        setattr(sdk, name, dict)
    vars(sdk)["EnforcementLevel"] = type("EnforcementLevel", (), {"MANDATORY": "mandatory"})
    for name in ("ResourceValidationPolicy", "StackValidationPolicy"):
        setattr(sdk, name, lambda name, description, validate, config_schema: (name, validate))
    vars(sdk)["PolicyPack"] = lambda name, policies, enforcement_level: packs.append((f"{name} {enforcement_level}", policies))
    vars(proxy)["UnknownValueError"] = UnknownValueError
    monkeypatch.setitem(sys.modules, "pulumi_policy", sdk)
    monkeypatch.setitem(sys.modules, "pulumi_policy.proxy", proxy)

    runpy.run_path(str(POLICIES / "__main__.py"))

    ((name, ((first, judge_object), (second, judge_stack))),) = packs
    assert (name, first, second) == ("gpuplane mandatory", "gpuplane-object", "gpuplane-stack")
    found: list[tuple[str, ...]] = []
    pod = _pod(privileged=True)
    pod.config = {"as_of": "2026-11-21"}
    judge_object(pod, lambda *said: found.append(said))
    judge_stack(type("Args", (), {"resources": [pod], "get_config": lambda self: {}})(), lambda *said: found.append(said))
    assert any(said[0].startswith("[WS-01]") and len(said) == 1 for said in found)
    assert any(said[0].startswith("[TI-01]") and said[1] == pod.urn for said in found)


def test_the_pack_runs_in_its_own_environment() -> None:
    settings = yaml.safe_load((POLICIES / "PulumiPolicy.yaml").read_text())

    assert settings["runtime"] == {"name": "python", "options": {"virtualenv": "../.venv-policy"}}


def test_rules_import_nothing_that_the_packs_environment_lacks() -> None:
    code = ("import sys, gpuplane.policies.crossguard as c; c.all_rules(); "
            "print([m for m in ('pulumi', 'kserve', 'kubernetes', 'rich', 'click', 'jinja2') if m in sys.modules])")
    import subprocess

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=POLICIES.parent)
    assert done.stdout.strip() == "[]"


def test_the_packs_configuration_names_the_users_own_facts(tmp_path: Path) -> None:
    (tmp_path / "catalog.yaml").write_text(
        "apiVersion: gpuplane/v1\nkind: Catalog\nmetadata: {name: catalog}\nspec: {service_prices: [{kind: nlb_hour, region: eu-central-1, "
        "usd: 0.027, source: our bill, as_of: 2026-10-01}]}\n", encoding="utf-8")
    own = crossguard.catalog_of({"environments": str(tmp_path)}).service_price("nlb_hour", "eu-central-1")
    assert own is not None
    assert own.source == "our bill"
    assert crossguard.catalog_of({}).service_price("nlb_hour", "eu-central-1") is None


@pytest.mark.parametrize("name", ["local", "dev", "staging", "prod"])
def test_every_object_of_the_environments_passes_alone(name: str) -> None:
    spec = load_environment(POLICIES.parent / "environments", name)
    catalog = catalog_of(spec)
    views = [view for view in render(spec, plan(spec, catalog, DAY)) if view.is_kubernetes]

    assert views
    assert [message for view in views for message in crossguard.object_violations(view, (), DAY, catalog)] == []
