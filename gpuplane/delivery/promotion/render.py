"""A promotion or rollback as text, and as Markdown for the pull request's body."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from gpuplane.delivery.markdown_text import code, escaped, folded, table
from gpuplane.delivery.promotion.report import MoveReport
from gpuplane.planning.money.month import usd
from gpuplane.planning.promotion.gate import GateResult, State

_SIGNS: dict[State, str] = {"pass": "✓", "fail": "✗", "unknown": "?", "waived": "–"}
_HEADLINES = {"pass": "PASS", "fail": "REFUSED", "unknown": "REFUSED (not known)"}


def render_move_text(report: MoveReport) -> str:
    """For a terminal."""
    lines = [f"{_HEADLINES[report.verdict]}: {report.title}" if report.moves else f"Nothing differs: {report.title}"]
    for move in report.moves:
        lines += ["", f"{move.service}  {_short(move.before)} → {_short(move.after)}  {move.path}",
                  *(f"    {field.path}: {field.here} → {field.there}" for field in move.fields)]
    lines += ["", *(line for gate in report.gates for line in _gate_lines(gate))]
    lines += ["", *(f"{words}: {_usd(before)} → {_usd(after)}" for words, before, after in _months(report))] if report.moves else []
    lines += [f"note: {note}" for note in report.notes]
    if report.branch:
        lines += ["", f"branch {report.branch}, commit {report.commit[:12]}; next: git push -u origin {report.branch}"]
    return "\n".join(lines).replace("\n\n\n", "\n\n").strip() + "\n"


def render_move_markdown(report: MoveReport) -> str:
    """The body of a pull request. Words of other people are shown, never obeyed."""
    lines = [f"**{_HEADLINES[report.verdict]}:** {escaped(report.title)}", ""]
    if report.blocking:
        lines += [*(f"- **{escaped(gate.gate)}** {escaped(_of(gate) + gate.said)}. {escaped(gate.remedy)}"
                    for gate in report.blocking), ""]
    lines += ["### What moves", "", *_moves(report), "", "### Gates", "", *_gates(report), ""]
    lines += ["### Cost of the target in a month", "", *table(("", "before:", "after:"), [
        (words, escaped(_usd(before)), escaped(_usd(after))) for words, before, after in _months(report)]), ""]
    if report.evidence:
        lines += ["### Evidence", "", *(f"- {code(digest)}" for digest in report.evidence), ""]
    lines += [*(f"> {escaped(note)}" for note in report.notes), ""] if report.notes else []
    proofs = [line for gate in report.gates for line in _proof(gate)]
    lines += [*folded("Proofs", proofs), ""] if proofs else []
    lines.append(f"Built on {code(report.base[:12])}; ages are counted to {code(report.now)}. The same again: {code(_command(report))}")
    return "\n".join(lines) + "\n"


def _moves(report: MoveReport) -> list[str]:
    rows = [(code(move.service), code(field.path), escaped(field.here), escaped(field.there))
            for move in report.moves for field in move.fields]
    return table(("service", "field", "before", "after"), rows) if rows else ["Nothing."]


def _gates(report: MoveReport) -> list[str]:
    return table(("", "gate", "service", "found"), [
        (_SIGNS[gate.state], escaped(gate.gate), code(gate.service), escaped(gate.said)) for gate in report.gates])


def _proof(gate: GateResult) -> Iterator[str]:
    if gate.proof is not None:
        inputs = "; ".join(f"{name} = {value}" for name, value in gate.proof.inputs)
        sources = f" ({', '.join(gate.proof.sources)})" if gate.proof.sources else ""
        yield (f"- {escaped(_of(gate) + gate.proof.claim)}: {code(gate.proof.formula)}; {escaped(inputs)}; "
               f"{escaped(f'{gate.proof.result} {gate.proof.unit}{sources}')}")


def _gate_lines(gate: GateResult) -> Iterator[str]:
    yield f"{_SIGNS[gate.state]} {gate.gate:<12} {_of(gate)}{gate.said}"
    if gate.blocks and gate.remedy:
        yield f"{'':<15}{gate.remedy}"


def _of(gate: GateResult) -> str:
    return f"{gate.service}: " if gate.service else ""


def _months(report: MoveReport) -> Iterator[tuple[str, Decimal | None, Decimal | None]]:
    before, after = report.cost_before, report.cost_after
    yield "minimum", before.minimum_usd_per_month, after.minimum_usd_per_month
    yield "expected", before.expected_usd_per_month, after.expected_usd_per_month
    yield "worst case", before.worst_case_usd_per_month, after.worst_case_usd_per_month


def _usd(amount: Decimal | None) -> str:
    return "not known" if amount is None else usd(amount)


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]


def _command(report: MoveReport) -> str:
    one = f" --service {report.moves[0].service}" if len(report.moves) == 1 else ""
    if report.action == "promote":
        return f"gpuplane promote --from {report.source} --to {report.target}{one} --onto {report.base[:12]} --now {report.now} --dry-run"
    return f"gpuplane rollback {report.target} --onto {report.base[:12]} --dry-run"
