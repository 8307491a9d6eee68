"""``gpuplane preview ENV --judge REF``: the program of that ref judges in a process of its own; this side's code is never its judge.

This side's files are data: nothing of it is imported, and what is rendered from it is rendered by the judge's code.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from gpuplane.delivery import preview as previews
from gpuplane.delivery.comparison import check_out, commit_of, git, repository_of
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.judge import bound, file_changes, judge_changes, unjudged
from gpuplane.delivery.preview_report import Judge, PreviewReport
from gpuplane.planning.promotion.applied_gate import Look
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.errors import InvalidSpec
from gpuplane.spec.loader import environment_names, load_environment


def judged_elsewhere(environments: Path, ref: str, arguments: Sequence[str]) -> int:
    """Run ``preview`` with the judge of a ref; its output is this command's output.

    Args:
        environments: folder of the environments, in a git repository.
        ref: commit, branch or tag that judges.
        arguments: of ``preview``, without ``--judge`` and ``--environments``.

    Returns:
        Its exit status.

    Raises:
        CannotStart: no repository, no such ref, or its own program is too old to be a judge.
    """
    top = repository_of(environments, "--judge takes the judge from a commit")
    commit = commit_of(environments, ref)
    with tempfile.TemporaryDirectory(prefix="gpuplane-judge-", ignore_cleanup_errors=True) as folder:
        tree = Path(folder)
        check_out(top, commit, tree)
        command = [sys.executable, "-m", "gpuplane", "preview", *arguments, "--environments", str(environments),
                   "--judged-by", f"{ref}@{commit}={tree / environments.resolve().relative_to(top.resolve())}"]
        return subprocess.run(command, env=_variables(tree, ref), check=False).returncode


def _variables(tree: Path, ref: str) -> dict[str, str]:
    """The child's environment: it finds the judge's program, or the installed one where the ref holds none, and never this side's."""
    variables = {**os.environ, "PYTHONSAFEPATH": "1"}
    if (tree / "gpuplane" / "__init__.py").is_file():
        if not (tree / "gpuplane" / "delivery" / "judge.py").is_file():
            raise CannotStart(f"gpuplane at {ref} is older than --judge, so it cannot judge; name a ref that has it.")
        variables["PYTHONPATH"] = str(tree)
    return variables


def judged(environments: Path, environment: str, judge: str, as_of: date, progress: previews.Progress, looks: Sequence[Look] = (),
           ) -> tuple[EnvironmentSpec, PreviewReport]:
    """The preview of this side's wish with the judge's parameters, facts, limits, exemptions and gates, by the running program.

    Args:
        environments: this side's folder: data.
        environment: name of one.
        judge: ``REF@COMMIT=FOLDER`` of the judge's environments.
        as_of: date that both are judged at.
        progress: called with a line for each step.
        looks: what was seen of the environments, for gates that ask for it.

    Returns:
        The wish as it was judged, and the report.

    Raises:
        InvalidSpec: this side's documents are wrong.
        CannotStart: the judge's are.
    """
    named, _, folder = judge.partition("=")
    ref, _, commit = named.rpartition("@")
    head = load_environment(environments, environment)
    top = repository_of(environments, "--judge takes the judge from a commit")
    findings = [*file_changes(_changed(top, commit), environments.resolve().relative_to(top.resolve()).as_posix(), ref)]
    wish, base = head, None
    if environment in environment_names(Path(folder)):
        try:
            base = load_environment(Path(folder), environment)
        except InvalidSpec as error:
            raise CannotStart(f"{environment} at {ref} cannot be read, so it cannot judge: {error}") from None
        findings += judge_changes(head, base, ref)
        wish = bound(head, base)
    else:
        findings.append(unjudged(environment, ref))
    report = previews.preview(wish, as_of, progress)
    if base is not None and base.environment.spec.promotion is not None:
        from gpuplane.delivery.promotion.judged_gates import Base, gate_findings

        findings += gate_findings(environments, Base(Path(folder), ref, commit, base), wish, report, as_of, tuple(looks), progress)
    found = tuple(sorted({*report.findings, *findings}, key=lambda finding: finding.sort_key))
    return wish, replace(report, findings=found, verdict=previews.verdict_of(found), judge=Judge(ref, commit))


def _changed(top: Path, commit: str) -> list[str]:
    """Files that differ from the commit, those that git does not know included."""
    tracked = git(top, "diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", commit, what=f"difference from {commit}")
    new = git(top, "ls-files", "--others", "--exclude-standard", "-z", what="list of new files")
    return [name for name in f"{tracked}\0{new}".split("\0") if name]
