"""``gpuplane audit ENV``: who did what, and whether the record of it is whole."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gpuplane.delivery.command_line import errors, load, say
from gpuplane.delivery.exit_status import GOOD, REFUSED, CannotStart
from gpuplane.delivery.wording import inert_form
from gpuplane.spec.errors import shown

if TYPE_CHECKING:
    from gpuplane.delivery.audit.chain import Chain
    from gpuplane.delivery.audit.event import Record
    from gpuplane.delivery.audit.log import AuditLog

SCHEMA_VERSION: Final = 1
"""Version of the JSON report; a member that goes or changes its meaning raises it."""


@dataclass(frozen=True)
class Wanted:
    """Which records; what is empty does not matter."""

    since: datetime | None
    kinds: tuple[str, ...]
    tenant: str
    who: str

    def takes(self, record: Record) -> bool:
        """Whether a record is one of them."""
        return ((self.since is None or datetime.fromisoformat(record.at) >= self.since) and (not self.kinds or record.kind in self.kinds)
                and (not self.tenant or record.concerns(self.tenant)) and (not self.who or record.who.name == self.who))


@click.command()
@click.argument("environment")
@click.option("--since", metavar="TIME", help="Only what happened from this date or time on (UTC, ISO 8601).")
@click.option("--kind", "kinds", multiple=True, help="Only events of this kind; may be given several times.")
@click.option("--tenant", default="", help="Only what is about this tenant.")
@click.option("--who", default="", metavar="NAME", help="Only what this login did.")
@click.option("--newest", is_flag=True, help="Of what is left by these, only the newest of each kind and result, by stack and service.")
@click.option("--verify", is_flag=True, help="Also verify the chain of hashes; exit status 1 where it is broken.")
@click.option("--anchor", "anchors", multiple=True, metavar="N@HASH", help="A place of the chain that was written down before, to verify.")
@click.option("--export", type=click.Choice(["cloudevents"]), help="Print the records as CloudEvents 1.0, one a line.")
@click.option("--audit", "place", metavar="PLACE", help="Folder or s3:// URL of the records; left out: GPUPLANE_AUDIT, or the state's.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--environments", type=click.Path(file_okay=False, path_type=Path), default=Path("environments"), show_default=True,
              help="Folder of the environments.")
def audit(environment: str, since: str | None, kinds: tuple[str, ...], tenant: str, who: str, newest: bool, verify: bool,
          anchors: tuple[str, ...], export: str | None, place: str | None, form: str, environments: Path) -> None:
    """Show who planned, approved and applied what in ENVIRONMENT."""
    with errors():
        from gpuplane.delivery.audit.chain import Anchor, read_chain
        from gpuplane.delivery.audit.cloud_events import cloud_event_lines

        wanted = Wanted(_time(since), _known(kinds), tenant, who)
        chain = read_chain(environment, _log(environment, place, environments).lines(environment), map(Anchor.read, anchors))
        records = tuple(record for record in chain.records if wanted.takes(record))
        records = newest_of(records) if newest else records
        broken = chain.problems if verify or anchors else ()
        if export is not None:
            click.echo(inert_form(cloud_event_lines(records), "json"), nl=False)
        else:
            click.echo(inert_form(audit_json(chain, records) if form == "json" else audit_text(records), form), nl=False)
        _say(chain, broken, verify or bool(anchors))
    sys.exit(REFUSED if broken else GOOD)


def newest_of(records: Sequence[Record]) -> tuple[Record, ...]:
    """Records that say something that no newer one of the same kind and result says again, in order: few, however long the log is."""
    seen: set[tuple[str, str, bool, str]] = set()
    kept = []
    for record in reversed(records):
        says = {(record.kind, record.result, record.detail.get("whole") is True, name) for name in _names(record)}
        if not says <= seen:
            kept.append(record)
            seen |= says
    return tuple(reversed(kept))


def _names(record: Record) -> Iterator[str]:
    """Stacks and services that a record is about; its subject where it names none."""
    stacks = record.detail.get("stacks")
    if not isinstance(stacks, dict) or not stacks:
        yield record.subject
        return
    for name, each in stacks.items():
        yield name
        services = each.get("services") if isinstance(each, dict) else None
        yield from services if isinstance(services, dict) else ()


def audit_text(records: Iterable[Record]) -> str:
    """One line a record."""
    return "".join(_row(record) + "\n" for record in records)


def audit_json(chain: Chain, records: Iterable[Record]) -> str:
    """The machine-readable report (schema version :data:`SCHEMA_VERSION`)."""
    value: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "environment": chain.environment,
                             "head": str(chain.head) if chain.head else None, "whole": not chain.problems,
                             "problems": list(chain.problems), "records": [record.value() for record in records]}
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _say(chain: Chain, broken: tuple[str, ...], verified: bool) -> None:
    for problem in broken:
        say(f"{chain.environment}: {problem}")
    if not verified and chain.unreadable:
        say(f"{chain.environment}: {len(chain.unreadable)} records cannot be read; --verify says which.")
    if verified and not broken:
        say(f"{chain.environment}: {len(chain.records)} records, the chain is whole; anchor: {chain.head or 'none yet'}")


def _row(record: Record) -> str:
    digests = " ".join(f"{_plain(name)}={_short(digest)}" for name, digest in sorted(record.digests.items()))
    return " ".join(filter(None, (record.at, f"#{record.sequence}", _plain(record.kind), _plain(record.subject), _plain(record.result),
                                  "by", _plain(str(record.who)), digests, record.who.run and _plain(record.who.run))))


def _plain(text: str) -> str:
    """A text of the log can hold control characters: a terminal is not to see them."""
    return text if text.isprintable() else shown(text)


def _short(digest: str) -> str:
    algorithm, _, value = _plain(digest).partition(":")
    return f"{algorithm}:{value[:12]}"


def _log(environment: str, place: str | None, environments: Path) -> AuditLog:
    """The environment's documents are read only where they have to say where its state is: a log outlives them."""
    from gpuplane.delivery.audit.log import VARIABLE, AuditLog, audit_log

    named = place or os.environ.get(VARIABLE)
    return AuditLog(named) if named else audit_log(load(environments, environment))


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CannotStart(f"--since {shown(text)} is no time; allowed: YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _known(kinds: tuple[str, ...]) -> tuple[str, ...]:
    from gpuplane.delivery.audit.event import KINDS

    wrong = sorted(set(kinds) - set(KINDS))
    if wrong:
        raise CannotStart(f"--kind {', '.join(wrong)}: there is no such event; allowed: {', '.join(KINDS)}.")
    return kinds
