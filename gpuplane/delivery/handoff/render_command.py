"""``gpuplane render``: an environment as files for a GitOps engine, with verdict and provenance; and whether such files may be applied."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gpuplane.delivery.command_line import environment_options, errors, load, say, step, writing
from gpuplane.delivery.exit_status import GOOD, REFUSED, CannotStart

if TYPE_CHECKING:
    from gpuplane.delivery.handoff.rendered import Rendered

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("environment", required=False)
@click.option("--out", type=_FOLDER, help="Write the files here; former ones that are none any more go, what is not ours stays.")
@click.option("--diff", is_flag=True, help="With --out: print what would change there, and write nothing.")
@click.option("--verify", type=_FOLDER, help="Instead: say whether a rendered folder may be applied; with ENVIRONMENT render it again.")
@click.option("--part", help="With --verify: the part to be applied, platform or tenants/NAME; . for all.")
@click.option("--digest", "expected", help="With --part: the digest that the part must have.")
@click.option("--outputs", type=click.Path(dir_okay=False, path_type=Path), help="JSON with values that only apply can know.")
@click.option("--commit", default="", help="Commit of the wishes, for the provenance.")
@environment_options
def render(environment: str | None, out: Path | None, diff: bool, verify: Path | None, part: str | None, expected: str | None,
           outputs: Path | None, commit: str, environments: Path, as_of: date) -> None:
    """Render ENVIRONMENT for Argo CD, Flux or kubectl: only what passes, and nothing secret in it."""
    with errors():
        if (out is None) == (verify is None) or (out is not None and environment is None):
            raise CannotStart("name an environment and --out DIR, or --verify DIR.")
        if (part is None) != (expected is None) or (part is not None and verify is None) or (diff and out is None):
            raise CannotStart("--part and --digest belong together and to --verify, --diff to --out.")
        if commit and not (len(commit) in (40, 64) and set(commit) <= set("0123456789abcdef")):
            raise CannotStart(f"--commit {commit!r}; allowed: the full hash of a commit.")
        if verify is not None:
            sys.exit(_verify(verify, environment, environments, as_of, part or "", expected or "", outputs))
        assert environment is not None  # said above
        assert out is not None
        found = _rendered(environments, environment, as_of, outputs, commit)
        sys.exit(REFUSED if found is None else _written(out, found, as_of, diff))


def _rendered(environments: Path, environment: str, as_of: date, outputs: Path | None, commit: str) -> Rendered | None:
    """The environment's files; None after saying why it is refused."""
    from gpuplane.delivery import preview as previews
    from gpuplane.delivery.handoff.known_outputs import read_outputs
    from gpuplane.delivery.handoff.rendered import rendered
    from gpuplane.delivery.preview_report import sentence
    from gpuplane.policies.finding import Verdict

    known = read_outputs(outputs) if outputs is not None else {}
    with step("reading"):
        spec = load(environments, environment)
    with step("previewing") as progress:
        report = previews.preview(spec, as_of, progress)
    if report.verdict is not Verdict.PASS:
        for finding in report.blocking:
            say(report.redaction.text(sentence(finding)), err=False)
        say(f"{environment} is refused; nothing was rendered.")
        return None
    return rendered(spec, report, environments, known, commit)


def _written(out: Path, found: Rendered, as_of: date, diff: bool) -> int:
    from dataclasses import replace

    from gpuplane.delivery.handoff.provenance import read_provenance, settled_day
    from gpuplane.delivery.handoff.rendered_folder import differences, write_rendered

    former = read_provenance(out) if out.is_dir() else None
    texts = replace(found, provenance=settled_day(former, found.provenance, as_of)).texts
    if diff:
        click.echo("".join(differences(out, texts)), nl=False)
        return GOOD

    def work() -> None:
        new, same, gone = write_rendered(out, texts)
        click.echo(f"{out}: {new} written, {same} unchanged, {gone} removed")

    writing(out, work)
    return GOOD


def _verify(folder: Path, environment: str | None, environments: Path, as_of: date, part: str, expected: str, outputs: Path | None) -> int:
    from gpuplane.delivery.handoff.verification import verified

    with step("verifying"):
        found = verified(folder, as_of, part, expected)
    reasons = [*found.reasons]
    if environment is not None and not reasons:
        reasons += _again(folder, environment, environments, as_of, outputs)
    for reason in reasons:
        say(reason, err=False)
    again = ", and are what the wishes say" if environment is not None else ""
    click.echo(f"{folder}: refused; it must not be applied" if reasons else
               f"{folder}: {found.objects} objects are as they were rendered, pass {found.rules} rules{again}")
    return REFUSED if reasons else GOOD


def _again(folder: Path, environment: str, environments: Path, as_of: date, outputs: Path | None) -> list[str]:
    """Files that differ from what the wishes give now."""
    from gpuplane.delivery.handoff.rendered import OUTPUTS
    from gpuplane.delivery.handoff.rendered_folder import former_files

    known = folder / OUTPUTS
    found = _rendered(environments, environment, as_of, outputs or (known if known.is_file() else None), "")
    if found is None:
        return [f"{environment} is refused."]
    there = former_files(folder)
    return [f"{path} is not what {environment} gives now." for path in sorted(found.files) if there.get(path) != found.files[path]]
