"""What promotions and rollbacks say of themselves at the end of their commits, so that git's history tells where a release came from."""

from __future__ import annotations

from gpuplane.delivery.promotion.report import Move, MoveReport
from gpuplane.delivery.promotion.repository import Commit, Repository

PROMOTION, ROLLBACK, EVIDENCE, VERDICT = "Gpuplane-Promotion", "Gpuplane-Rollback", "Gpuplane-Evidence", "Gpuplane-Verdict"


def trailers(report: MoveReport) -> tuple[tuple[str, str], ...]:
    """Key and value of each line."""
    key = PROMOTION if report.action == "promote" else ROLLBACK
    word = "from" if report.action == "promote" else "of"
    lines = [(key, f"{move.service} {move.before} to {move.after} {word} {report.source}@{move.of}") for move in report.moves]
    return (*lines, *((EVIDENCE, digest) for digest in report.evidence), (VERDICT, f"{report.verdict} as of {report.now}"))


def rolled_back_by(repository: Repository, commit: str, move: Move) -> Commit | None:
    """The newest commit that rolled back, in the same file, the release that would move."""
    meant = f"{move.service} {move.after} to "
    return next((each for each in repository.changes(commit, move.path)
                 if any(value.startswith(meant) for value in each.trailer(ROLLBACK))), None)
