"""Tenants in whose resources nothing was found that must not stand there literally: their texts are not read again while they are the same.

What the rules about literals find in a text follows from the text, their code and their detectors. A tenant's resources follow from its
render's digest (:mod:`gpuplane.delivery.own_inputs`), so the same digest has the same texts. Only previews read this, as they read rendered
tenants (docs/adr/0034).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Final

from gpuplane.delivery.own_inputs import program_digest
from gpuplane.delivery.tenant_renders import TenantRenders, Views
from gpuplane.delivery.whole_file import write_whole
from gpuplane.graph.resource_view import ResourceView
from gpuplane.policies.finding import Finding
from gpuplane.policies.literal_rule import LiteralRule
from gpuplane.policies.registry import all_rules
from gpuplane.spec.policies import Policies

_DETECTORS: Final = ("detect-secrets", "python-stdnum")
_SHIPPED: Final = "gpuplane.policies.rules."
_MOST: Final = 20_000
"""Tenants that are known; of more, those of this run."""
_MOST_FILES: Final = 4


class CleanTenants:
    """Digests of such tenants in a folder: one file for each state of the program, one digest a line. What is damaged matches nothing.

    Args:
        folder: where they lie; it need not be there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: frozenset[str] = frozenset()

    def silent(self, renders: TenantRenders, parameters: Policies) -> frozenset[int]:
        """Identities of properties of resources that hold nothing; none where a rule of a user's own, or a language model, looks too."""
        if not _follows_from_texts(parameters):
            return frozenset()
        with suppress(OSError, ValueError):
            self._known = frozenset(self._file().read_text(encoding="ascii").split())
        return frozenset(id(view.props) for digest, views in renders.latest.items() if digest in self._known for view in _own(views))

    def learn(self, renders: TenantRenders, judged: Views, parameters: Policies, findings: Iterable[Finding]) -> None:
        """Remember tenants all of whose resources were judged, and of which these findings, waived ones too, say nothing."""
        if not _follows_from_texts(parameters):
            return
        rules = {rule.id for rule in all_rules() if isinstance(rule, LiteralRule)}
        found, there = {finding.urn for finding in findings if finding.rule in rules}, {id(view.props) for view in judged}
        clean = frozenset(digest for digest, views in renders.latest.items()
                          if all(id(view.props) in there and view.urn not in found for view in _own(views)))
        if "" not in found and not clean <= self._known:  # a finding about nothing: the rule broke
            self._write(clean | self._known if len(clean | self._known) <= _MOST else clean)

    def _file(self) -> Path:
        parts = (program_digest(), *(version(name) for name in _DETECTORS))
        return self._folder / hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def _write(self, digests: frozenset[str]) -> None:
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(self._file(), "\n".join(sorted(digests)), 0o600)
            for file in sorted(self._folder.iterdir(), key=lambda file: file.stat().st_mtime_ns, reverse=True)[_MOST_FILES:]:
                file.unlink(missing_ok=True)


def _own(views: Views) -> Iterator[ResourceView]:
    """Without providers and the stack, of which every tenant's render has a copy, and what is judged has one."""
    return (view for view in views if not view.type.startswith("pulumi:"))


def _follows_from_texts(parameters: Policies) -> bool:
    """Whether what is found follows from a text and the program alone."""
    return parameters.language_model is None and all(
        type(rule).__module__.startswith(_SHIPPED) for rule in all_rules() if isinstance(rule, LiteralRule))
