"""What people write is looked at itself, whether or not it is rendered, and is told with its line."""

from datetime import date
from pathlib import Path

import pytest

from gpuplane.delivery.preview import preview
from gpuplane.delivery.spec_documents import document_views, literal_findings
from gpuplane.spec.loader import environment_names, load_environment
from tests.spec.wish import Wish

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2026, 11, 21)
TOKEN = "ghp" + "_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5"
FOLDERS = [ROOT / "environments", *sorted((ROOT / "docs" / "examples").glob("*/environments"))]


@pytest.mark.parametrize(("file", "old", "new", "rule", "kind", "field"), [
    ("tenants/acme.yaml", "  cohort: shared\n", "  cohort: shared\n  cost_center: 4111-1111-1111-1111\n", "PII-12", "Tenant", "spec.cost_center"),
    ("tenants/acme.yaml", "  cohort: shared\n", f"  cohort: shared\n  cost_center: {TOKEN}\n", "PII-13", "Tenant", "spec.cost_center"),
    ("node-pools/h100.yaml", "asset ledger", "ledger of jane.doe@example.com", "PII-12", "NodePool", "spec.existing_nodes.price_source"),
    ("exemptions.yaml", "the driver container loads a kernel module", "536-90-4399 asked for it", "PII-12", "Exemptions",
     "spec.exemptions[0].reason")])
def test_a_literal_in_a_document_is_told_with_its_line(tmp_path: Path, file: str, old: str, new: str, rule: str, kind: str, field: str) -> None:
    wish = Wish(tmp_path).change(file, old, new)
    finding, = literal_findings(wish.load(), DAY)

    assert (finding.rule, finding.kind, finding.field) == (rule, kind, field)
    assert new.splitlines()[-1] in Path(finding.file).read_text().splitlines()[finding.line - 1]
    assert TOKEN not in finding.message


def test_it_stops_the_preview_and_is_said_once(tmp_path: Path) -> None:
    wish = Wish(tmp_path).change("tenants/acme.yaml", "  cohort: shared\n", "  cohort: shared\n  cost_center: 4111-1111-1111-1111\n")
    found = [finding for finding in preview(wish.load(), DAY).findings if finding.rule == "PII-12"]

    assert [(finding.kind, finding.name, finding.blocks) for finding in found] == [("Tenant", "acme", True)]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_our_own_environments_hold_none(folder: Path) -> None:
    for name in environment_names(folder):
        spec = load_environment(folder, name)
        assert len(list(document_views(spec))) >= 1 + len(spec.tenants) + len(spec.pools)
        assert literal_findings(spec, DAY) == []
