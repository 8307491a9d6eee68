"""Pipelines that take gpuplane's own: GitHub's workflows that call its, and GitLab's include of its template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_DISPATCH = "{description: %s, type: string, required: %s}"


@dataclass(frozen=True)
class Caller:
    """One workflow that calls another.

    Attributes:
        title: what it does.
        starts: lines below ``on:``.
        permissions: what the called one's jobs may do at most.
        secrets: whether it is given the repository's secrets.
        inputs: lines below ``with:``.
    """

    title: str
    starts: tuple[str, ...]
    permissions: tuple[str, ...]
    secrets: bool = False
    inputs: tuple[str, ...] = ()

    def text(self, name: str, repository: str, revision: str) -> str:
        """The file."""
        inputs = ["    with:", *(f"      {line}" for line in self.inputs)] if self.inputs else []
        secrets = ["    secrets: inherit"] if self.secrets else []
        return "\n".join((
            f"# {self.title}", f"name: {name}", "on:", *(f"  {line}" for line in self.starts), "permissions: {}", "jobs:", f"  {name}:",
            "    permissions:", *(f"      {line}" for line in self.permissions),
            f"    uses: {repository}/.github/workflows/{name}.yaml@{revision}", *inputs, *secrets, ""))


_PROMOTION = ("from: ${{ inputs.from }}", "to: ${{ inputs.to }}", "service: ${{ inputs.service }}")
CALLERS: Mapping[str, Caller] = {
    "comment": Caller("Posts the verdict as one comment on the pull request.",
                      ("workflow_run:", "  workflows: [judge]", "  types: [completed]"),
                      ("actions: read", "contents: read", "pull-requests: write", "security-events: write")),
    "drift": Caller("Every night: was anything changed by hand?", ('schedule: [{cron: "23 3 * * *"}]', "workflow_dispatch:"),
                    ("contents: read", "id-token: write"), secrets=True),
    "judge": Caller("The binding verdict, by the base branch; make it a required check.",
                    ("pull_request_target:", "  types: [opened, synchronize, reopened, edited]"), ("actions: read", "contents: read")),
    "preview": Caller("What the pull request's own code says, for its author.", ("pull_request:",), ("contents: read",)),
    "promote": Caller("Opens a pull request that takes a release to the next environment.", (
        "workflow_dispatch:", "  inputs:", f"    from: {_DISPATCH % ('Environment that runs the release now', 'true')}",
        f"    to: {_DISPATCH % ('Environment that is to run it', 'true')}",
        f"    service: {_DISPATCH % ('TENANT/SERVICE; left out, all that differ', 'false')}"),
        ("contents: write", "id-token: write", "pull-requests: write"), secrets=True, inputs=_PROMOTION),
    "up": Caller("After the merge: gate, then stack by stack.", ("push:", "  branches: [main]"), ("contents: read", "id-token: write"),
                 secrets=True),
}
"""The reusable workflows of gpuplane's repository, by the names of their files."""


_GITLAB = """\
# From merge request to production: preview, binding verdict, comment, plan, up, drift and promotion are the jobs of gpuplane's template.
# What to set up beside this file (webhook, protected branch, variables) is in its docs/continuous-integration.md.
include:
  - project: {project}
    ref: "{revision}"
    file: /.gitlab/gpuplane.yaml
    inputs:
      names: [dev] # environments that are applied and watched
      image: "python:3.11" # Python, git and curl; better by digest
      apply_image: "{image}" # the AWS and Pulumi CLIs too; yours
"""
APPLY_IMAGE = "registry.example.com/platform/tools:1"
"""Stands for an image that everybody has to make: it holds the command line of their cloud."""


def gitlab_files(project: str, revision: str) -> dict[str, str]:
    """The file that includes the template, by path.

    Args:
        project: path of the project that has gpuplane's template, on the same GitLab.
        revision: commit (best), tag or branch of it.
    """
    return {".gitlab-ci.yml": _GITLAB.format(project=project, revision=revision, image=APPLY_IMAGE)}


def workflow_files(repository: str, revision: str) -> dict[str, str]:
    """Files of the callers by path.

    Args:
        repository: ``OWNER/NAME`` of the repository that has gpuplane's workflows.
        revision: commit (best), tag or branch of it.
    """
    return {f".github/workflows/{name}.yaml": caller.text(name, repository, revision) for name, caller in CALLERS.items()}
