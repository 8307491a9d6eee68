"""The files of a company's own repository: its wishes, its rules, its facts, its CI, and gpuplane pinned as the engine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from string import Template

from gpuplane import __version__
from gpuplane.delivery.golden_path.starter_workflows import gitlab_files, workflow_files

_FILES: Mapping[str, str] = {
    "README.md": "README.md.txt", ".gitignore": "gitignore.txt", "requirements.txt": "requirements.txt.txt",
    "environments/catalog.yaml": "catalog.yaml.txt", "rules/pyproject.toml": "pyproject.toml.txt",
    "Pulumi.yaml": "Pulumi.yaml.txt", "program/__main__.py": "program.py.txt", "gate/Dockerfile": "Dockerfile.txt",
    "rules/{package}/__init__.py": "init.py.txt", "rules/{package}/telling_names.py": "rule.py.txt"}
"""Path in the repository to its template."""
_CI: Mapping[str, Mapping[str, str]] = {
    "github": {".github/workflows/judge.yaml": "github.yaml.txt"}, "gitlab": {".gitlab-ci.yml": "gitlab.yaml.txt"}, "none": {}}
"""The same of each way to run CI."""
_PLACES = {"github": "`.github/workflows/`", "gitlab": "`.gitlab-ci.yml`", "none": "CI of your own"}
CI_CHOICES = tuple(_CI)
LOCK = "locked.txt"
"""What this release was tested with, by hash (``locks/program.txt``); the same path in a new repository."""


def starter_files(title: str, ci: str, workflows: str = "") -> dict[str, str]:
    """Text of every file by its path, the schemas included.

    Args:
        title: whose platform it is.
        ci: one of :data:`CI_CHOICES`.
        workflows: ``OWNER/NAME@REVISION`` of gpuplane's repository, whose reusable workflows are called, or whose template for GitLab is
            included; empty: a judge stands alone.
    """
    from gpuplane.catalog.runtime_schema import argument_schemas
    from gpuplane.spec.json_schema import schema_texts

    package = package_name(title)
    values = {"title": title, "package": package, "version": __version__, "ci": _PLACES[ci]}
    alone = {} if workflows else _CI[ci]
    found = {path.format(package=package): _text(template, values) for path, template in {**_FILES, **alone}.items()}
    if workflows:
        repository, _, revision = workflows.partition("@")
        found.update((gitlab_files if ci == "gitlab" else workflow_files)(repository, revision))
    found[LOCK] = (files("gpuplane.delivery.golden_path") / "starter" / LOCK).read_text(encoding="utf-8")
    found.update({f"schemas/{name}": text for name, text in schema_texts(argument_schemas()).items()})
    return dict(sorted(found.items()))


def package_name(title: str) -> str:
    """Name of the Python package of rules: ``Acme GPU platform`` is ``acme_gpu_platform_rules``."""
    words = "_".join(re.findall(r"[a-z0-9]+", title.lower()))
    return f"{words}_rules" if words and not words[0].isdigit() else "own_rules"


def _text(template: str, values: Mapping[str, str]) -> str:
    text = (files("gpuplane.delivery.golden_path") / "starter" / template).read_text(encoding="utf-8")
    return Template(text).substitute(values)
