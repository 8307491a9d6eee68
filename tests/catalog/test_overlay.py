"""A user's own facts, beside the environments: where they win, what is noted, and what is refused on its line."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from gpuplane.catalog import catalog_for, catalog_of, default_catalog, mig_layout_valid
from gpuplane.catalog.models import find_model
from gpuplane.catalog.service_prices import KINDS
from gpuplane.planning import plan
from gpuplane.spec.catalog import ServicePriceRow
from gpuplane.spec.errors import InvalidSpec, SpecError
from tests.spec.wish import Wish

HEAD = "apiVersion: gpuplane/v1\nkind: Catalog\nmetadata:\n  name: {name}\nspec:\n"
SOURCED = "source: our contract of 2026, as_of: 2026-10-01"
GPU = f"""\
  gpus:
    X1-64GB: {{product_label: NVIDIA-X1, memory_gib: 64, compute_capability: "13.0", nvlink: {{gpus: 8, gb_per_second: 900}}, {SOURCED},
      mig: {{1g.16gb: {{compute_slices: 1, memory_slices: 1, max_per_gpu: 4, starts: [0, 1, 2, 3]}},
             4g.64gb: {{compute_slices: 4, memory_slices: 4, max_per_gpu: 1, starts: [0], reported_memory_gib: 63.5}}}}}}
  instances:
    x1.48xlarge: {{gpus: 8, gpu: X1-64GB, vcpus: 192, memory_gib: 2048, arch: arm64, network_gbit: 400.5, {SOURCED}}}
"""


def wish(folder: Path, **files: str) -> Wish:
    """The valid environment with catalogue files beside its folder."""
    for name, rows in files.items():
        (folder / f"{name}.yaml").write_text(HEAD.format(name=name) + rows, encoding="utf-8")
    return Wish(folder)


def price(usd: str, as_of: str, offer: str = "on_demand", instance: str = "p4d.24xlarge") -> str:
    return f"    - {{instance: {instance}, region: eu-central-1, offer: {offer}, usd_per_hour: {usd}, source: private offer, as_of: {as_of}}}\n"


def test_without_a_file_the_shipped_catalogue_is_used(tmp_path: Path) -> None:
    assert catalog_of(wish(tmp_path).load()) is default_catalog()


def test_a_user_adds_a_gpu_an_instance_type_and_their_price(tmp_path: Path) -> None:
    catalog = catalog_of(wish(tmp_path, catalog=GPU + "  prices:\n" + price("100", "2026-10-01", instance="x1.48xlarge")).load())
    gpu, node = catalog.gpu("X1-64GB"), catalog.instance("x1.48xlarge")
    assert gpu is not None
    assert node is not None
    assert (gpu.memory_gib, gpu.nvlink_gpus, gpu.capability, gpu.as_of) == (64, 8, (13, 0), date(2026, 10, 1))
    assert gpu.mig_profiles["4g.64gb"].reported_memory_gib == Decimal("63.5")
    assert mig_layout_valid(gpu, {"1g.16gb": 4}) is None
    assert mig_layout_valid(gpu, {"1g.16gb": 1, "4g.64gb": 1}) is not None
    assert (node.gpu, node.arch, node.network_gbit, node.max_pods) == ("X1-64GB", "arm64", Decimal("400.5"), None)
    found = catalog.hourly_price("x1.48xlarge", "eu-central-1", "on_demand")
    assert found is not None
    assert (found.usd_per_hour, found.source) == (100, "private offer")
    assert catalog.notes == ()
    assert set(catalog.gpus) == {"X1-64GB", *default_catalog().gpus}


def test_a_row_of_people_wins_and_is_noted(tmp_path: Path) -> None:
    gpu = f'  gpus:\n    L4-24GB: {{product_label: NVIDIA-L4, memory_gib: 24, compute_capability: "8.9", {SOURCED}}}\n'
    spec = wish(tmp_path, catalog=gpu + "  prices:\n" + price("20.5", "2024-10-01")).load()
    catalog = catalog_of(spec)
    found = catalog.hourly_price("p4d.24xlarge", "eu-central-1", "on_demand")
    assert found is not None
    assert found.usd_per_hour == Decimal("20.5")
    assert catalog.notes == (
        "GPU L4-24GB is as catalog.yaml says, not as the shipped catalogue does.",
        ("The price of p4d.24xlarge eu-central-1 on_demand is of 2024-10-01, as catalog.yaml says, though a price of 2025-05-28 is known "
        "(40.94475 USD an hour)."))
    assert set(catalog.notes) <= set(plan(spec, catalog, date(2026, 11, 21)).notes)


@pytest.mark.parametrize(("as_of", "usd"), [("2024-10-01", "40.94475"), ("2026-10-01", "20.5")])
def test_of_prices_that_a_command_wrote_the_newest_day_counts(tmp_path: Path, as_of: str, usd: str) -> None:
    catalog = catalog_of(wish(tmp_path, prices="  prices:\n" + price("20.5", as_of)).load())
    found = catalog.hourly_price("p4d.24xlarge", "eu-central-1", "on_demand")
    assert found is not None
    assert found.usd_per_hour == Decimal(usd)


def test_people_count_over_the_command(tmp_path: Path) -> None:
    catalog = catalog_of(wish(tmp_path, prices="  prices:\n" + price("20.5", "2026-10-01"),
                              catalog="  prices:\n" + price("19", "2026-09-01")).load())
    found = catalog.hourly_price("p4d.24xlarge", "eu-central-1", "on_demand")
    assert found is not None
    assert found.usd_per_hour == 19


def test_several_days_of_one_price_are_its_history(tmp_path: Path) -> None:
    rows = "".join(price(usd, as_of, "spot_average") for usd, as_of in (("9", "2026-09-01"), ("11", "2026-10-01"), ("10", "2026-08-01")))
    found = catalog_of(wish(tmp_path, catalog="  prices:\n" + rows).load()).spot_history("p4d.24xlarge", "eu-central-1")
    assert found is not None
    assert [row.usd_per_hour for row in found.rows if row.source == "private offer"] == [10, 9, 11]
    assert found.last == date(2026, 10, 1)


def test_a_service_price_of_a_user_counts(tmp_path: Path) -> None:
    row = f"  service_prices:\n    - {{kind: nlb_hour, region: eu-central-1, usd: 0.027, {SOURCED}}}\n"
    found = catalog_of(wish(tmp_path, catalog=row).load()).service_price("nlb_hour", "eu-central-1")
    assert found is not None
    assert found.usd == Decimal("0.027")
    assert set(ServicePriceRow.model_fields["kind"].annotation.__args__) == set(KINDS)  # type: ignore[union-attr]


MODEL = f"""\
  models:
    legal-7b: {{models: [acme/legal-7b], parameters: 7.6, {SOURCED}, config: {{hidden_size: 3584, intermediate_size: 18944,
      num_hidden_layers: 28, num_attention_heads: 28, num_key_value_heads: 4, vocab_size: 152064, torch_dtype: bfloat16}}}}
"""


def test_a_model_of_a_user_is_found_like_a_shipped_one(tmp_path: Path) -> None:
    catalog = catalog_of(wish(tmp_path, catalog=MODEL).load())
    model = find_model(catalog.models.values(), "acme/legal-7b")
    assert model is not None
    assert (model.name, model.parameters, model.layers) == ("legal-7b", 7_600_000_000, 28)
    assert model.source == "our contract of 2026, as of 2026-10-01"
    assert catalog_for(tmp_path).models["legal-7b"] == model


def refused(wish: Wish) -> tuple[SpecError, ...]:
    with pytest.raises(InvalidSpec) as caught:
        catalog_of(wish.load())
    return caught.value.errors


@pytest.mark.parametrize(("rows", "line", "path", "words"), [
    ("  prices:\n" + price("0", "2026-10-01"), 7, "spec.prices[0].usd_per_hour", "0 is out of range; allowed: more than 0."),
    ("  prices:\n" + price("1", "2026-10-01") * 2, 8, "spec.prices[1]", "is there twice: which of them counts? Keep one."),
    ("  prices:\n" + price("1", "2026-10-01", "free"), 7, "spec.prices[0].offer", "allowed: 'on_demand', 'spot_average'"),
    (GPU.replace(SOURCED, "as_of: 2026-10-01", 1), 7, "spec.gpus.X1-64GB.source", "is missing. Add source."),
    (GPU.replace("gpu: X1-64GB", "gpu: X2-64GB"), 11, "spec.instances.x1.48xlarge.gpu", 'there is no GPU "X2-64GB", neither here nor'),
    (GPU.replace("starts: [0, 1, 2, 3]", "starts: [0, 4]"), 8, "spec.gpus.X1-64GB.mig.1g.16gb.starts", "4 + 1 memory slices is beyond the 4"),
    (MODEL.replace("num_hidden_layers: 28, ", ""), 7, "spec.models.legal-7b.config", "num_hidden_layers"),
    ("  cards: {}\n", 6, "spec.cards", "is not a field here; allowed: gpus, instances"),
])
def test_a_wrong_row_is_refused_on_its_line(tmp_path: Path, rows: str, line: int, path: str, words: str) -> None:
    errors = refused(wish(tmp_path, catalog=rows))
    assert [(Path(error.file).name, error.line, error.path) for error in errors] == [("catalog.yaml", line, path)]
    assert words in str(errors[0])


def test_errors_of_the_shared_file_come_with_those_of_the_environment(tmp_path: Path) -> None:
    broken = wish(tmp_path, catalog="  prices: 1\n").change("tenants/acme.yaml", "kind: Tenant", "kind: Tenants")
    assert {Path(error.file).name for error in refused(broken)} >= {"catalog.yaml", "acme.yaml"}


@pytest.mark.parametrize("name", ["catalog.yml", "prices.json"])
def test_a_file_that_would_be_ignored_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("{}", encoding="utf-8")
    assert "would be ignored" in str(refused(wish(tmp_path))[0])


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(HEAD.format(name="catalog"), encoding="utf-8")
    (tmp_path / "catalog.yaml").symlink_to(tmp_path / "elsewhere")
    assert "is a symbolic link" in str(refused(wish(tmp_path))[0])
