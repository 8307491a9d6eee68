"""``pulumi`` commands alone: they work as in any project, leave no trace in the tree, and get past no gate."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.integration.work import Work

pytestmark = pytest.mark.integration


def _git_status(project: Path) -> str:
    return subprocess.run(["git", "status", "--porcelain"], cwd=project, capture_output=True, text=True, check=True).stdout


def test_init_preview_up_empty_up_and_destroy_leave_the_tree_clean(work: Work) -> None:
    project = work.project("clean")
    for layer in ("platform", "tenants"):
        stack = ("--stack", f"local-{layer}")
        work.pulumi("stack", "init", f"local-{layer}", project=project)
        work.pulumi("preview", *stack, project=project)
        work.pulumi("up", "--yes", "--skip-preview", *stack, project=project)
        again = work.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes", *stack, project=project)
        assert "unchanged" in again.stdout

    for layer in ("tenants", "platform"):
        work.pulumi("destroy", "--yes", "--skip-preview", "--remove", "--stack", f"local-{layer}", project=project)

    assert _git_status(project) == ""
    assert work.state_resources() == 0


@pytest.mark.parametrize(("what", "file", "old", "new", "sentence"), [
    ("quota", "services/support/chat.yaml", "max_replicas: ", "max_replicas: 9", "QF-04"),
    ("logging", "services/support/chat.yaml", "  scaling:", "  logging: {mode: all, url: http://sink.example.svc}\n  scaling:", "PII-06"),
    ("context", "environment.yaml", "context: ", "context: elsewhere-", "the kubeconfig has no context"),
    ("uid", "environment.yaml", "    context: ", "    kube_system_uid: 00000000-0000-4000-8000-000000000000\n    context: ", "is the cluster"),
], ids=lambda value: value if isinstance(value, str) and value.isalpha() else "")
def test_a_bare_up_that_must_not_be_registers_nothing(
        work: Work, what: str, file: str, old: str, new: str, sentence: str) -> None:
    project = work.project(what)
    path = project / "environments" / "local" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    stack = f"refused-{what}"
    work.pulumi("stack", "init", stack, project=project)
    work.pulumi("config", "set", "gpuplane:environment", "local", "--stack", stack, project=project)
    work.pulumi("config", "set", "gpuplane:layer", "platform", "--stack", stack, project=project)

    done = work.pulumi("up", "--yes", "--skip-preview", "--stack", stack, project=project, status=None)

    assert done.returncode != 0
    assert sentence in done.stdout + done.stderr
    assert work.state_resources() == 0
    work.pulumi("stack", "rm", "--yes", "--force", stack, project=project)
