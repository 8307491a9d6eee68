"""What is recorded: an event, and the record that an event becomes in the chain.

A record is one line of canonical JSON: keys sorted, no spaces, UTF-8. Its hash is the SHA-256 of that line without the member ``hash``, and
each record names the hash of the one before, so that no record can be changed, taken out or moved without all after it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias, cast, get_args

from gpuplane.delivery.audit.identity import Who
from gpuplane.delivery.file_digests import digest
from gpuplane.delivery.redaction import NO_SECRETS, Redaction

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"

Kind = Literal["plan", "verdict", "approval", "apply", "destroy", "promotion", "rollback", "exemption", "break-glass", "drift", "adopt",
               "bootstrap", "restore"]
"""What can happen."""
KINDS: Final[tuple[str, ...]] = get_args(Kind)
SCHEMA_VERSION: Final = 1
"""Version of a record; a member that goes or changes its meaning raises it."""
MOST_BYTES: Final = 1_000_000
"""What one record may have; a longer ``detail`` is replaced by its digest."""
_TIME = re.compile(r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z")
_DIGEST = re.compile(r"[a-z][a-z0-9.+-]{0,19}:[0-9a-f]{32,128}")


@dataclass(frozen=True)
class AuditEvent:
    """One thing that happened.

    Attributes:
        kind: one of :data:`KINDS`.
        environment: name of the environment; each has a chain of its own.
        subject: what it was about: ``TENANT``, ``TENANT/SERVICE``, the name of a stack or of a rule; empty: the environment as a whole.
        result: one or two words, e.g. ``pass``, ``refused``, ``started``, ``done``, ``failed``.
        digests: what was judged or applied, by role: ``{"commit": "git:<40 hex>", "graph": "sha256:<64 hex>"}``.
        detail: anything else that is JSON; ``{"tenants": [names]}`` makes the event one of theirs too. Secrets are taken out.

    Raises:
        ValueError: a kind or digest of no known form.
    """

    kind: Kind
    environment: str
    subject: str
    result: str
    digests: Mapping[str, str] = field(default_factory=dict)
    detail: Mapping[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r}; allowed: {', '.join(KINDS)}")
        wrong = sorted(f"{name}: {digest!r}" for name, digest in self.digests.items() if not _DIGEST.fullmatch(digest))
        if wrong:
            raise ValueError(f"no digests: {', '.join(wrong)}; allowed: ALGORITHM:HEX, e.g. sha256:9f2c… or git:4b5a…")


@dataclass(frozen=True)
class Record:
    """An event in its chain.

    Attributes:
        sequence: place in the chain of its environment, from 1.
        previous: hash of the record before; empty for the first.
        at: when, in UTC, to the millisecond (RFC 3339).
        hash: of this record, ``sha256:HEX``.
    """

    sequence: int
    previous: str
    at: str
    kind: str
    environment: str
    subject: str
    result: str
    digests: Mapping[str, str]
    detail: Mapping[str, Any]
    who: Who
    hash: str = ""

    @property
    def line(self) -> str:
        """The record as it is stored, with its line end."""
        return canonical(self.value()) + "\n"

    def value(self) -> dict[str, Any]:
        """The record as JSON knows it."""
        members = {name.name: getattr(self, name.name) for name in fields(self)}
        return {**members, "who": self.who.value(), "schema_version": SCHEMA_VERSION}

    def computed_hash(self) -> str:
        """What :attr:`hash` has to be."""
        members = self.value()
        del members["hash"]
        return digest_of(members)

    def concerns(self, tenant: str) -> bool:
        """Whether it is about a tenant, a service of its, or names it in its detail."""
        named = self.detail.get("tenants")
        return self.subject == tenant or self.subject.startswith(f"{tenant}/") or (isinstance(named, list) and tenant in named)


def record_of(event: AuditEvent, who: Who, at: datetime, after: Record | None, redaction: Redaction = NO_SECRETS) -> Record:
    """The record of an event behind another one (or as the first), without secrets.

    Raises:
        ValueError: ``at`` has no time zone.
    """
    if at.tzinfo is None:
        raise ValueError("an event needs a time with its zone")
    time = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    detail = _without_secrets(dict(event.detail), redaction)
    if len(canonical(detail)) > MOST_BYTES // 4:
        detail = {"left_out": f"{len(canonical(detail))} characters", "digest": digest_of(detail)}
    open_record = Record(
        after.sequence + 1 if after else 1, after.hash if after else "", time, event.kind, event.environment, redaction.text(event.subject),
        redaction.text(event.result), dict(event.digests), detail, Who.read(_without_secrets(who.value(), redaction)))
    return Record(**{**{name.name: getattr(open_record, name.name) for name in fields(Record)}, "hash": open_record.computed_hash()})


def record_from(line: bytes) -> Record:
    """The record of a stored line.

    Raises:
        ValueError: it is none, or not in canonical form, so that two readers could take it for two things.
    """
    if len(line) > MOST_BYTES:
        raise ValueError(f"has {len(line)} bytes; at most {MOST_BYTES} are allowed")
    try:
        text = line.decode("utf-8")
        value = json.loads(text)
    except UnicodeDecodeError:
        raise ValueError("is no UTF-8") from None
    except (json.JSONDecodeError, RecursionError):
        raise ValueError("is no JSON, or nested too deep") from None
    if not isinstance(value, dict) or value.pop("schema_version", None) != SCHEMA_VERSION:
        raise ValueError(f"is no record of schema version {SCHEMA_VERSION}")
    if value.keys() != {name.name for name in fields(Record)}:
        raise ValueError("has not the members of a record")
    record = Record(**{**value, "who": Who.read(value["who"])})
    _require_types(record)
    if record.line != text:
        raise ValueError("is not in canonical form")
    return record


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: one text for one value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_of(value: Any) -> str:
    """``sha256:HEX`` of a JSON value in canonical form."""
    return digest(canonical(value))


def _require_types(record: Record) -> None:
    texts = (record.previous, record.at, record.kind, record.environment, record.subject, record.result, record.hash)
    sound = isinstance(record.sequence, int) and not isinstance(record.sequence, bool) and all(isinstance(text, str) for text in texts)
    if not sound or not _TIME.fullmatch(record.at) or not isinstance(record.detail, dict) or not _are_texts(record.digests):
        raise ValueError("has members of wrong types")


def _are_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


def _without_secrets(value: Any, redaction: Redaction) -> Any:
    """JSON without secrets, keys included; what is no JSON is an error of the caller's."""
    if isinstance(value, str):
        return redaction.text(value).encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_without_secrets(str(key), redaction): _without_secrets(item, redaction) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_secrets(item, redaction) for item in value]
    return cast("Any", value)
