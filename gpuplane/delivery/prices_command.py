"""``gpuplane prices``: the price book from the cloud's public price list."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gpuplane.delivery.command_line import environment_options, errors, say, step, writing

if TYPE_CHECKING:
    from gpuplane.catalog.offer_files import Prices


@click.group()
def prices() -> None:
    """The price book."""


@prices.command()
@click.option("--region", "regions", multiple=True, metavar="REGION", help="Region to read; left out: those of the environments.")
@click.option("--from", "offers", multiple=True, metavar="FILE|URL", help="An offer file (CSV) instead of AWS's own addresses; repeatable.")
@click.option("--spot", metavar="FILE|URL|none", help="The spot advisor's data; none: leave spot prices as they are. "
              "Where left out: AWS's own address, or none with --from.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; left out: prices.yaml by the environments.")
@environment_options
def refresh(regions: tuple[str, ...], offers: tuple[str, ...], spot: str | None, out: Path | None, environments: Path, as_of: date) -> None:
    """Write today's list prices of nodes, disks, load balancers and traffic to prices.yaml.

    Reads AWS's public price list as a stream; no account is needed. Rows of other regions and older days of the spot market stay.
    """
    with errors():
        from gpuplane.delivery import price_refresh
        from gpuplane.delivery.exit_status import CannotStart
        from gpuplane.spec.errors import shown

        wrong = [each for each in regions if not re.fullmatch(r"[a-z][-a-z0-9]{1,40}", each)]
        if wrong:
            raise CannotStart(f"--region {', '.join(map(shown, wrong))} is no region; allowed: small letters, digits and hyphens, such as "
                              "eu-central-1.")
        target = out or environments / "prices.yaml"
        former = price_refresh.former(target)
        wanted = regions or (() if offers else price_refresh.regions_of(environments))
        with step("reading the price list") as progress:
            found = price_refresh.read(environments, wanted, offers, progress)
            found.add(price_refresh.read_spot(spot or ("none" if offers else ""), found, as_of))
        whole = former.with_rows(found.instances.values(), found.services.values())
        writing(target, lambda: price_refresh.write(target, whole))
        say(_summary(found, target))


def _summary(found: Prices, target: Path) -> str:
    regions = sorted({region for _, region, _ in found.instances} | {region for _, region in found.services})
    lines = [(f"{target}: {len(found.instances)} prices of instance types and {len(found.services)} others, of {', '.join(regions)} "
             f"({found.lines} lines read).")]
    if found.unknown_types:
        lines.append(f"Left out, for no row of the catalogue describes them: {', '.join(sorted(found.unknown_types))}. "
                     "Add those you use to catalog.yaml.")
    return "\n".join(lines)
