"""A copy of the local environment and a Pulumi state of its own, and the commands that work on them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.integration.cluster import Cluster
from tests.integration.warm import WarmGpuplane

ROOT = Path(__file__).resolve().parents[2]


class Work:
    """One test's folder: ``environments/`` with the cluster's context in it, and ``state/``."""

    def __init__(self, folder: Path, cluster: Cluster, warm: WarmGpuplane) -> None:
        self.folder, self.cluster, self._warm = folder, cluster, warm
        self.environments = folder / "environments"
        shutil.copytree(ROOT / "environments" / "local", self.environments / "local")
        self.edit("environment.yaml", "context: test", f"context: {cluster.context}")
        (folder / "state").mkdir()
        (folder / "tmp").mkdir()
        self.variables = {**os.environ, "PULUMI_BACKEND_URL": f"file://{folder}/state", "PULUMI_CONFIG_PASSPHRASE": "correct horse",
                          "PULUMI_SKIP_UPDATE_CHECK": "true", "TMPDIR": str(folder / "tmp"), "NO_COLOR": "1"}

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace text in one document; it must be there."""
        path = self.environments / "local" / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new, 1))

    def gpuplane(self, *arguments: str, status: int | None = 0, environments: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run the command line; its exit status must be ``status`` (None: any)."""
        command = [*arguments, "--environments", str(environments or self.environments)]
        done = self._warm.run(command, self.variables, ROOT, seconds=300)
        assert status is None or done.returncode == status, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def pulumi(self, *arguments: str, project: Path, status: int | None = 0, says: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run the Pulumi CLI in a project folder; ``says`` is what it is told where it asks."""
        done = subprocess.run(["pulumi", "--non-interactive", *arguments], cwd=project, env=self.variables, capture_output=True,
                              text=True, check=False, timeout=300, input=says)
        assert status is None or done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def project(self, name: str) -> Path:
        """This project's tree with this work's environments, for bare Pulumi commands."""
        return clean_project(self.folder / name, self.environments)

    def planned(self) -> list[dict[str, Any]]:
        """Kubernetes objects that the offline preview says there will be."""
        report = json.loads(self.gpuplane("preview", "local", "--format", "json").stdout)
        return [one["props"] for one in report["resources"] if one["api_version"]]

    def exists(self, body: dict[str, Any]) -> bool:
        """Whether a planned object is on the cluster."""
        metadata = body["metadata"]
        return self.cluster.get(body["apiVersion"], body["kind"], metadata["name"], metadata.get("namespace", "")) is not None

    def state_resources(self) -> int:
        """How many real resources all stacks of this state hold."""
        total = 0
        for file in (self.folder / "state").rglob("*.json"):
            if ".pulumi/stacks/" in file.as_posix():
                checkpoint = json.loads(file.read_text()).get("checkpoint", {})
                resources = (checkpoint.get("latest") or {}).get("resources") or []
                total += sum(not one["type"].startswith(("pulumi:", "gpuplane:")) for one in resources)
        return total

    def destroy_leftovers(self) -> None:
        """Leave the cluster as it was, whatever a test did."""
        self.gpuplane("destroy", "local", "--yes", status=None)


def clean_project(project: Path, environments: Path) -> Path:
    """A clean git clone of this project's tree with some environments, for bare Pulumi commands."""
    shutil.copytree(ROOT / "stacks", project / "stacks", ignore=shutil.ignore_patterns("__pycache__", "Pulumi.*.yaml"))
    shutil.copy(ROOT / "Pulumi.yaml", project)
    shutil.copy(ROOT / ".gitignore", project)
    shutil.copytree(environments, project / "environments")
    (project / ".venv").symlink_to(Path(sys.prefix))
    (project / ".gitignore").write_text((project / ".gitignore").read_text() + ".venv\n")
    for command in (["init", "-q"], ["add", "-A"], ["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "all"]):
        subprocess.run(["git", *command], cwd=project, check=True)
    return project
