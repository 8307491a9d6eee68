"""Ways to bring the same objects to an API server: gpuplane, Pulumi without it, and what people use today, each where it is there.

Programs are found on PATH; cdk8s in the first ``python3`` on PATH that has it (docs/adr/0039).
"""

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
from pathlib import Path
from typing import Any

from benchmarks.bench_components import parents_first
from gpuplane.delivery.exit_status import EngineFailed
from gpuplane.delivery.preview_report import plain
from gpuplane.graph.resource_view import ResourceView

ROOT = Path(__file__).resolve().parents[1]
TELL_SECONDS = 20
"""How often a command that runs is spoken of."""
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
_TEMPLATE = """\
{{- range .Values.KIND }}
---
{{ toYaml . }}
{{- end }}
"""
_VERSION = "from importlib.metadata import version; print('cdk8s', version('cdk8s'))"
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


class Failed(EngineFailed):
    """A command of a way failed; its last words."""


@dataclass(frozen=True)
class Work:
    """What there is to apply, in a folder of one way's own.

    Attributes:
        environments: the documents.
        rendered: what ``gpuplane render`` wrote.
        views: the planned graph.
        variables: of the processes; ``KUBECONFIG`` names the API server.
        tell: called now and then while a command runs, with what it is for and its seconds so far.
    """

    folder: Path
    environments: Path
    environment: str
    rendered: Path
    views: tuple[ResourceView, ...]
    variables: Mapping[str, str]
    tell: Callable[[str, float], object] = lambda _what, _seconds: None

    def run(self, what: str, command: Sequence[str], into: Path | None = None) -> Cost:
        """Run a command, with all that it starts.

        Raises:
            Failed: its exit status is not 0.
        """
        log, began, before = self.folder / "log", time.perf_counter(), _children()
        with log.open("ab") as sink, (into or Path(os.devnull)).open("wb") as out:
            process = subprocess.Popen(command, cwd=self.folder, env=dict(self.variables), stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=sink)
            try:
                while (status := _status(process)) is None:
                    self.tell(what, time.perf_counter() - began)
            finally:
                process.kill()  # nothing where it has ended
                process.wait()
        cost = Cost(time.perf_counter() - began, _children() - before)
        if status != 0:
            raise Failed(f"{' '.join(command[:4])} …: {log.read_text(errors='replace').strip()[-2000:]}")
        self.tell(what, cost.wall)
        return cost

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """Kubernetes objects, what others need first."""
        return [plain(dict(view.props)) for view in parents_first(list(self.views)) if view.is_kubernetes and view.custom]


def _status(process: subprocess.Popen[bytes]) -> int | None:
    try:
        return process.wait(TELL_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def render(work: Work) -> Cost:
    """Objects out of the documents, planned and judged: what the ways other than gpuplane's begin with."""
    return work.run("gpuplane render", [sys.executable, "-m", "gpuplane", "render", work.environment, "--out", str(work.rendered),
                                        "--environments", str(work.environments)])


def gpuplane(work: Work) -> tuple[Cost, Cost]:
    """Plan, judge, render and apply by tenant stacks, all in one command."""
    command = [sys.executable, "-m", "gpuplane", "up", work.environment, "--environments", str(work.environments)]
    return Cost(), work.run("applying", command)


def raw_pulumi(work: Work) -> tuple[Cost, Cost]:
    """One program without components that registers the same objects with their properties ready."""
    rows = [{"urn": view.urn, "type": view.type, "name": view.urn.rpartition("::")[2], "props": plain(dict(view.props)),
             "dependencies": list(view.dependencies)} for view in parents_first(list(work.views)) if view.is_kubernetes and view.custom]
    (work.folder / "resources.json").write_text(json.dumps(rows))
    (work.folder / "Pulumi.yaml").write_text("name: raw\nruntime: python\n")
    (work.folder / "__main__.py").write_text(_PROGRAM)
    work.run("making a stack", ["pulumi", "--non-interactive", "stack", "init", "raw"])
    return Cost(), work.run("applying", ["pulumi", "--non-interactive", "up", "--yes", "--skip-preview", "--stack", "raw"])


def kubectl(work: Work) -> tuple[Cost, Cost]:
    """The files that ``gpuplane render`` wrote, layer after layer."""
    return Cost(), _applied(work, *_layers(work.rendered))


def kustomize(work: Work) -> tuple[Cost, Cost]:
    """The same files, named as the resources of one kustomization, in the order of their names."""
    shutil.copytree(work.rendered, work.folder / "files")
    files = [str(file.relative_to(work.folder)) for layer in _layers(work.folder / "files") for file in sorted(layer.rglob("*.yaml"))]
    (work.folder / "kustomization.yaml").write_text(json.dumps({"resources": files, "sortOptions": {"order": "fifo"}}))
    command = ["kustomize", "build"] if shutil.which("kustomize") else ["kubectl", "kustomize"]
    rendered = work.run("rendering", [*command, str(work.folder)], work.folder / "built.yaml")
    return rendered, _applied(work, work.folder / "built.yaml")


def helm(work: Work) -> tuple[Cost, Cost]:
    """The objects as values of a chart with a template for each kind."""
    chart, kinds = work.folder / "chart", dict[str, list[dict[str, Any]]]()
    for body in work.bodies:
        kinds.setdefault(body["kind"], []).append(body)
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: all\nversion: 0.1.0\n")
    (chart / "values.yaml").write_text(json.dumps(kinds))
    for kind in kinds:
        (chart / "templates" / f"{kind.lower()}.yaml").write_text(_TEMPLATE.replace("KIND", kind))
    rendered = work.run("rendering", ["helm", "template", "all", str(chart)], work.folder / "built.yaml")
    return rendered, _applied(work, work.folder / "built.yaml")


def cdk8s(work: Work) -> tuple[Cost, Cost]:
    """The objects as constructs of one chart."""
    (work.folder / "objects.json").write_text(json.dumps(work.bodies))
    (work.folder / "app.py").write_text(_CDK8S)
    rendered = work.run("rendering", [_cdk8s_python(), "app.py"])
    return rendered, _applied(work, work.folder / "dist")


def _layers(rendered: Path) -> list[Path]:
    """Folders of layers; the names of what is needed first come first in each."""
    return sorted(each for each in rendered.iterdir() if each.is_dir())


def _applied(work: Work, *what: Path) -> Cost:
    files = [part for each in what for part in ("-f", str(each))]
    return work.run("applying", ["kubectl", "apply", "--server-side", "--force-conflicts", "--recursive", *files])


def _cdk8s_python() -> str:
    """The first ``python3`` on PATH that has cdk8s; empty where none has."""
    asked = "import importlib.util, sys; sys.exit(importlib.util.find_spec('cdk8s') is None)"
    found = (shutil.which("python3", path=folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder)
    having = (each for each in found if each and not subprocess.run([each, "-c", asked], check=False, capture_output=True).returncode)
    return next((str(Path(each).absolute()) for each in having), "")


def _has(*programs: str) -> Callable[[], str]:
    return lambda: ", ".join(f"no {name} on PATH" for name in programs if shutil.which(name) is None)


def _has_cdk8s() -> str:
    return ", ".join(filter(None, ("" if _cdk8s_python() else "no python3 on PATH that has cdk8s", _has("node", "kubectl")())))


@dataclass(frozen=True)
class Way:
    """One way.

    Attributes:
        apply: do it; returns what the tool's own rendering cost, and applying.
        missing: what of it is not here; nothing: all of it is.
        begins: what it begins with.
        judged: whether the whole is judged before anything is written.
        ordered: by what it puts an object behind what that needs.
        writes: how it makes an object.
        keeps: what it remembers of what it made, by which a later run deletes what nobody wishes any more.
        versions: commands that say of which version the tools are.
    """

    apply: Callable[[Work], tuple[Cost, Cost]]
    missing: Callable[[], str]
    begins: str
    judged: str
    ordered: str
    writes: str
    keeps: str
    versions: Mapping[str, Callable[[], Sequence[str]]]

    @property
    def needs_objects(self) -> bool:
        """Whether somebody has to make the objects first."""
        return self.begins != _DOCUMENTS


_DOCUMENTS = "the documents"
_CREATES = "create; one that is there already is an error"
_APPLIES = "server-side apply, takes over what is there"
_Versions = Mapping[str, Callable[[], Sequence[str]]]
_PULUMI: _Versions = {"pulumi": lambda: ("pulumi", "version")}
_KUBECTL: _Versions = {"kubectl": lambda: ("kubectl", "version", "--client")}
_JUDGED = "not by the tool; `gpuplane render` did"
WAYS: Mapping[str, Way] = {
    "gpuplane up": Way(gpuplane, _has("pulumi"), _DOCUMENTS, "yes, by every rule", "dependencies, layers", _CREATES,
                       "a state for each tenant", _PULUMI),
    "raw Pulumi": Way(raw_pulumi, _has("pulumi"), "the objects and what each needs", _JUDGED, "dependencies", _CREATES,
                      "one state", _PULUMI),
    "kubectl apply": Way(kubectl, _has("kubectl"), "the rendered files", _JUDGED, "names of files", _APPLIES, "nothing", _KUBECTL),
    "kustomize + kubectl": Way(kustomize, _has("kubectl"), "the rendered files", _JUDGED, "names of files", _APPLIES,
                               "nothing", _KUBECTL),
    "helm template + kubectl": Way(helm, _has("helm", "kubectl"), "the objects, as values", _JUDGED, "Helm's order of kinds", _APPLIES,
                                   "nothing", {**_KUBECTL, "helm": lambda: ("helm", "version", "--short")}),
    "cdk8s + kubectl": Way(cdk8s, _has_cdk8s, "the objects, as constructs", _JUDGED, "the order they were given in", _APPLIES,
                           "nothing", {**_KUBECTL, "cdk8s": lambda: (_cdk8s_python(), "-c", _VERSION)}),
}
"""Each way by its name. None says beforehand what will change."""
