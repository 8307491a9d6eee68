"""One mistake in one file is one message; two mistakes are two. Judged are plan and rules together, as a preview says them."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from gpuplane.delivery.preview import preview
from gpuplane.spec.errors import InvalidSpec
from gpuplane.spec.loader import load_environment
from tests.delivery.files import edit

ENVIRONMENTS = Path(__file__).parents[2] / "environments"
AS_OF = date(2026, 8, 1)

Edit = tuple[str, str, str]

L40S: Edit = ("prod/node-pools/l40s.yaml", "instance_type: g6e.4xlarge", "instance_type: g6f.4xlargee")
MIG: Edit = ("prod/node-pools/a100-mig.yaml", "instance_type: p4de", "instance_type: p4dd")
OTHER: Edit = ("prod/node-pools/a100.yaml", "instance_type: p4de.24xlarge", "instance_type: g6e.4xlarge")
QUOTA: Edit = ("prod/tenants/support.yaml", "nominal_quota: 12", "nominal_quota: 40")
REGION: Edit = ("prod/environment.yaml", "    region: eu-central-1\n    subnet", "    region: ap-northeast-1\n    subnet")
RESIDENCE: Edit = ("prod/tenants/support.yaml", "allowed_regions: [eu-central-1]", "allowed_regions: [eu-central-1, ap-northeast-1]")
DISK: Edit = ("prod/environment.yaml", "    region: eu-central-1\n    subnet", "    region: eu-north-1\n    subnet")
PARALLEL: Edit = ("prod/services/support/assistant-70b.yaml", "tensor_parallel_size: 4", "tensor_parallel_size: 16")
REPLICAS: Edit = ("prod/services/support/chat.yaml", "max_replicas: 4", "max_replicas: 40")
MOVED: Edit = ("prod/services/support/chat.yaml", "pool: l40s", "pool: a100")
WIDE: Edit = ("prod/services/support/chat.yaml", "max_model_len: 16384", "max_model_len: 16384\n        tensor_parallel_size: 16")
SMALL: Edit = ("prod/tenants/support.yaml", "nominal_quota: 12", "nominal_quota: 7")
ALWAYS: Edit = ("prod/services/support/chat.yaml", "min_replicas: 2\n    max_replicas: 4\n    expected_replicas: 3",
                "min_replicas: 5\n    max_replicas: 5\n    expected_replicas: 5")
BUDGET: Edit = ("prod/tenants/support.yaml", "budget_usd_per_month: 72000", "budget_usd_per_month: 5000")

SAID: dict[str, tuple[tuple[Edit, ...], tuple[tuple[str, str], ...]]] = {
    "an unknown instance type": ((L40S,), (
        ("NP-01", 'Until then, nothing on pool "l40s" can be placed, counted or priced: research/resnet50, support/chat.'),)),
    "an unknown instance type of MIG nodes": ((MIG,), (("NP-01", "search/embeddings, search/query-rewriter."),)),
    "an instance type with another GPU, and fewer of them": ((OTHER,), (("NP-02", "priced: support/assistant-70b."),)),
    "an instance type with another GPU, and without a price": (
        (("prod/node-pools/l40s.yaml", "g6e.4xlarge", "p5.48xlarge"),), (
            ("NP-02", "p5.48xlarge has 8 × H100-SXM-80GB, but spec.gpu is L40S-48GB (nor is a price of it known in eu-central-1)."),)),
    "a GPU that is not the instance type's, and too small for the model": (
        (("prod/node-pools/a100.yaml", "gpu: A100-SXM-80GB", "gpu: L4-24GB"),), (("NP-02", "Set gpu: A100-SXM-80GB"),)),
    "an unknown GPU": ((("prod/node-pools/l40s.yaml", "gpu: L40S-48GB", "gpu: L40S-84GB"),), (("NP-01", "Did you mean L40S-48GB?"),)),
    "a region without prices": ((REGION, RESIDENCE), (
        ("CB-05", ("p4de.24xlarge on demand (pools a100, a100-mig), gp3 root volumes (pools a100, a100-mig, l40s), "
                   "g6e.4xlarge on demand (pool l40s)")),)),
    "more GPUs in a replica than on a node": ((PARALLEL,), (("QF-09", "one replica needs 16 GPUs"),)),
    "two unknown instance types": ((L40S, MIG), (("NP-01", "search/embeddings"), ("NP-01", "support/chat"))),
    "an unknown instance type, and a quota over another pool": ((L40S, QUOTA), (("NP-01", "l40s"), ("QF-01", "40 is more than the 16"))),
    "a region without prices, where a tenant's data may not be": ((REGION,), (("CB-05", "ap-northeast-1"), ("PII-10", "ap-northeast-1"))),
    "too many GPUs in one replica, and too many replicas of another": (
        (PARALLEL, REPLICAS), (("QF-04", "chat (max_replicas 40"), ("QF-09", "one replica needs 16 GPUs"))),
    "too many GPUs in one replica, and a budget that the others break": (
        (PARALLEL, BUDGET), (("CB-01", "5 000.00 USD"), ("QF-09", "one replica needs 16 GPUs"))),
    "too many GPUs in one replica, on the pool of another service": ((MOVED, WIDE), (("QF-09", "one replica needs 16 GPUs"),)),
    "too many GPUs in one replica, and a quota that the other service breaks": (
        (MOVED, WIDE, SMALL), (("QF-04", "more than the 7"), ("QF-05", "assistant-70b 2 × 4"), ("QF-09", "16 GPUs"))),
    "a quota that two services break together": (
        (MOVED, ALWAYS), (("QF-04", "together 18"), ("QF-05", "assistant-70b 2 × 4, chat 5 × 1"))),
    "an unknown instance type, and a budget that the others break": (
        (L40S, BUDGET), (("CB-01", "tenant support"), ("NP-01", "l40s"))),
}


def _environment(folder: Path, edits: tuple[Edit, ...]) -> Path:
    environments = folder / "environments"
    shutil.copytree(ENVIRONMENTS, environments)
    for file, old, new in edits:
        edit(environments / file, old, new)
    return environments


@pytest.mark.parametrize(("edits", "said"), SAID.values(), ids=SAID)
def test_each_mistake_is_said_once(tmp_path: Path, edits: tuple[Edit, ...], said: tuple[tuple[str, str], ...]) -> None:
    findings = preview(load_environment(_environment(tmp_path, edits), "prod"), AS_OF).findings

    assert [finding.rule for finding in findings] == [rule for rule, _ in said], [finding.message for finding in findings]
    for finding, (_, words) in zip(findings, said, strict=True):
        assert words in f"{finding.message} {finding.remedy}"


def test_a_price_that_several_pools_lack_is_one_refusal_and_another_price_another(tmp_path: Path) -> None:
    findings = preview(load_environment(_environment(tmp_path, (DISK, (RESIDENCE[0], RESIDENCE[1], "allowed_regions: [eu-north-1]"))), "prod"),
                       AS_OF).findings

    assert [finding.message.partition(" is unknown")[0] for finding in findings if finding.rule == "CB-05"] == [
        "spec.eks_managed_node_group.instance_type: the price of p4de.24xlarge on demand in eu-north-1",
        "spec.eks_managed_node_group.disk_gib: the price of 500 GiB of gp3 root volume in eu-north-1"]
    assert any("pools a100, a100-mig, l40s need it" in finding.message for finding in findings)


MISSPELT: dict[str, tuple[tuple[Edit, ...], tuple[str, ...]]] = {
    "one field": ((("catalog.yaml", "source:", "sorce:"),), ("sorce",)),
    "two fields": ((("catalog.yaml", "source:", "sorce:"), ("catalog.yaml", "as_of:", "asof:")), ("asof", "sorce")),
    "one field, and another that is missing": (
        (("catalog.yaml", "source:", "sorce:"), ("catalog.yaml", '      as_of: "2026-08-20"\n', "")), ("as_of", "sorce")),
    "a field that is like none": ((("catalog.yaml", "source:", "x:"),), ("source", "x")),
}


@pytest.mark.parametrize(("edits", "fields"), MISSPELT.values(), ids=MISSPELT)
def test_a_misspelt_field_is_not_missing_as_well(tmp_path: Path, edits: tuple[Edit, ...], fields: tuple[str, ...]) -> None:
    with pytest.raises(InvalidSpec) as found:
        load_environment(_environment(tmp_path, edits), "prod")

    assert sorted(error.path.rpartition(".")[2] for error in found.value.errors) == sorted(fields)
