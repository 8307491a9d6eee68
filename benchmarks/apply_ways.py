"""Ways to bring the same objects to an API server: gpuplane, Pulumi without it, and what people use today, each where it is there."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.bench_components import parents_first
from gpuplane.delivery.preview_report import plain
from gpuplane.graph.resource_view import ResourceView

ROOT = Path(__file__).resolve().parents[1]
_PROGRAM = '''\
import json, os
import pulumi, pulumi_kubernetes

class Raw(pulumi.CustomResource):
    pass

provider = pulumi_kubernetes.Provider("raw", kubeconfig=os.environ["KUBECONFIG"])
made = {}
for row in json.load(open("resources.json")):
    depends = [made[urn] for urn in row["dependencies"] if urn in made]
    made[row["urn"]] = Raw(row["type"], row["name"], row["props"], pulumi.ResourceOptions(provider=provider, depends_on=depends))
'''
_CDK8S = '''\
import json
import cdk8s

app = cdk8s.App()
chart = cdk8s.Chart(app, "all")
for number, body in enumerate(json.load(open("objects.json"))):
    made = cdk8s.ApiObject(chart, f"o{number}", api_version=body["apiVersion"], kind=body["kind"], metadata=body["metadata"])
    for key in body.keys() - {"apiVersion", "kind", "metadata"}:
        made.add_json_patch(cdk8s.JsonPatch.add(f"/{key}", body[key]))
app.synth()
'''


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock and of processors."""

    wall: float = 0.0
    processor: float = 0.0


@dataclass(frozen=True)
class Work:
    """What there is to apply, in a folder of one way's own.

    Attributes:
        environments: the documents.
        views: the planned graph.
        variables: of the processes; ``KUBECONFIG`` names the API server.
    """

    folder: Path
    environments: Path
    environment: str
    views: tuple[ResourceView, ...]
    variables: Mapping[str, str]

    def run(self, command: Sequence[str], into: Path | None = None) -> Cost:
        """Run a command, with all that it starts; it must not fail."""
        log, began, before = self.folder / "log", time.perf_counter(), _children()
        with log.open("ab") as sink, (into or Path(os.devnull)).open("wb") as out:
            done = subprocess.run(command, cwd=self.folder, env=dict(self.variables), stdout=out, stderr=sink, check=False)
        assert done.returncode == 0, f"{' '.join(command)}: {log.read_text(errors='replace')[-3000:]}"
        return Cost(time.perf_counter() - began, _children() - before)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """Kubernetes objects, what others need first."""
        return [plain(dict(view.props)) for view in parents_first(list(self.views)) if view.is_kubernetes and view.custom]


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def gpuplane(work: Work) -> tuple[Cost, Cost]:
    """Plan, judge and apply by tenant stacks; rendering is in it, and beside it what it takes alone."""
    command = [sys.executable, "-m", "gpuplane"]
    ours = ["--environments", str(work.environments)]
    rendered = work.run([*command, "render", work.environment, "--out", str(work.folder / "out"), *ours])
    return rendered, work.run([*command, "up", work.environment, *ours])


def raw_pulumi(work: Work) -> tuple[Cost, Cost]:
    """One program without components that registers the same objects with their properties ready."""
    rows = [{"urn": view.urn, "type": view.type, "name": view.urn.rpartition("::")[2], "props": plain(dict(view.props)),
             "dependencies": list(view.dependencies)} for view in parents_first(list(work.views)) if view.is_kubernetes and view.custom]
    (work.folder / "resources.json").write_text(json.dumps(rows))
    (work.folder / "Pulumi.yaml").write_text("name: raw\nruntime: python\n")
    (work.folder / "__main__.py").write_text(_PROGRAM)
    work.run(["pulumi", "--non-interactive", "stack", "init", "raw"])
    return Cost(), work.run(["pulumi", "--non-interactive", "up", "--yes", "--skip-preview", "--stack", "raw"])


def kubectl(work: Work) -> tuple[Cost, Cost]:
    """What ``gpuplane render`` wrote, by server-side apply."""
    rendered = work.run([sys.executable, "-m", "gpuplane", "render", work.environment, "--out", str(work.folder / "out"), "--environments",
                         str(work.environments)])
    return rendered, _applied(work, _written(work, work.folder / "all.json"))


def kustomize(work: Work) -> tuple[Cost, Cost]:
    """Objects that are written already, through kustomize."""
    _written(work, work.folder / "all.json")
    (work.folder / "kustomization.yaml").write_text("resources: [all.json]\nsortOptions: {order: fifo}\n")
    command = ["kustomize", "build"] if shutil.which("kustomize") else ["kubectl", "kustomize"]
    rendered = work.run([*command, str(work.folder)], work.folder / "built.yaml")
    return rendered, _applied(work, work.folder / "built.yaml")


def helm(work: Work) -> tuple[Cost, Cost]:
    """Objects that are written already, as a chart of one template a kind of object."""
    chart = work.folder / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: all\nversion: 0.1.0\n")
    for number, body in enumerate(work.bodies):
        (chart / "templates" / f"{number:06}.yaml").write_text("{{ `" + json.dumps(body).replace("`", "` }}{{ \"`\" }}{{ `") + "` }}\n")
    rendered = work.run(["helm", "template", "all", str(chart)], work.folder / "built.yaml")
    return rendered, _applied(work, work.folder / "built.yaml")


def cdk8s(work: Work) -> tuple[Cost, Cost]:
    """Objects that are written already, as constructs of one chart."""
    (work.folder / "objects.json").write_text(json.dumps(work.bodies))
    (work.folder / "app.py").write_text(_CDK8S)
    rendered = work.run([sys.executable, "app.py"])
    return rendered, _applied(work, work.folder / "dist")


def _written(work: Work, path: Path) -> Path:
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": work.bodies}))
    return path


def _applied(work: Work, what: Path) -> Cost:
    return work.run(["kubectl", "apply", "--server-side", "--force-conflicts", "-f", str(what)])


def _has(*programs: str) -> Callable[[], str]:
    return lambda: ", ".join(f"no {name} on PATH" for name in programs if shutil.which(name) is None)


def _has_kustomize() -> str:
    return _has("kubectl")()


def _has_cdk8s() -> str:
    return ", ".join(filter(None, ("" if find_spec("cdk8s") else "no Python package cdk8s", _has("node", "kubectl")())))


WAYS: Mapping[str, tuple[Callable[[Work], tuple[Cost, Cost]], Callable[[], str]]] = {
    "gpuplane up": (gpuplane, _has("pulumi")), "raw Pulumi": (raw_pulumi, _has("pulumi")), "kubectl apply": (kubectl, _has("kubectl")),
    "kustomize + kubectl": (kustomize, _has_kustomize), "helm template + kubectl": (helm, _has("helm", "kubectl")),
    "cdk8s + kubectl": (cdk8s, _has_cdk8s)}
"""Each way, and what of it is not here (nothing: all of it is)."""
