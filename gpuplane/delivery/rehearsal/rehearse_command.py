"""``gpuplane rehearse ENV``: the plan on a throw-away control plane."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gpuplane.delivery.command_line import Number, environment_options, errors, load, say, step, writing
from gpuplane.delivery.exit_status import GOOD, REFUSED, CannotStart

if TYPE_CHECKING:
    from gpuplane.delivery.rehearsal.api_server import ApiServer
    from gpuplane.delivery.rehearsal.rehearsal import OtherRef, Progress, Rehearsal
    from gpuplane.spec.environment_spec import EnvironmentSpec

FILES = ("rehearsal.json", "rehearsal.txt", "rehearsal.md", "rehearsal.html")
"""What ``--out`` gives."""
FORMATS = ("text", "json", "markdown", "html")


@click.command()
@click.argument("environment", required=False)
@click.option("--kubeconfig", type=click.Path(dir_okay=False, path_type=Path), help="Of the throw-away cluster; left out, KUBECONFIG.")
@click.option("--context", help="Of that file; left out, its current one.")
@click.option("--local", is_flag=True, help="Make the cluster here, of etcd, kube-apiserver and others in KUBEBUILDER_ASSETS or on PATH, "
              "and throw it away afterwards.")
@click.option("--crds", multiple=True, type=click.Path(path_type=Path), envvar="GPUPLANE_EXTRA_CRDS",
              help="With --local: manifests of what is to be there (CRDs, webhooks, settings of Kueue and KServe), a file or a folder; can "
              "be said again.")
@click.option("--scenario", "scenarios", multiple=True, metavar="NAME", help="Only this one, which can be said again; left out, all.")
@click.option("--against", metavar="REF", help="First apply this git ref, then upgrade it to what is here.")
@click.option("--short", is_flag=True, help="Less of each, for CI.")
@click.option("--limit", "limit_minutes", type=Number(min=0.1), default=15.0, show_default=True, help="Minutes to end in.")
@click.option("--clean", "only_clean", is_flag=True, help="Instead: remove what a rehearsal that was killed has left.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write the report here in every format.")
@click.option("--format", "output_format", type=click.Choice(FORMATS), default="text", show_default=True)
@environment_options
def rehearse(environment: str | None, kubeconfig: Path | None, context: str | None, local: bool, crds: tuple[Path, ...],
             scenarios: tuple[str, ...], against: str | None, short: bool, limit_minutes: float, only_clean: bool, out: Path | None,
             output_format: str, environments: Path, as_of: date) -> None:
    """Apply ENVIRONMENT to a throw-away control plane, load it, break it, and compare what happens with the plan.

    Exit status 1 where plan and cluster disagree, or the cluster is not marked as throw-away.
    """
    with errors():
        from gpuplane.delivery.rehearsal import rehearsal as rehearsals
        from gpuplane.delivery.rehearsal.api_server import ApiServer
        from gpuplane.delivery.rehearsal.control_plane import require_throw_away
        from gpuplane.delivery.rehearsal.guardian import guarded
        from gpuplane.delivery.rehearsal.interruption import ending_well

        if (environment is None) != only_clean:
            raise CannotStart("name an environment to rehearse, or --clean to remove what an earlier rehearsal left.")
        if local and (kubeconfig or context):
            raise CannotStart("--local makes a cluster of its own; leave --kubeconfig and --context out.")
        chosen = _chosen(scenarios, tuple(rehearsals.SCENARIOS))
        if environment is None and local:
            _remove_local()
            sys.exit(GOOD)
        if environment is None:
            with _progress("removing what a rehearsal left") as progress:
                rehearsals.clean_up(ApiServer(kubeconfig, context), progress)
            sys.exit(GOOD)
        if out is not None:
            from gpuplane.delivery.outputs import discard

            writing(out, lambda: discard(out, FILES))
        with _progress(f"rehearsing {environment}") as progress, ending_well():
            spec = load(environments, environment)
            with _cluster(kubeconfig, context, local, crds, spec, progress) as server:
                require_throw_away(server)
                work = rehearsals.wanted(spec, as_of, progress)
                base = _base(environments, environment, against, as_of, progress) if against is not None else None
                guard = rehearsals.nobody if local else partial(guarded, kubeconfig, context)
                # What is made here dies with this process.
                found = rehearsals.rehearse(server, work, chosen, limit_minutes * 60, progress, short, base, guard, cleans=not local)
        _tell(found, out, output_format)
        sys.exit(GOOD if found.agrees else REFUSED)


@contextmanager
def _cluster(kubeconfig: Path | None, context: str | None, local: bool, crds: tuple[Path, ...], spec: EnvironmentSpec,
             progress: Progress) -> Iterator[ApiServer]:
    """Somebody's cluster, or one of its own with Kueue as the plan has it."""
    from gpuplane.delivery.rehearsal.api_server import ApiServer

    if not local:
        yield ApiServer(kubeconfig, context)
        return
    from gpuplane.delivery.rehearsal.kueue_sharing import planned_settings
    from gpuplane.delivery.rehearsal.local.throw_away import throw_away_cluster

    with throw_away_cluster(crds, progress, planned_settings(spec)) as server:
        yield server


def _remove_local() -> None:
    """End and delete what killed rehearsals left on this machine."""
    from gpuplane.delivery.rehearsal.local.processes import remove_leftovers

    for folder in remove_leftovers():
        say(f"removed {folder}")


def _base(environments: Path, environment: str, ref: str, as_of: date, progress: Progress) -> OtherRef:
    from gpuplane.delivery.comparison import NoAnswer, OtherSide
    from gpuplane.delivery.rehearsal.rehearsal import OtherRef

    progress(f"rendering {ref}")
    with OtherSide(environments, environment, ref, as_of) as other:
        try:
            return OtherRef(ref, other.views())
        except NoAnswer as error:
            raise CannotStart(f"{ref} cannot be rehearsed: {error}") from None


def _chosen(asked: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    wrong = [name for name in asked if name not in known]
    if wrong:
        raise CannotStart(f"there is no scenario {wrong[0]!r}; there are: {', '.join(known)}")
    return tuple(name for name in known if name in asked) or known


@contextmanager
def _progress(title: str) -> Iterator[Progress]:
    """Progress with the seconds since the beginning."""
    began = time.monotonic()
    with step(title) as tell:
        yield lambda line: tell(f"{time.monotonic() - began:5.0f} s  {line}")


def forms(found: Rehearsal) -> Mapping[str, Callable[[], str]]:
    """The report in every format, in the order of :data:`FILES`: servers quote in their refusals what they were sent."""
    from gpuplane.delivery.formats import plain
    from gpuplane.delivery.rehearsal.rehearsal_json import to_json
    from gpuplane.delivery.rehearsal.render_html import render_html
    from gpuplane.delivery.rehearsal.render_markdown import to_markdown
    from gpuplane.delivery.rehearsal.render_text import to_text

    made: Mapping[str, Callable[[Rehearsal], str]] = {"json": to_json, "text": to_text, "markdown": to_markdown, "html": render_html}
    return {form: lambda form=form: plain(made[form](found), form) for form in made}  # type: ignore[misc]


def _tell(found: Rehearsal, out: Path | None, output_format: str) -> None:
    texts = forms(found)
    if out is not None:
        from gpuplane.delivery.outputs import write_files

        files = {name: form() for name, form in zip(FILES, texts.values(), strict=True)}
        writing(out, partial(write_files, out, files))
    click.echo(texts[output_format](), nl=False)
