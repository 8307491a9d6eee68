"""SARIF and JUnit: the shapes that code hosts and CI systems read, whatever a message holds."""

import json
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest

from gpuplane.delivery.junit import to_junit
from gpuplane.delivery.sarif import to_sarif
from gpuplane.policies.finding import Finding, Verdict
from gpuplane.policies.registry import all_rules

FINDING = Finding(
    rule="WS-01", severity="critical", verdict=Verdict.FAIL, message="It is <bad> & \"worse\"\x00\x1b.", remedy="Fix it.", urn="urn:x", kind="Pod",
    namespace="a", name="b", field="spec.x", tenant="a", file="dir with space/é.yaml", line=3)
UNKNOWN = replace(FINDING, rule="QF-04", verdict=Verdict.UNKNOWN, name="c", file="", line=0)
WAIVED = replace(FINDING, rule="WS-20", severity="high", waived="reason (until 2026-12-31, ops)")
FINDINGS = (FINDING, UNKNOWN, WAIVED)


def _run() -> dict[str, Any]:
    log = json.loads(to_sarif(FINDINGS, all_rules()))
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    return dict(run)


def test_sarif_lists_every_rule_that_ran() -> None:
    driver = _run()["tool"]["driver"]

    assert [rule["id"] for rule in driver["rules"]] == [rule.id for rule in all_rules()]
    for rule in driver["rules"]:
        assert rule["shortDescription"]["text"]
        assert rule["fullDescription"]["text"]
        assert rule["help"]["text"]
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")
        assert 0 < float(rule["properties"]["security-severity"]) <= 10


def test_sarif_results_point_at_their_rule_and_place() -> None:
    run = _run()
    first, second, third = run["results"]
    rules = run["tool"]["driver"]["rules"]

    assert [rules[result["ruleIndex"]]["id"] for result in (first, second, third)] == ["WS-01", "QF-04", "WS-20"]
    assert [(result["kind"], result["level"]) for result in (first, second, third)] == [("fail", "error"), ("review", "none"), ("fail", "error")]
    physical = first["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"]["uri"] == "dir%20with%20space/%C3%A9.yaml"
    assert physical["region"] == {"startLine": 3}
    assert first["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "urn:x"
    assert "physicalLocation" not in second["locations"][0]


def test_sarif_suppresses_what_is_waived_and_nothing_else() -> None:
    results = _run()["results"]

    assert ["suppressions" in result for result in results] == [False, False, True]
    assert results[2]["suppressions"][0]["justification"] == WAIVED.waived


def test_sarif_fingerprints_outlive_lines_and_texts_but_not_objects() -> None:
    def fingerprint(finding: Finding) -> str:
        return str(json.loads(to_sarif([finding], all_rules()))["runs"][0]["results"][0]["partialFingerprints"])

    assert fingerprint(FINDING) == fingerprint(replace(FINDING, line=99, message="other", urn="urn:y"))
    assert len({fingerprint(each) for each in (FINDING, replace(FINDING, name="z"), replace(FINDING, rule="WS-20"))}) == 3


def test_a_finding_of_a_rule_that_is_not_listed_still_comes_out() -> None:
    (result,) = json.loads(to_sarif([FINDING], ()))["runs"][0]["results"]

    assert result["ruleId"] == "WS-01"
    assert "ruleIndex" not in result


def test_junit_has_one_case_a_rule() -> None:
    root = ElementTree.fromstring(to_junit(FINDINGS, all_rules()))
    cases = {case.get("name", "").split()[0]: case for case in root.iter("testcase")}

    assert set(cases) == {rule.id for rule in all_rules()}
    assert cases["WS-01"].find("failure") is not None
    assert cases["QF-04"].find("failure") is not None
    assert cases["WS-20"].find("failure") is None
    assert cases["WS-20"].find("skipped") is not None
    assert list(cases["TI-01"]) == []
    (suite,) = root
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == (str(len(all_rules())), "2", "1")


def test_junit_is_xml_whatever_a_message_holds() -> None:
    root = ElementTree.fromstring(to_junit([FINDING], all_rules()))
    failure = next(root.iter("failure"))

    assert "It is <bad> & \"worse\"" in (failure.text or "")
    assert failure.get("type") == "critical"
    assert "dir with space/é.yaml:3" in (failure.text or "")


@pytest.mark.parametrize("rules", [all_rules(), ()], ids=["rules", "none"])
def test_no_findings_are_a_good_report(rules: tuple[object, ...]) -> None:
    assert json.loads(to_sarif((), rules))["runs"][0]["results"] == []  # type: ignore[arg-type]
    assert next(ElementTree.fromstring(to_junit((), rules)).iter("testsuite")).get("failures") == "0"  # type: ignore[arg-type]
