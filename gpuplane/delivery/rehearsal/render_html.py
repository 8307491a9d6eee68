"""A rehearsal as one HTML file that loads nothing: the answer, the timeline by tenant, and plan and observation side by side."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from gpuplane.delivery.rehearsal.rehearsal import Rehearsal
from gpuplane.delivery.rehearsal.render_text import LIMITS, MARKS, headline
from gpuplane.delivery.rehearsal.timeline import timeline
from gpuplane.delivery.wording import printable


def render_html(found: Rehearsal) -> str:
    """The report as one self-contained page; everything that people wrote is escaped."""
    by_scenario = {name: [claim for claim in found.claims if claim.scenario == name]
                   for name in dict.fromkeys(claim.scenario for claim in found.claims)}
    return _template().render(found=found, headline=headline(found), by_scenario=by_scenario, marks=MARKS, limits=LIMITS,
                              timeline=Markup(timeline(found)))  # noqa: S704 names in it are escaped by matplotlib


@cache
def _template() -> Template:
    environment = Environment(loader=PackageLoader("gpuplane.delivery", "templates"), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True, finalize=_shown)
    return environment.get_template("rehearsal.html.j2")


def _shown(value: Any) -> Any:
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
