"""``gpuplane canary``: judge the canary of a service, and take it a step on, or back."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gpuplane.delivery.command_line import environment_options, errors, load, writing
from gpuplane.delivery.exit_status import GOOD, REFUSED, CannotStart
from gpuplane.delivery.wording import inert_form

if TYPE_CHECKING:
    from gpuplane.planning.canary_verdict import Judgement
    from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry

_NEXT = {"promote": "It has passed its last step: its release becomes the service's, and the block canary goes (--write does it).",
         "roll back": "No request reaches it any more once that is applied.", "hold": "", "advance": ""}


@click.command()
@click.argument("environment")
@click.argument("service", metavar="TENANT/SERVICE")
@click.option("--prometheus", metavar="URL", help="Prometheus to ask.")
@click.option("--samples", type=click.Path(dir_okay=False, path_type=Path), help="File with the answers, in place of Prometheus.")
@click.option("--since", type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]), help="When the present step began; left out: when the last commit "
              "changed the service's file.")
@click.option("--write", is_flag=True, help="Write what follows into the service's file: the next share, the way back, or the release that "
              "is promoted.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@environment_options
def canary(environment: str, service: str, prometheus: str | None, samples: Path | None, since: datetime | None, write: bool, form: str,
           environments: Path, as_of: date) -> None:
    """Judge the canary of TENANT/SERVICE in ENVIRONMENT: advance, promote, hold or roll back, and why.

    Exit status 1: it has to be rolled back.
    """
    with errors():
        from gpuplane.planning.canary_measures import steps_of
        from gpuplane.planning.canary_verdict import judge_canary

        if (prometheus is None) == (samples is None):
            raise CannotStart("Give --prometheus URL or --samples FILE, one of them.")
        entry = _entry(load(environments, environment), service)
        found = entry.document.spec.running_canary
        assert found is not None  # _entry
        file = environments / environment / entry.place.relative
        if samples is not None:
            from gpuplane.delivery.canary_samples import from_file

            measured = from_file(samples, entry, found)
        else:
            from gpuplane.delivery.canary_samples import from_prometheus

            now = datetime.now(UTC)
            held = (now - (since or _last_change(file))).total_seconds()
            measured = from_prometheus(str(prometheus), entry, found, max(0.0, held), now.timestamp())
        judged = judge_canary(measured, steps_of(entry, found))
        if write and (judged.percent is not None or judged.verdict == "promote"):
            _write(file, judged, as_of)
        told = _json if form == "json" else _text
        click.echo(inert_form(told(service, found.traffic_percent, judged), form))
    sys.exit(REFUSED if judged.verdict == "roll back" else GOOD)


def _entry(spec: EnvironmentSpec, name: str) -> ServiceEntry:
    entry = spec.services.get(name)
    if entry is None:
        raise CannotStart(f"{name}: {spec.name} has {', '.join(sorted(spec.services)) or 'no services'}.")
    canary = entry.document.spec.canary
    if canary is None:
        raise CannotStart(f"{name} has no canary.")
    if canary.rolled_back is not None:
        raise CannotStart(f"{entry.place.file}:{entry.place.line('spec.canary.rolled_back')} the canary was rolled back: "
                          f"{canary.rolled_back} Remove rolled_back to try it again.")
    return entry


def _last_change(file: Path) -> datetime:
    """When git last recorded a change of a file; now where it has changes that are not recorded."""
    def git(*arguments: str) -> str:
        try:
            return subprocess.run(["git", *arguments, "--", file.name], cwd=file.parent, capture_output=True, text=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError):
            raise CannotStart(f"{file}: git does not know it; say with --since when the step began.") from None

    if git("status", "--porcelain"):
        return datetime.now(UTC)
    recorded = git("log", "-1", "--format=%cI").strip()
    return datetime.fromisoformat(recorded) if recorded else datetime.now(UTC)


def _write(file: Path, judged: Judgement, as_of: date) -> None:
    from gpuplane.delivery.canary_file import write_promotion, write_verdict

    if judged.verdict == "promote":
        writing(file, lambda: write_promotion(file))
        return
    reason = f"{as_of.isoformat()}: {'; '.join(judged.reasons)}." if judged.verdict == "roll back" else None
    writing(file, lambda: write_verdict(file, judged.percent or 0, reason))


def _text(service: str, percent: int, judged: Judgement) -> str:
    to = "" if judged.percent is None else f" to {judged.percent} %"
    lines = [f"{judged.verdict}{to}: the canary of {service} at {percent} %", *(f"  {reason}" for reason in judged.reasons),
             _NEXT[judged.verdict]]
    return "\n".join(filter(None, lines))


def _json(service: str, percent: int, judged: Judgement) -> str:
    return json.dumps({"schema_version": 1, "service": service, "traffic_percent": percent, "verdict": judged.verdict,
                       "next_traffic_percent": judged.percent, "reasons": list(judged.reasons)}, ensure_ascii=False, indent=2)
