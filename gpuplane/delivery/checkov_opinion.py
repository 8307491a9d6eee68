"""Checkov as a second opinion: on the objects as they are, and on the pods of kinds that it does not know, each shown to it as a Pod.

It runs in an environment of its own (its requirements contradict ours) and decides nothing: what it says beyond our rules is advice.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from gpuplane.delivery.exit_status import CannotStart, EngineFailed
from gpuplane.delivery.preview_report import plain
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodTemplate
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.serving_runtimes import effective_templates
from gpuplane.policies.finding import Finding, Verdict

PYTHON = "GPUPLANE_CHECKOV_PYTHON"
"""Environment variable that names the Python of Checkov's environment; ``.venv-checkov/bin/python`` where it is not set."""
BROKEN = "checkov"
"""Rule id of the finding that says that Checkov broke on an object."""
_KNOWN = frozenset({"Pod", "PodTemplate", "Deployment", "DeploymentConfig", "DaemonSet", "Job", "CronJob", "ReplicaSet",
                    "ReplicationController", "StatefulSet"})
"""Kinds whose containers Checkov looks at (``base_container_check.py`` of Checkov 3.3.30)."""
_LISTS = {"container": "containers", "init": "initContainers", "ephemeral": "ephemeralContainers"}


def with_opinion(findings: Sequence[Finding], views: Iterable[ResourceView]) -> tuple[Finding, ...]:
    """The findings, with Checkov's: what both say once and with both ids, what only Checkov says as advice under its own id.

    Args:
        findings: of our rules.
        views: the objects that they are about.

    Raises:
        CannotStart: Checkov is not there.
        EngineFailed: it did not come to an end.
    """
    graph = PlannedGraph(views)
    shown = dict(_shown(graph))
    said: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    by_urn = {view.urn: view for view, _ in shown.values()}
    found, broken = _scanned({name: text for name, (_, text) in shown.items()})
    for each in found:
        said[shown[each["file"]][0].urn, rules_by_check().get(each["id"], "")][each["id"]] = each["name"]
    own = {(finding.urn, finding.rule) for finding in findings}
    both = [replace(finding, message=f"{finding.message} Checkov says so too: {', '.join(sorted(said[finding.urn, finding.rule]))}.")
            if (finding.urn, finding.rule) in said else finding for finding in findings]
    advice = {_advice(by_urn[urn], check, f"Checkov: {title}.") for (urn, rule), checks in said.items() if (urn, rule) not in own
              for check, title in checks.items()}
    advice |= {_advice(shown[each["file"]][0], BROKEN, f"Checkov has no opinion about {shown[each['file']][0]}: {each['error']}.")
               for each in broken}
    return tuple(sorted([*both, *advice], key=lambda finding: finding.sort_key))


@cache
def rules_by_check() -> Mapping[str, str]:
    """Id of a check of Checkov to the id of the rule of ours that asks the same."""
    with Path(__file__).with_name("checkov_ids.tsv").open(encoding="utf-8", newline="") as table:
        rows = csv.DictReader((line for line in table if not line.startswith("#")), delimiter="\t")
        return {row["checkov"]: row["rule"] for row in rows}


def require_checkov() -> Path:
    """The Python that has Checkov.

    Raises:
        CannotStart: there is none.
    """
    python = Path(os.environ.get(PYTHON) or ".venv-checkov/bin/python")
    if not python.is_file():
        raise CannotStart(f"--with checkov: there is no {python}. Run make checkov-env, or name the Python of an environment that has "
                          f"Checkov in {PYTHON}.")
    return python


def _shown(graph: PlannedGraph) -> Iterator[tuple[str, tuple[ResourceView, str]]]:
    """What Checkov is shown: file name to object and text; pods of kinds that it does not know as Pods."""
    templates = {view.urn for view, _ in graph.pods}
    for index, view in enumerate(graph.kubernetes):
        if view.kind in _KNOWN or view.urn not in templates:
            yield f"{index}.json", (view, json.dumps(plain(dict(view.props))))
            continue
        for place, template in enumerate(effective_templates(graph, view)):
            yield f"{index}-{place}.json", (view, json.dumps(plain(_pod(view, template))))


def _pod(view: ResourceView, template: PodTemplate) -> dict[str, Any]:
    """One pod template as a Pod."""
    spec: dict[str, Any] = {key: value for key, value in template.spec.items() if key not in _LISTS.values()}
    for container in template.containers:
        spec.setdefault(_LISTS[container.role], []).append({**container.spec, "name": container.name or "container"})
    return {"apiVersion": "v1", "kind": "Pod", "spec": spec, "metadata": {
        "name": view.name, "namespace": view.namespace or "default", "labels": dict(template.labels),
        "annotations": dict(template.annotations)}}


def _scanned(texts: Mapping[str, str]) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    python, script = require_checkov().absolute(), Path(__file__).with_name("checkov_scan.py")
    with tempfile.TemporaryDirectory(prefix="gpuplane-") as name:
        folder, out = Path(name) / "objects", Path(name) / "found.json"
        folder.mkdir()
        for file, text in texts.items():
            (folder / file).write_text(text, encoding="utf-8")
        if not texts:
            return [], []
        # Not this program's PYTHONPATH: what it holds is made for another environment.
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        done = subprocess.run([str(python), str(script), str(folder), str(out)], cwd=name, env=environment, capture_output=True, text=True)
        if done.returncode != 0 or not out.exists():
            last = (done.stderr.strip().splitlines() or ["no message"])[-1][:200]
            raise EngineFailed(f"Checkov did not come to an end (exit status {done.returncode}): {last}")
        result = json.loads(out.read_text(encoding="utf-8"))
    return result["findings"], result["broken"]


def _advice(view: ResourceView, check: str, message: str) -> Finding:
    """Advice stops nothing, whatever it is about."""
    return Finding(rule=check, severity="low", verdict=Verdict.FAIL, message=message, stops=False, urn=view.urn, kind=view.kind,
                   namespace=view.namespace, name=view.name, file=view.file, line=view.line,
                   remedy="Advice of Checkov, which decides nothing here; follow it, or leave it out.")
