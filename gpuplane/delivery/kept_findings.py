"""What rules said of tenants that are what they were, kept for the next preview: such a rule is asked again about the others alone.

Kept is what rules say that look at no other tenant (``Rule.sight``): it follows from a tenant's resources, which follow from its render's
digest (:mod:`gpuplane.delivery.own_inputs`), from the resources of no tenant, the day and the program, which the file is named after.
Rules that look at outlines are asked about all tenants, as others see those that are known; a user's own, about everything. Only
previews read this, as they read rendered tenants (docs/adr/0041, 0042).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import date
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Protocol

from gpuplane.delivery.own_inputs import program_digest
from gpuplane.delivery.packed_views import Views, as_text
from gpuplane.delivery.whole_file import keep_among_few
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView
from gpuplane.policies.finding import Finding, Verdict
from gpuplane.policies.literal_rule import LiteralRule
from gpuplane.policies.registry import one_by_one
from gpuplane.policies.rule import Rule

_DETECTORS: Final = ("detect-secrets", "python-stdnum")
_SHIPPED: Final = "gpuplane.policies.rules."
_MOST: Final = 20_000
"""Tenants that are known; of more, those of this run."""
_MOST_FILES: Final = 8


class KeptFindings:
    """Findings of tenants in a folder: one JSON file for each state of what they all follow from. What is damaged is as good as none.

    Args:
        folder: where they lie; it need not be there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, owners: Mapping[str, str], tenants: Collection[str], rest: Views, as_of: date) -> TenantFindings:
        """Those of some tenants.

        Args:
            owners: digest of the render of the tenant that a resource is of, by the resource's URN.
            tenants: digests of all.
            rest: every resource that is no tenant's.
            as_of: the day it is judged at.
        """
        found = TenantFindings(owners, tenants, rest, as_of)
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            found.read((self._folder / found.key).read_text(encoding="utf-8"))
        return found

    def put(self, found: TenantFindings) -> None:
        """Keep what there is; the oldest go where there are many."""
        if not found.news:
            return
        with suppress(OSError):
            keep_among_few(self._folder / found.key, found.text(), _MOST_FILES)


class Shown(Protocol):
    """What rules are shown: an environment, more and less of it."""

    @property
    def whole(self) -> PlannedGraph:
        """Every resource."""

    @property
    def wide(self) -> PlannedGraph:
        """Every resource, but of tenants of which all is known as others see them."""

    @property
    def near(self) -> PlannedGraph:
        """Every resource but those of tenants of which all is known."""

    def view(self, urn: str) -> ResourceView:
        """A resource that somebody found something about."""


class TenantFindings:
    """What is known of tenants, and the rules asked about the others.

    Args:
        owners, tenants, rest, as_of: as of :meth:`KeptFindings.of`.

    Attributes:
        news: whether there is something to keep that was not read.
    """

    def __init__(self, owners: Mapping[str, str], tenants: Collection[str], rest: Views, as_of: date) -> None:
        self._owner, self._tenants, self._rest, self._as_of = owners, frozenset(tenants), rest, as_of
        self._known: dict[str, Sequence[Finding]] = {}
        """By the digest of the tenant's render, without the place in a file."""
        self._loud: frozenset[str] = frozenset()
        """Rules that said something of what is no tenant's."""
        self.news = False

    @cached_property
    def key(self) -> str:
        """Digest of all that findings follow from beside the tenant's own resources."""
        parts = (program_digest(), *(version(name) for name in _DETECTORS), self._as_of.isoformat(), as_text(self._rest))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def read(self, text: str) -> None:
        """Take what was kept.

        Raises:
            ValueError, TypeError, KeyError, AttributeError: it is something else; then nothing is taken.
        """
        kept = json.loads(text)
        known: dict[str, Sequence[Finding]] = {
            str(digest): tuple(_finding(row) for row in rows) for digest, rows in kept["tenants"].items()}
        if any(self._owner.get(each.urn) != digest for digest in self._tenants & known.keys() for each in known[digest]):
            raise ValueError("a finding of something else")
        self._loud = frozenset(map(str, kept["loud"]))
        self._known = known

    def text(self) -> str:
        """What is to be kept, as JSON."""
        rows = self._known if len(self._known) <= _MOST else {digest: self._known[digest] for digest in self._tenants & self._known.keys()}
        plain = {digest: [asdict(each) for each in rows[digest]] for digest in sorted(rows)}
        return json.dumps({"loud": sorted(self._loud), "tenants": plain}, ensure_ascii=False)

    @cached_property
    def known(self) -> Collection[str]:
        """Digests of tenants of which everything is known; one of them is asked about all the same where they are all that there are.

        What is of no tenant, such as an alert of the platform, may look for something that every tenant has.
        """
        found = self._tenants & self._known.keys()
        return found if len(found) < len(self._tenants) else found - {min(found, default="")}

    def owner(self, urn: str) -> str | None:
        """Digest of the tenant that a resource is of."""
        return self._owner.get(urn)

    @property
    def named(self) -> Collection[str]:
        """URNs of resources that something is known of."""
        return [each.urn for digest in self.known for each in self._known[digest]]

    def judged(self, rules: Sequence[Rule], shown: Shown) -> list[Sequence[Finding]]:
        """The findings of each rule, as if it had been asked about everything; those that are kept come last."""
        return [self._of(rule, shown) for rule in rules]

    def _of(self, rule: Rule, shown: Shown) -> Sequence[Finding]:
        if rule.sight == "everything" or rule.id in self._loud or not _shipped(rule, shown.near):
            return one_by_one([rule], shown.whole)[0]
        if rule.sight == "outlines":
            return _all_placed(one_by_one([rule], shown.wide)[0], shown)
        found = _all_placed(one_by_one([rule], shown.near)[0], shown)
        if any(each.urn not in self._owner for each in found):  # with all tenants it may say something else of what is no tenant's
            return one_by_one([rule], shown.whole)[0]
        return [*found, *(_placed(each, shown.view(each.urn)) for each in self._kept.get(rule.id, ()))]

    @cached_property
    def _kept(self) -> Mapping[str, Sequence[Finding]]:
        """By rule."""
        found: dict[str, list[Finding]] = {}
        for digest in sorted(self.known):
            for each in self._known[digest]:
                found.setdefault(each.rule, []).append(each)
        return found

    def learn(self, rules: Sequence[Rule], found: Sequence[Sequence[Finding]], shown: Shown,
              left_out: Collection[str] = ()) -> None:
        """Remember what each rule says of tenants that are new; nothing of one whose literals must not stand there, nor if a rule broke.

        Args:
            rules, found: all that were asked, and what each says.
            shown: what they were asked about.
            left_out: digests of tenants of which nothing is to be remembered.
        """
        if shown.near.parameters.language_model is not None or any(not each.urn for findings in found for each in findings):
            return
        rows: dict[str, list[Finding]] = {digest: [] for digest in self._tenants if digest not in self._known}
        left = set(left_out)
        loud: set[str] = set()
        for rule, findings in zip(rules, found, strict=True):
            for each in findings if rule.sight == "tenant" and _shipped(rule, shown.near) else ():
                owner = self._owner.get(each.urn)
                if owner is None:
                    loud.add(rule.id)
                elif owner in self._known:
                    continue
                elif isinstance(rule, LiteralRule) or _placed(each, shown.view(each.urn)) != each:
                    left.add(owner)
                else:
                    rows[owner].append(replace(each, file="", line=0))
        known = {digest: tuple(each) for digest, each in rows.items() if digest not in left}
        if known or loud != self._loud:
            self._known, self._loud, self.news = {**self._known, **known}, frozenset(loud), True


def owners_of(tenants: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """The tenant that each resource is of; without what several have.

    Args:
        tenants: URNs of each one's resources.
    """
    found: dict[str, str] = {}
    shared: set[str] = set()
    for tenant, urns in tenants.items():
        for urn in urns:
            if found.setdefault(urn, tenant) is not tenant:
                shared.add(urn)
    return {urn: tenant for urn, tenant in found.items() if urn not in shared} if shared else found


def _placed(finding: Finding, view: ResourceView) -> Finding:
    return replace(finding, file=view.file, line=view.line)


def _all_placed(findings: Sequence[Finding], shown: Shown) -> Sequence[Finding]:
    """Findings with the place of what they are about, where they do not say one."""
    return [_placed(each, shown.view(each.urn)) if each.urn and not each.file else each for each in findings]


def _shipped(rule: Rule, graph: PlannedGraph) -> bool:
    """Whether a rule's word about what it looks at counts: what a language model reads in a text does not follow from the program alone."""
    return type(rule).__module__.startswith(_SHIPPED) and graph.parameters.language_model is None


def _finding(row: Mapping[str, Any]) -> Finding:
    return Finding(**{**row, "verdict": Verdict(row["verdict"])})
