"""From price lists to ``prices.yaml``: which regions, which lists, and what is written over what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from gpuplane.catalog import catalog_for
from gpuplane.catalog.offer_files import OfferFileError, Prices, read_spot_advisor
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.price_file import PriceFile, price_file_of
from gpuplane.delivery.price_list import OFFER_URL, OFFERS, SPOT_ADVISOR_URL, read_json, read_offer
from gpuplane.delivery.whole_file import write_whole
from gpuplane.spec.catalog import MAX_PRICES
from gpuplane.spec.errors import InvalidSpec, SpecError
from gpuplane.spec.loader import environment_names, load_environment, read_catalog


def former(target: Path) -> PriceFile:
    """What the file holds now; nothing where there is none.

    Raises:
        InvalidSpec: it is there, but not a catalogue: it is not overwritten.
    """
    return price_file_of(read_catalog(target, "prices") if target.exists() else None)


def regions_of(environments: Path) -> tuple[str, ...]:
    """Regions that the environments of a folder are in, sorted.

    Raises:
        CannotStart: none says one.
        InvalidSpec: one of them cannot be read.
    """
    found: set[str] = set()
    unreadable: list[SpecError] = []
    for name in environment_names(environments):
        try:
            region = load_environment(environments, name).environment.spec.region
        except InvalidSpec as error:
            unreadable += error.errors
            continue
        found |= {region} if region else set()
    if unreadable:
        raise InvalidSpec(unreadable)
    if not found:
        raise CannotStart(f"No environment below {environments} names a region. Name one: --region REGION.")
    return tuple(sorted(found))


def read(environments: Path, regions: Sequence[str], offers: Sequence[str], progress: Callable[[str], None]) -> Prices:
    """What the price lists say of the instance types that the catalogue knows.

    Args:
        environments: folder whose own catalogue counts too.
        regions: regions to keep; empty for all that the files have.
        offers: files or addresses; empty for AWS's own.
        progress: called with a line now and then.

    Raises:
        CannotStart: a file is no price list, or has nothing that is looked for.
    """
    known = catalog_for(environments).instances.keys()
    found = Prices()
    for where in offers or [OFFER_URL.format(offer=offer, region=region) for region in sorted(set(regions)) for offer in OFFERS]:
        progress(where)
        found.add(read_offer(where, known, regions, progress))
    if not found.instances and not found.services:
        raise CannotStart(f"{', '.join(offers) or 'The price list'} has no price that is looked for"
                          f"{' in ' + ', '.join(regions) if regions else ''} ({found.lines} lines read).")
    return found


def read_spot(where: str, found: Prices, as_of: date) -> Prices:
    """Mean spot prices of what was found; nothing where they are not wanted.

    Raises:
        CannotStart: the file is not the spot advisor's.
    """
    if where == "none":
        return Prices()
    try:
        rows = read_spot_advisor(read_json(where or SPOT_ADVISOR_URL), found.instances, as_of)
    except OfferFileError as error:
        raise CannotStart(f"{where or SPOT_ADVISOR_URL} cannot be read as spot prices: {error}") from None
    return replace(Prices(), instances={row.key: row for row in rows})


def write(target: Path, whole: PriceFile) -> None:
    """Write the file whole, or leave the former one.

    Raises:
        CannotStart: there are more rows than a catalogue file may have.
    """
    if len(whole.prices) > MAX_PRICES:
        raise CannotStart(f"{len(whole.prices)} prices are more than the {MAX_PRICES} that {target.name} may have; nothing was written. "
                          "Name the regions that you use: --region REGION.")
    write_whole(target, whole.text())
