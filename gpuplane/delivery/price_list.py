"""Where price lists come from: AWS's public addresses, or files at hand. Read as a stream, and known to be whole."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from gpuplane.catalog.offer_files import OfferFileError, Prices, read_offer_file
from gpuplane.delivery.exit_status import CannotStart, EngineFailed

OFFER_URL = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/{offer}/current/{region}/index.csv"
"""AWS Price List bulk files; public, no account needed."""
OFFERS = ("AmazonEC2", "AWSELB", "AWSDataTransfer", "AmazonS3", "AmazonEKS")
SPOT_ADVISOR_URL = "https://spot-bid-advisor.s3.amazonaws.com/spot-advisor-data.json"
"""The data behind AWS's Spot Instance Advisor page."""
_TIMEOUT_SECONDS = 60
_EVERY_BYTES = 64 << 20


def read_offer(where: str, known: Collection[str], regions: Collection[str], progress: Callable[[str], None]) -> Prices:
    """Prices of one offer file.

    Args:
        where: a path or an http(s) address.
        known: instance types to keep.
        regions: regions to keep; empty for all.
        progress: called with a line now and then.

    Raises:
        CannotStart: there is no such file, or it is no offer file.
        EngineFailed: the address does not answer, or the file does not arrive whole.
    """
    try:
        with _opened(where) as (file, size):
            return read_offer_file(_lines(where, file, size, progress), known, regions)
    except (OfferFileError, UnicodeDecodeError) as error:
        raise CannotStart(f"{where} cannot be read as a price list: {error}") from None


def read_json(where: str) -> Any:
    """A JSON file, e.g. the spot advisor's.

    Raises:
        CannotStart: there is no such file, or it is not JSON.
        EngineFailed: the address does not answer, or the file does not arrive whole.
    """
    try:
        with _opened(where) as (file, size):
            return json.loads("".join(_lines(where, file, size, lambda _: None)))
    except (ValueError, RecursionError) as error:
        raise CannotStart(f"{where} is not JSON: {error}.") from None


@contextmanager
def _opened(where: str) -> Iterator[tuple[IO[bytes], int | None]]:
    """The file and how many bytes it must have."""
    if not where.startswith(("http://", "https://")):
        path = Path(where)
        try:
            with path.open("rb") as file:
                yield file, path.stat().st_size
        except OSError as error:
            raise CannotStart(f"{where} cannot be read: {error.strerror}.") from None
        return
    if not where.isascii():
        raise CannotStart(f"{where} is no address: write other letters than those of ASCII as %XX.")
    try:
        request = urllib.request.Request(where, headers={"User-Agent": "gpuplane"})  # noqa: S310 the scheme is http or https, as seen above
    except ValueError as error:
        raise CannotStart(f"{where} is no address: {error}.") from None
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310 as above
            length = response.headers.get("Content-Length")
            yield response, int(length) if length is not None else None
    except urllib.error.HTTPError as error:
        error.close()
        raise EngineFailed(f"{where} answers {error.code} {error.reason}; nothing was written.") from None
    except (OSError, http.client.HTTPException) as error:
        raise EngineFailed(f"{where} cannot be read: {getattr(error, 'reason', None) or error}; nothing was written.") from None


def _lines(where: str, file: IO[bytes], size: int | None, progress: Callable[[str], None]) -> Iterator[str]:
    """Lines as text. A connection that ends early looks like the end of a file, so bytes are counted."""
    read, told = 0, 0
    for line in file:
        read += len(line)
        if read - told >= _EVERY_BYTES:
            told = read
            progress(f"{where}: {read >> 20} MiB" + (f" of {size >> 20}" if size else ""))
        yield line.decode("utf-8")
    if size is not None and read != size:
        raise EngineFailed(f"{where} ended after {read} of {size} bytes; nothing was written. Try again.")
