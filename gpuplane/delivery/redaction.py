"""Nothing that gpuplane prints or writes holds a secret, whichever rule, proof or error would have shown it.

What PII-13 knows for a secret in the inputs is replaced wherever it stands in an output, and so is whatever has a secret's form.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from gpuplane.delivery.markdown_text import escaped
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.secret_literals import secret, spans
from gpuplane.graph.text_leaves import Leaf, leaves, texts
from gpuplane.spec.yaml_source import MANIFEST_LIMITS, read_documents

REDACTED: Final = "[secret]"
"""Stands wherever a value is secret, in the planned graph and in what is printed."""
SECRETS: Final = "PII-13"
"""Id of the rule that finds secrets."""
_SHORTEST: Final = 6
"""Characters that a text has at least to be looked for in outputs: a shorter one would be found in ordinary words."""
_MARKS: Final = re.compile(r"\u200b|\\(?=[_*`~|#\[\]\\])")
"""What :func:`gpuplane.delivery.markdown_text.escaped` puts into words of other people."""
_SHOWN: Final = 70
"""Characters of a long value that an error message may show."""


@dataclass(frozen=True)
class Redaction:
    """Secrets of some inputs, and how to keep them out of a text.

    Attributes:
        values: the secrets themselves; never shown, and no part of what two redactions have in common.
    """

    values: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"Redaction of {len(self.values)}"

    def text(self, text: str) -> str:
        """A text without secrets."""
        if self._known is not None:
            text = self._known.sub(REDACTED, text)
        for value in sorted(spans(text), key=len, reverse=True):
            text = text.replace(value, REDACTED)
        return _unmarked(text)

    @cached_property
    def _known(self) -> re.Pattern[str] | None:
        ways = sorted({way for value in self.values for way in _ways(value)}, key=lambda way: (-len(way), way))
        return re.compile("|".join(map(re.escape, ways))) if ways else None


NO_SECRETS: Final = Redaction()
"""Where no secret of the inputs is known: what has a secret's form is hidden all the same."""


def redaction_of(views: Iterable[ResourceView]) -> Redaction:
    """What must not be shown of these objects."""
    return Redaction(frozenset(value for view in views for leaf in leaves(view) for value in _values(leaf)))


def redaction_of_files(files: Iterable[str]) -> Redaction:
    """What must not be shown of these YAML files, as far as they can be read; for errors, which come before there is anything else."""
    found: set[str] = set()
    for name in sorted(set(files)):
        documents, _ = read_documents(Path(name), name, MANIFEST_LIMITS)
        found |= {value for document in documents for leaf in texts(document.value) for value in _values(leaf)}
    return Redaction(frozenset(found))


def sealed(view: ResourceView, redaction: Redaction) -> ResourceView:
    """The object with its secrets taken out, so that no manifest is written that holds one, and none that lacks it unseen."""
    return replace(view, props=_sealed(view.props, redaction)) if redaction.values else view


def _sealed(value: Any, redaction: Redaction) -> Any:
    if isinstance(value, str):
        return redaction.text(value)
    if isinstance(value, dict):
        return {key: _sealed(item, redaction) for key, item in value.items()}
    return [_sealed(item, redaction) for item in value] if isinstance(value, (list, tuple)) else value


def _values(leaf: Leaf) -> Iterator[str]:
    if any(True for _ in secret(leaf)):
        formed = spans(leaf.text)
        yield from formed or (leaf.text.strip(),)


def _unmarked(text: str) -> str:
    """A text without the secrets that Markdown's marks stand in: ``ghp\\_…`` is read as ``ghp_…``, and so are links that are none."""
    plain = _MARKS.sub("", text)
    for value in sorted(spans(plain), key=len, reverse=True) if plain != text else ():
        text = re.sub("[\\\\\u200b]?".join(map(re.escape, value)), REDACTED, text)
    return text


def _ways(value: str) -> Iterator[str]:
    """A secret as outputs may write it: as it is, escaped, in base64, by its lines, cut off."""
    for text in (value, *(line.strip() for line in value.splitlines())):
        if len(text) >= _SHORTEST:
            yield text
            yield json.dumps(text)[1:-1]
            yield json.dumps(text, ensure_ascii=False)[1:-1]
            yield html.escape(text)
            yield escaped(text)
            yield base64.b64encode(text.encode()).decode()
            if len(text) > _SHOWN:
                yield json.dumps(text, ensure_ascii=False)[1:_SHOWN]
