"""The example of docs/examples/08-promotion as a git repository, with commits at times that tests choose."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result

from gpuplane.cli import cli

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "docs" / "examples" / "08-promotion"
NOW = "2026-11-21T12:00:00+00:00"
DRIFT = {"prod-eu": "2026-11-21T06:00:00Z", "staging": "2026-11-21T06:00:00Z"}


@dataclass(frozen=True)
class Walk:
    """A repository whose top holds ``environments/`` and ``results/``."""

    top: Path

    @property
    def environments(self) -> Path:
        return self.top / "environments"

    def git(self, *arguments: str, at: str = "", author: str = "team@example.com") -> str:
        clock = {"GIT_COMMITTER_DATE": at, "GIT_AUTHOR_DATE": at} if at else {}
        names = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": author, "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": author,
                 "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        done = subprocess.run(["git", *arguments], cwd=self.top, env={**os.environ, **names, **clock}, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, message: str, at: str, author: str = "team@example.com") -> str:
        self.git("add", "-A")
        self.git("commit", "-qm", message, at=at, author=author)
        return self.git("rev-parse", "HEAD")

    def run(self, *arguments: str, now: bool | None = True) -> Result:
        """``now``: None for a command that asks for no time."""
        more = ["--now", NOW] if now else [] if now is None else ["--as-of", "2026-11-20"]
        return CliRunner().invoke(cli, [*arguments, "--environments", str(self.environments), *more])

    def replace(self, file: str, old: str, new: str) -> None:
        path = self.environments / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def copy(self, file: str, to: str) -> None:
        """As somebody would who takes a release over by hand."""
        (self.environments / to).write_text((self.environments / file).read_text())

    def drift(self, **drifted: list[str]) -> list[str]:
        """Options that give a result of looking for drift for each environment."""
        import json

        found = []
        for name, at in DRIFT.items():
            file = self.top.parent / f"drift-{name}.json"
            file.write_text(json.dumps({"schema_version": 1, "environment": name, "checked_at": at, "drifted": drifted.get(name.replace("-", "_"), [])}))
            found += ["--looks", str(file)]
        return found


def begun(folder: Path) -> Walk:
    """The example as it lies there, committed long ago, without its evidence."""
    walk = Walk(folder / "company")
    shutil.copytree(EXAMPLE / "environments", walk.environments, ignore=shutil.ignore_patterns("evidence"))
    shutil.copytree(EXAMPLE / "results", walk.top / "results")
    walk.git("init", "-q", "-b", "main")
    walk.git("config", "user.name", "A")
    walk.git("config", "user.email", "team@example.com")
    walk.commit("Begin", "2026-10-01T08:00:00Z")
    return walk


def evaluated(walk: Walk) -> Walk:
    """Both releases evaluated in staging: first what prod-eu runs, then what staging has since 18 November."""
    staging, prod = (f"{name}/services/support/assistant.yaml" for name in ("staging", "prod-eu"))
    new = (walk.environments / staging).read_text()
    (walk.environments / staging).write_text((walk.environments / prod).read_text().replace("max_replicas: 2", "max_replicas: 1"))
    walk.commit("Staging as prod", "2026-11-02T08:00:00Z")
    _added(walk, "lm-eval-now.json", "bench-now.json")
    (walk.environments / staging).write_text(new)
    walk.commit("Try the next release", "2026-11-18T08:00:00Z")
    _added(walk, "lm-eval-new.json", "bench-new.json")
    walk.commit("Evidence", "2026-11-20T08:00:00Z")
    return walk


def approved(walk: Walk, service: str = "support/assistant") -> Walk:
    """Somebody else has agreed."""
    done = walk.run("evidence", "approve", "--environment", "prod-eu", "--service", service, "--by", "quality@example.com", now=False)
    assert done.exit_code == 0, done.output
    walk.commit("Agreed", "2026-11-20T09:00:00Z", author="quality@example.com")
    return walk


def moved_tickets(walk: Walk) -> Walk:
    """The first wave has moved, two days ago."""
    text = (walk.environments / "staging/services/tickets/drafts.yaml").read_text()
    (walk.environments / "prod-eu/services/tickets/drafts.yaml").write_text(text)
    walk.commit("Promote tickets", "2026-11-19T08:00:00Z")
    return walk


def _added(walk: Walk, *files: str) -> None:
    options = [option for file in files for option in ("--results", str(walk.top / "results" / file))]
    done = walk.run("evidence", "add", "--environment", "staging", "--service", "support/assistant", *options, now=False)
    assert done.exit_code == 0, done.output
