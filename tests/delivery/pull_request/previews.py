"""Previews as a pull request's comment reads them, made by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from gpuplane.delivery.preview_report import PreviewReport
from gpuplane.delivery.pull_request.impact import impact
from gpuplane.delivery.pull_request.preview_file import PreviewFile, read_preview
from gpuplane.delivery.render_json import to_json
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.planning.memory.load_time import LoadTime
from tests.delivery.reports import refused, report

LOAD = LoadTime(15.0, 0.5, False, 21, 93, 462)


def plan_with(plan: EnvironmentPlan, **changes: Any) -> EnvironmentPlan:
    """The plan with acme's service changed."""
    acme = plan.tenants["acme"]
    service = replace(acme.services[0], **{"name": "chat", "load": LOAD, **changes})
    return replace(plan, tenants={**plan.tenants, "acme": replace(acme, services=(service,))})


def changed(**changes: Any) -> PreviewReport:
    """A refused report in which acme's model changes its image, so that its pods are made anew."""
    made = refused()
    assert made.comparison is not None
    moved = tuple(_with_image(change) for change in made.comparison.changes)
    return replace(made, plan=plan_with(made.plan, **changes), comparison=replace(made.comparison, changes=moved))


def _with_image(change: Any) -> Any:
    if change.view.kind != "InferenceService":
        return change
    return replace(change, fields=tuple(replace(field, path="spec.predictor.model.image") for field in change.fields))


def written(made: PreviewReport, folder: Path) -> Path:
    """The folder with the report's plan.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.json").write_text(to_json(made), encoding="utf-8")
    return folder


def read(made: PreviewReport, folder: Path) -> PreviewFile:
    """The report as the comment reads it."""
    return read_preview(written(made, folder))


def with_plan(folder: Path, **changes: Any) -> Path:
    """The folder, its plan.json changed at the top."""
    data = json.loads((folder / "plan.json").read_text())
    (folder / "plan.json").write_text(json.dumps({**data, **changes}))
    return folder


__all__ = ["LOAD", "changed", "impact", "plan_with", "read", "refused", "report", "with_plan", "written"]
