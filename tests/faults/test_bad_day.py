"""A few faults of the table one after another on one stack, each on what the one before left, and then one run that converges."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.faults.bed import Bed
from tests.faults.control_plane import ControlPlane
from tests.faults.judge import require_audit_whole, require_converges, require_no_secret
from tests.faults.objects import no_webhook, webhook
from tests.faults.state import cut_to
from tests.integration.cluster import Cluster


@pytest.fixture
def bed(direct: Cluster, plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    made = Bed(tmp_path_factory.mktemp("day"), "badday", direct, plane, layer=())
    yield made
    made.end()
    left = made.run("destroy", "local", "--yes")
    made.close()
    assert left.status == 0, left.said


def test_a_bad_day_ends_well(bed: Bed) -> None:
    killed = bed.start()
    killed.wait_for("applying local-tenants")
    killed.wait_for(" created", 26)
    killed.kill()
    assert killed.end().status == -9
    kept = bed.stack_file.read_bytes()

    stranger = bed.up("--layer", "tenants", variables={"PULUMI_CONFIG_PASSPHRASE": "another one"})
    broken = cut_to(0.5)(bed)
    bed.stack_file.write_bytes(kept)
    webhook(bed)
    alone = bed.up("--layer", "tenants", "--attempts", "1")
    no_webhook(bed)

    assert stranger.status == 3
    assert "is not what the secrets of local-tenants were encrypted with" in stranger.stderr
    assert broken.status == 3
    assert re.search(r"gpuplane state restore local \S+/gpuplane-states/\S+ --stack local-tenants", broken.stderr), broken.stderr
    assert alone.status in (0, 3)  # it may have been made before the run was killed
    require_converges(bed)
    require_audit_whole(bed)
    require_no_secret(bed)
