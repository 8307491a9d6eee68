"""``gpuplane prices refresh``: from a price list to a file that the next preview uses, whole or not at all."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gpuplane.catalog import catalog_for
from gpuplane.cli import cli
from gpuplane.delivery.price_file import KEPT_DAYS
from tests.catalog.offer_file import LEFT, READ, node, offer_file
from tests.catalog.test_offer_files import ADVISOR
from tests.spec.wish import Wish


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of environments beside which prices.yaml is written."""
    return Wish(tmp_path / "environments").write()


def refresh(folder: Path, *options: object) -> Result:
    return CliRunner().invoke(cli, ["prices", "refresh", "--environments", str(folder), "--as-of", "2026-11-21", *map(str, options)])


def written(folder: Path, text: str, name: str = "offer.csv") -> Path:
    path = folder.parent / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_price_list_becomes_a_catalogue_that_counts(folder: Path) -> None:
    done = refresh(folder, "--from", written(folder, offer_file([*LEFT, *READ])), "--spot", written(folder, json.dumps(ADVISOR), "spot.json"))
    assert done.exit_code == 0, done.output
    assert "6 prices of instance types and 5 others, of eu-central-1, us-east-1" in done.output
    assert "no row of the catalogue describes them: g9.xlarge" in done.output
    catalog = catalog_for(folder)
    price, disk = catalog.hourly_price("g6e.xlarge", "eu-central-1", "on_demand"), catalog.service_price("nlb_hour", "eu-central-1")
    assert price is not None
    assert (price.source, price.as_of) == ("AWS price list AmazonEC2 eu-central-1, version 20261120180411", date(2026, 11, 20))
    assert disk is not None
    assert disk.as_of == date(2026, 11, 20)
    spot = catalog.spot_history("g5.xlarge", "eu-central-1")
    assert spot is not None
    assert spot.last == date(2026, 11, 21)


def test_the_same_list_gives_the_same_bytes_and_only_prices_change(folder: Path) -> None:
    offer = written(folder, offer_file(READ))
    assert refresh(folder, "--from", offer).exit_code == 0
    first = (folder / "prices.yaml").read_text()
    assert refresh(folder, "--from", written(folder, offer_file(READ[::-1]))).exit_code == 0
    assert (folder / "prices.yaml").read_text() == first
    assert first.startswith("# Written by gpuplane prices refresh;")
    rows = [line for line in first.splitlines() if "instance:" in line]
    assert rows == sorted(rows)
    assert list(folder.glob(".prices*")) == []


def test_other_regions_stay_newer_days_replace_and_the_spot_market_has_a_memory(folder: Path) -> None:
    assert refresh(folder, "--from", written(folder, offer_file(READ))).exit_code == 0
    newer = written(folder, offer_file([node("g5.xlarge", "1.1")], day="2026-12-20"))
    spot = written(folder, json.dumps(ADVISOR), "spot.json")
    for day in range(1, 28):
        assert refresh(folder, "--from", newer, "--spot", spot, "--as-of", f"2026-12-{day:02}").exit_code == 0
    text = (folder / "prices.yaml").read_text()
    assert text.count("g5.xlarge, region: eu-central-1, offer: on_demand") == 1
    assert "usd_per_hour: 1.1," in text
    assert "p5.48xlarge, region: us-east-1" in text
    assert text.count("offer: spot_average") == KEPT_DAYS


def test_a_region_that_nobody_names_must_be_named(folder: Path) -> None:
    done = refresh(folder)
    assert done.exit_code == 2
    assert "names a region. Name one: --region REGION." in done.output


@pytest.mark.parametrize(("text", "words"), [
    ("<html>\n", "cannot be read as a price list: it is not an offer file in CSV"),
    (offer_file(READ)[:-40], "it is cut off or damaged"),
    (offer_file(LEFT), "has no price that is looked for"),
])
def test_what_is_no_price_list_leaves_the_former_file(folder: Path, text: str, words: str) -> None:
    assert refresh(folder, "--from", written(folder, offer_file(READ))).exit_code == 0
    former = (folder / "prices.yaml").read_bytes()
    done = refresh(folder, "--from", written(folder, text))
    assert done.exit_code == 2
    assert words in done.output
    assert (folder / "prices.yaml").read_bytes() == former


def test_a_former_file_that_cannot_be_read_is_not_written_over(folder: Path) -> None:
    (folder / "prices.yaml").write_text("mine: true\n", encoding="utf-8")
    done = refresh(folder, "--from", written(folder, offer_file(READ)))
    assert done.exit_code == 2
    assert (folder / "prices.yaml").read_text() == "mine: true\n"


def test_a_file_that_is_not_there_and_a_place_that_cannot_be_written(folder: Path) -> None:
    missing = refresh(folder, "--from", folder / "none.csv")
    assert missing.exit_code == 2
    assert "No such file" in missing.output
    (folder.parent / "flat").write_text("", encoding="utf-8")
    blocked = refresh(folder, "--from", written(folder, offer_file(READ)), "--out", folder.parent / "flat" / "prices.yaml")
    assert blocked.exit_code == 2
    assert "cannot be written" in blocked.output


@contextmanager
def served(body: bytes, length: int, status: int = 200) -> Iterator[str]:
    """An address that answers with a body, and says that it is so long."""
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Nothing: the output is the command's."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/offers/index.csv"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_address_is_read_like_a_file(folder: Path) -> None:
    body = offer_file(READ).encode()
    with served(body, len(body)) as address:
        done = refresh(folder, "--from", address, "--region", "us-east-1")
    assert done.exit_code == 0, done.output
    text = (folder / "prices.yaml").read_text()
    assert "us-east-1" in text
    assert "eu-central-1" not in text


def test_a_download_that_ends_early_writes_nothing(folder: Path) -> None:
    whole = offer_file(READ).encode()
    body = whole[:whole.rindex(b"\n", 0, -1) + 1]
    with served(body, len(whole)) as address:
        done = refresh(folder, "--from", address)
    assert done.exit_code == 3
    assert f"ended after {len(body)} of {len(whole)} bytes; nothing was written" in done.output
    assert not (folder / "prices.yaml").exists()


def test_an_address_that_refuses_or_does_not_answer_is_a_failure_of_the_other_side(folder: Path) -> None:
    with served(b"no", 2, 403) as address:
        refused = refresh(folder, "--from", address)
    assert (refused.exit_code, "answers 403" in refused.output) == (3, True)
    gone = refresh(folder, "--from", address)
    assert gone.exit_code == 3
    assert "nothing was written" in gone.output
