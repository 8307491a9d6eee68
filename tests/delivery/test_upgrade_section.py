"""The order of an upgrade is a section of every report that compares, and only where a version changes."""

from __future__ import annotations

import json
from dataclasses import replace

from gpuplane.delivery.preview import with_comparison
from gpuplane.delivery.preview_report import PreviewReport
from gpuplane.delivery.render_html import render_html
from gpuplane.delivery.render_json import json_report
from gpuplane.delivery.render_markdown import render_markdown
from tests.delivery.reports import refused
from tests.planning.wish import valid

WORDS = "it runs on Kubernetes 1.35, and the old one may not run on 1.36"


def compared(**before: str) -> PreviewReport:
    """A report against a ref with those versions."""
    made = refused()
    versions = {"Kubernetes": "1.36", "chart kueue": "0.19.2"}
    assert made.comparison is not None
    plan = {**(made.comparison.plan or {}), "versions": {**versions, **before}}
    return replace(made, plan=replace(made.plan, versions=versions), comparison=replace(made.comparison, plan=plan))


def test_the_steps_are_in_every_format() -> None:
    report = compared(**{"Kubernetes": "1.35", "chart kueue": "0.18.6"})

    assert [(step["what"], step["after"]) for step in json_report(report)["comparison"]["upgrade"]] == [("chart kueue", "0.19.2"), ("Kubernetes", "1.36")]
    assert "### In this order" in render_markdown(report)
    assert WORDS in render_markdown(report)
    assert WORDS in render_html(report)


def test_without_a_change_of_versions_there_is_no_section() -> None:
    assert "In this order" not in render_markdown(compared())
    assert json.loads(json.dumps(json_report(compared())["comparison"]))["upgrade"] == []


def test_a_step_that_no_control_plane_takes_blocks() -> None:
    report = compared(Kubernetes="1.33")
    assert report.comparison is not None
    judged = with_comparison(valid().spec(), report, replace(report.comparison, plan={"versions": {"Kubernetes": "1.33"}}))

    assert "CL-07" in {finding.rule for finding in judged.blocking}
