"""The sections of a pull request's comment, each as lines of Markdown; a section that has nothing to say is empty."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Sequence
from datetime import date

from gpuplane.delivery.change_summary import SYMBOLS
from gpuplane.delivery.changes import ACTIONS
from gpuplane.delivery.markdown_text import code, code_cell, escaped, folded, table
from gpuplane.delivery.pull_request.impact import services_of
from gpuplane.delivery.pull_request.losses import OTHER
from gpuplane.delivery.pull_request.preview_file import EdgeRow, PreviewFile
from gpuplane.delivery.pull_request.words import (
    down_text,
    month_change,
    month_text,
    quota_text,
    restart_counts,
    services_text,
    surge_text,
)
from gpuplane.delivery.wording import plural, usd
from gpuplane.policies.finding import Finding
from gpuplane.spec.errors import listed

EXPIRES_SOON_DAYS = 14
"""An exemption that ends within so many days is named."""
_MOST_CAUSES = 3
_COMMIT = re.compile(r"[0-9a-f]{12}")
_UNTIL = re.compile(r"\(until (\d{4}-\d{2}-\d{2})\b")

__all__ = ["Most", "components", "expiring", "in_the_way", "isolation", "judge", "losses", "reproduce", "services", "summary", "table",
           "tenants"]


class Most:
    """How many rows a table may have, and whether any had more."""

    def __init__(self, rows: int) -> None:
        self.rows, self.cut = rows, False

    def of(self, rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
        """The first rows."""
        self.cut = self.cut or len(rows) > self.rows
        return list(rows[:self.rows])


def _table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]], most: Most) -> list[str]:
    shown = most.of(rows)
    more = ["", f"… and {len(rows) - len(shown)} more."] if len(rows) > len(shown) else []
    return [*(table(headings, shown) if shown else []), *more]


def summary(preview: PreviewFile) -> str:
    """Who is affected, and what it costs, in two lines."""
    names = [each.tenant or "the platform" for each in preview.impact.tenants] if preview.impact is not None else []
    note = escaped(preview.comparison.note) if preview.comparison is not None and preview.comparison.note else ""
    affected = listed(map(escaped, names)) or "nobody"
    who = note or (f"**Affected:** {affected}; services: {escaped(restart_counts(preview))}." if preview.impact is not None
                   else "Not compared with another ref.")
    return (f"- {who}\n- **USD a month**, minimum / expected / worst case: {escaped(month_change(preview))}; "
            f"budget {usd(preview.plan.budget_usd_per_month)}.")


def in_the_way(preview: PreviewFile, most: Most) -> list[str]:
    """Findings that stop an apply; never folded."""
    rows = [(f"{escaped(each.rule)} {escaped(each.severity)}{' (unknown before apply)' if each.verdict == 'unknown' else ''}",
             escaped(each.tenant) or "the platform", code_cell(_place(each)), escaped(each.message), escaped(each.remedy))
            for each in preview.in_the_way]
    if not rows:
        return []
    return [f"#### ⛔ {plural(len(rows), 'finding')} in the way", "", *_table(("rule", "who", "where", "what", "what to do"), rows, most)]


def losses(preview: PreviewFile, most: Most) -> list[str]:
    """What goes or is made anew; never folded."""
    found = [(tenant.tenant, each) for tenant in (preview.impact.tenants if preview.impact is not None else ()) for each in tenant.losses]
    rows = [(f"**{each.action}**{' (protected)' if each.protected else ''}", escaped(tenant) or "the platform",
             code_cell(f"{each.kind} {f'{each.namespace}/' if each.namespace else ''}{each.name}"),
             escaped(each.lost), escaped(each.reason)) for tenant, each in found]
    if not rows:
        return []
    gone = sum(each.action == "delete" for _, each in found)
    title = f"#### 🗑️ {gone} deleted, {len(rows) - gone} replaced"
    headings = ("", "who", "what", "what is lost", "why")
    plain = [row for row, (_, each) in zip(rows, found, strict=True) if each.lost == OTHER and not each.protected]
    rows = [row for row in rows if row not in plain]
    return [title, "", *_table(headings, rows, most),
            *(["", *folded(f"{len(plain)} more of which nothing but the object is lost", _table(headings, plain, most))] if plain else [])]


def tenants(preview: PreviewFile, most: Most) -> list[str]:
    """Who is affected: GPUs and month before and after."""
    if preview.impact is None:
        return []
    rows = []
    for each in preview.impact.tenants:
        quotas = "; ".join(quota_text(row) for row in each.quotas) or ("" if not each.tenant else "as before")
        months = month_text(each.before, each.after) if each.tenant else ("", "", "")
        counts = " ".join(f"{SYMBOLS[action]}{each.objects[action]}" for action in ACTIONS if each.objects.get(action))
        rows.append((escaped(each.tenant) or "the platform", services_text(each.services), escaped(quotas), *map(escaped, months),
                     code_cell(counts)))
    if not rows:
        return []
    headings = ("who", "services and minutes down", "GPUs", "USD, minimum:", "expected:", "worst case:", "objects")
    return [f"#### {plural(len(rows), 'part')} affected", "", *_table(headings, rows, most)]


def services(preview: PreviewFile, most: Most) -> list[str]:
    """Whose pods are made anew: for how long, on which GPUs, and why."""
    found = sorted(services_of(preview.impact), key=lambda each: (not each.down, each.name)) if preview.impact is not None else []
    rows = []
    for each in found:
        causes = [code_cell(cause) for cause in each.causes[:_MOST_CAUSES]]
        more = [f"{len(each.causes) - _MOST_CAUSES} more"] if len(each.causes) > _MOST_CAUSES else []
        rows.append((code_cell(each.name), {"update": "restarts"}.get(each.action, each.action), down_text(each), surge_text(each),
                     ", ".join([*causes, *more])))
    if not rows:
        return []
    lines = _table(("service", "", "minutes down", "GPUs for the rollout", "because of"), rows, most)
    return folded(f"{plural(len(rows), 'service')}: restarts and minutes down", lines)


def isolation(preview: PreviewFile, most: Most) -> list[str]:
    """Paths between parties that are new or gone; new ones that nobody declared are never folded."""
    paths = preview.comparison.isolation if preview.comparison is not None else None
    if paths is None or not (paths.added or paths.removed):
        return []
    open_rows = [_path("**new**", each) for each in paths.added if each.refused]
    rows = [_path("new", each) for each in paths.added if not each.refused] + [_path("gone", each) for each in paths.removed]
    headings = ("", "from", "to", "by", "what", "why it may be")
    lines = []
    if open_rows:
        lines = [f"#### 🔓 {plural(len(open_rows), 'new path')} that nobody declared", "", *_table(headings, open_rows, most), ""]
    title = f"Who reaches whom: {plural(len(paths.added), 'path')} added, {len(paths.removed)} removed"
    return [*lines, *(folded(title, _table(headings, rows, most)) if rows else [])]


def _path(word: str, edge: EdgeRow) -> tuple[str, ...]:
    why = edge.allowed or ("nobody declared it" if edge.certain else "nobody declared it; only apply knows whether it is there")
    return word, escaped(edge.source.name), escaped(edge.target.name), escaped(edge.medium), escaped(edge.sentence), escaped(why)


def expiring(preview: PreviewFile, most: Most) -> list[str]:
    """Exemptions that end within :data:`EXPIRES_SOON_DAYS`: what they waive will then be in the way."""
    rows = []
    for each in preview.findings:
        until = _until(each.waived)
        if until is not None and (until - preview.as_of).days <= EXPIRES_SOON_DAYS:
            rows.append((until.isoformat(), escaped(each.rule), code_cell(f"{each.kind} {each.name}".strip()), escaped(each.waived)))
    if not rows:
        return []
    return [f"#### ⏳ {plural(len(rows), 'exemption')} about to end", "", *_table(("last day", "rule", "for", "why"), sorted(rows), most)]


def _until(waived: str) -> date | None:
    found = _UNTIL.findall(waived)
    try:
        return date.fromisoformat(found[-1]) if found else None
    except ValueError:
        return None


def judge(preview: PreviewFile, most: Most) -> list[str]:
    """Who judged, and what the change does to its judge."""
    if preview.judge is None:
        return ["Judged by this branch's own rules and limits: informative. What binds is judged by the base branch's."]
    changes = [(escaped(each),) for each in preview.judge.changes]
    line = f"Judged by the rules, budgets and exemptions of {code(preview.judge.ref)} ({code(preview.judge.commit[:12])})."
    if not changes:
        return [line]
    title = f"{plural(len(changes), 'change')} to the judge, which counted for nothing"
    return [line, "", *folded(title, _table(("what",), changes, most))]


def components(preview: PreviewFile, most: Most) -> list[str]:
    """How many objects of each component are created, updated, replaced and deleted."""
    counted: dict[str, Counter[str]] = {}
    for change in preview.changes or ():
        counted.setdefault(component_of(change.urn), Counter())[change.action] += 1
    rows = [(code_cell(name), *(str(counts[action] or "") for action in ACTIONS)) for name, counts in sorted(counted.items())]
    if not rows:
        return []
    total = sum(sum(counts.values()) for counts in counted.values())
    return folded(f"{plural(total, 'object')} by component", _table(("component", *(f"{action}:" for action in ACTIONS)), rows, most))


def component_of(urn: str) -> str:
    """``Tenant / TenantQueue`` of an object below these components; its own type where no component made it."""
    parts = urn.split("::")
    types = parts[2].split("$") if len(parts) > 2 else [urn]
    named = [name.rpartition(":")[2] for name in types[:-1] if name.startswith("gpuplane:")]
    return " / ".join(named) or types[-1].rpartition(":")[2]


def reproduce(preview: PreviewFile, command: str) -> list[str]:
    """How to see the same on one's own machine."""
    commit = preview.comparison.commit[:12] if preview.comparison is not None else ""
    ref = commit if _COMMIT.fullmatch(commit) else "origin/main"
    line = command.replace("{environment}", shlex.quote(preview.environment)).replace("{ref}", ref)
    return folded("See it on your machine", [code(f"{line} --as-of {preview.as_of.isoformat()}")])


def _place(finding: Finding) -> str:
    return f"{finding.file}:{finding.line}" if finding.line else finding.file
