"""A rehearsal as Markdown, for a comment or a job's summary."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.delivery.markdown_text import escaped
from gpuplane.delivery.rehearsal.rehearsal import Rehearsal
from gpuplane.delivery.rehearsal.render_text import LIMITS, MARKS, headline


def to_markdown(found: Rehearsal) -> str:
    """The answer, the disagreements, and all claims folded away."""
    return "\n".join([f"### {'✓' if found.agrees else '✗'} Rehearsal of {escaped(headline(found))}", "", *_wrong(found), *_claims(found),
                      *_left_out(found)]) + "\n"


def _wrong(found: Rehearsal) -> Iterator[str]:
    if found.unfinished:
        yield f"**Not finished:** {escaped(found.unfinished)}\n"
    for claim in found.disagreements:
        yield (f"- **{escaped(claim.scenario)}: {escaped(claim.subject)}**, {escaped(claim.claim)}: the plan says "
               f"*{escaped(claim.planned)}* ({escaped(claim.proof)}), observed *{escaped(claim.observed)}*. {escaped(claim.why)}")
    yield from (f"- **refused by the API server:** {escaped(one.name)}: {escaped(one.why)}" for one in found.refused)
    yield ""


def _claims(found: Rehearsal) -> Iterator[str]:
    yield "<details><summary>Plan and observation side by side</summary>\n"
    yield "| | scenario | what | claim | the plan says | observed |\n|---|---|---|---|---|---|"
    for claim in found.claims:
        seen = claim.observed if claim.verdict != "not rehearsed" else f"not rehearsed: {claim.why}"
        cells = (MARKS[claim.verdict], claim.scenario, claim.subject, claim.claim, claim.planned, seen)
        yield f"| {' | '.join(escaped(cell) for cell in cells)} |"
    yield "\n</details>\n"


def _left_out(found: Rehearsal) -> Iterator[str]:
    if found.left_out:
        yield "<details><summary>Left out</summary>\n"
        for why in dict.fromkeys(one.why for one in found.left_out):
            yield f"- {escaped(why)}: {escaped(', '.join(one.what for one in found.left_out if one.why == why))}"
        yield "\n</details>\n"
    yield LIMITS
