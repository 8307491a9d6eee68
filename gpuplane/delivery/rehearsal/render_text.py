"""A rehearsal for a terminal: the answer, then plan and observation side by side, scenario after scenario."""

from __future__ import annotations

import io
from collections.abc import Iterator

from gpuplane.delivery.rehearsal.claim import Claim
from gpuplane.delivery.rehearsal.rehearsal import Rehearsal
from gpuplane.delivery.wording import plural, printable

LIMITS = "Containers, networks and times are fake: what a pod does, and how long images and weights take to load, is not rehearsed."
MARKS = {"agree": "✓", "disagree": "✗", "not rehearsed": "–"}


def headline(found: Rehearsal) -> str:
    """The answer in one sentence."""
    agreed = sum(claim.verdict == "agree" for claim in found.claims)
    open_ones = sum(claim.verdict == "not rehearsed" for claim in found.claims)
    words = [plural(len(found.disagreements), "disagreement") if found.disagreements else "",
             f"{plural(len(found.refused), 'object')} refused" if found.refused else "", "not finished" if found.unfinished else ""]
    good = "nothing could be rehearsed" if not agreed else "agrees with its plan" + (", as far as it was rehearsed" if open_ones else "")
    answer = ", ".join(word for word in words if word) or good
    counts = f"{agreed} of {len(found.claims)} claims agree, {open_ones} not rehearsed"
    return f"{found.environment}: {answer} ({counts}) in {found.seconds:.0f} s"


def to_text(found: Rehearsal, width: int = 160) -> str:
    """The whole report."""
    return "\n".join([headline(found), "", *_controllers(found), *_wrong(found), *_scenarios(found, width), *_left_out(found)]) + "\n"


def _controllers(found: Rehearsal) -> Iterator[str]:
    there = [name for name, is_there in found.controllers.items() if is_there]
    missing = [name for name, is_there in found.controllers.items() if not is_there]
    yield f"On {found.control_plane}, with {' and '.join(there) or 'no controllers'}; {found.applied} objects by server-side apply."
    if missing:
        yield f"Not rehearsed: no {' and no '.join(missing)} here."
    if found.unfinished:
        yield f"Not finished: {printable(found.unfinished)}"
    yield ""


def _wrong(found: Rehearsal) -> Iterator[str]:
    for claim in found.disagreements:
        yield f"✗ {claim.scenario}: {printable(claim.subject)}, {claim.claim}"
        yield f"    the plan says  {printable(claim.planned)}   ({claim.proof})"
        yield f"    observed       {printable(claim.observed)}"
        if claim.why:
            yield f"    so             {printable(claim.why)}"
    yield from (f"✗ refused by the API server: {printable(one.name)}: {printable(one.why)}" for one in found.refused)
    if found.disagreements or found.refused:
        yield ""


def _scenarios(found: Rehearsal, width: int) -> Iterator[str]:
    for scenario in dict.fromkeys(claim.scenario for claim in found.claims):
        seconds = sum(step.ended_seconds - step.began_seconds for step in found.steps if step.scenario == scenario)
        yield f"{scenario} ({seconds:.0f} s)"
        yield from _table([claim for claim in found.claims if claim.scenario == scenario], width)
        yield ""


def _table(claims: list[Claim], width: int) -> list[str]:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("", "what", "claim", "the plan says", "observed"):
        table.add_column(title, overflow="fold")
    for claim in claims:
        seen = claim.observed if claim.verdict != "not rehearsed" else f"{claim.observed} (not rehearsed: {claim.why})".lstrip()
        table.add_row(f"  {MARKS[claim.verdict]}", printable(claim.subject), claim.claim, printable(claim.planned), printable(seen))
    text = io.StringIO()
    Console(file=text, width=width, no_color=True, highlight=False, markup=False, emoji=False).print(table)
    return [line.rstrip() for line in text.getvalue().splitlines()]


def _left_out(found: Rehearsal) -> Iterator[str]:
    if found.left_out:
        yield "Left out:"
    for why in dict.fromkeys(one.why for one in found.left_out):
        yield f"  {why}: {', '.join(one.what for one in found.left_out if one.why == why)}"
    yield LIMITS
