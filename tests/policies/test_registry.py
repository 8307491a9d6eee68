"""Rules are found by being there, run alike, and waived only as long as somebody answers for it."""

from collections.abc import Iterator
from datetime import date
from typing import ClassVar, Literal

import pytest

from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.policies import registry
from gpuplane.policies.finding import Finding, Verdict
from gpuplane.policies.registry import all_rules, judge
from gpuplane.policies.rule import Rule
from gpuplane.spec.exemptions import Exemption, ObjectSelector

DAY = date(2026, 11, 21)
POD = views_of_text("""
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: tools}
spec: {containers: [{name: server, image: server, securityContext: {privileged: true}}]}
""")


class _Low(Rule):
    """Objects."""

    id, title, remedy, references, scope = "ZZ-01", "t", "r.", ("x",), "object"
    severity: ClassVar[Literal["low", "medium", "high", "critical"]] = "low"
    PASSES = FAILS = ()

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        yield from (self.fail(graph, view, "low") for view in graph.resources)


class _Unknown(_Low):
    """Doubts."""

    id, severity = "ZZ-02", "high"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        yield from (self.unknown(graph, view, "doubt") for view in graph.resources)


class _Broken(_Low):
    """Breaks after its first finding."""

    id, severity = "ZZ-03", "low"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        yield self.fail(graph, graph.resources[0], "first")
        raise KeyError("hunter2")


def _exemption(expires: str = "2026-12-31", rule: str = "WS-01", name: str = "server", namespace: str = "tools") -> Exemption:
    return Exemption(rule=rule, resource=ObjectSelector(kind="Pod", name=name, namespace=namespace), owner="ops@example.com",
                     reason="driver installer until the image has it", approval="PR 7", expires=expires)


def _privileged(exemptions: tuple[Exemption, ...]) -> tuple[Finding, Verdict]:
    rule = next(rule for rule in all_rules() if rule.id == "WS-01")
    found = judge(PlannedGraph(POD), exemptions, DAY, [rule])
    (finding,) = found.findings
    return finding, found.verdict


def test_rules_are_sorted_by_id_and_each_area_has_some() -> None:
    found = [rule.id for rule in all_rules()]

    assert found == sorted(set(found))
    assert {rule.partition("-")[0] for rule in found} >= {"CB", "PII", "QF", "RE", "SC", "TI", "WI", "WS"}


def test_two_rules_with_one_id_are_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_rules_in", lambda _: [_Low()])
    all_rules.cache_clear()
    try:
        with pytest.raises(ValueError, match="rule ZZ-01 is both"):
            all_rules()
    finally:
        monkeypatch.undo()
        all_rules.cache_clear()


def test_a_file_without_a_rule_is_a_defect() -> None:
    with pytest.raises(ValueError, match="holds no rule"):
        registry._rules_in("gpuplane.policies.finding")


def test_a_violation_fails_and_names_its_object() -> None:
    finding, verdict = _privileged(())

    assert verdict is Verdict.FAIL
    assert (finding.kind, finding.namespace, finding.name) == ("Pod", "tools", "server")
    assert finding.field == "spec.containers[0].securityContext.privileged"


def test_an_exemption_waives_and_says_by_whom_and_until_when() -> None:
    finding, verdict = _privileged((_exemption(),))

    assert verdict is Verdict.PASS
    assert finding.waived == "driver installer until the image has it (until 2026-12-31, ops@example.com, approved in PR 7)"


def test_an_exemption_holds_on_its_last_day() -> None:
    assert _privileged((_exemption(expires=DAY.isoformat()),))[1] is Verdict.PASS


def test_an_exemption_that_ends_too_far_ahead_waives_nothing_and_says_so() -> None:
    finding, verdict = _privileged((_exemption(expires="2027-05-21"),))

    assert verdict is Verdict.FAIL
    assert finding.message.endswith("Its exemption holds for nothing: it ends on 2027-05-21, more than 180 days from now.")
    assert _privileged((_exemption(expires="2027-05-20"),))[1] is Verdict.PASS


def test_an_expired_exemption_waives_nothing_and_is_named() -> None:
    finding, verdict = _privileged((_exemption(expires="2026-11-20"),))

    assert verdict is Verdict.FAIL
    assert finding.waived == ""
    assert finding.message.endswith("Its exemption ended on 2026-11-20.")


@pytest.mark.parametrize("other", [_exemption(rule="WS-20"), _exemption(name="serve"), _exemption(namespace=""), _exemption(namespace="other")],
                         ids=["rule", "name", "no namespace", "namespace"])
def test_an_exemption_for_something_else_waives_nothing(other: Exemption) -> None:
    assert _privileged((other,))[1] is Verdict.FAIL


def test_findings_that_do_not_block_pass() -> None:
    assert judge(PlannedGraph(POD), (), DAY, [_Low()]).verdict is Verdict.PASS


def test_what_cannot_be_judged_is_no_pass() -> None:
    assert judge(PlannedGraph(POD), (), DAY, [_Low(), _Unknown()]).verdict is Verdict.UNKNOWN


def test_a_violation_outweighs_a_doubt() -> None:
    rules = [_Unknown(), next(rule for rule in all_rules() if rule.id == "WS-01")]

    assert judge(PlannedGraph(POD), (), DAY, rules).verdict is Verdict.FAIL


def test_a_rule_that_breaks_lets_nothing_pass_and_tells_no_secret() -> None:
    found = judge(PlannedGraph(POD), (), DAY, [_Broken()])

    assert found.verdict is Verdict.UNKNOWN
    broken = next(finding for finding in found.findings if finding.verdict is Verdict.UNKNOWN)
    assert (broken.rule, broken.severity) == ("ZZ-03", "critical")
    assert "KeyError at test_registry.py" in broken.message
    assert "hunter2" not in broken.message
    assert [finding.message for finding in found.findings if finding is not broken] == ["first"]


def test_the_same_graph_gives_the_same_findings_in_the_same_order() -> None:
    first, second = (judge(PlannedGraph(views), (), DAY).findings for views in (POD, POD))

    assert first == second
    assert list(first) == sorted(first, key=lambda finding: finding.sort_key)
