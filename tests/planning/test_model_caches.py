"""Weights on the nodes' own disks: what becomes of the wish, and what of it is refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gpuplane.catalog.overlay import catalog_of
from gpuplane.delivery.offline_engine import render
from gpuplane.planning import plan
from gpuplane.planning.environment_plan import EnvironmentPlan
from tests.spec.wish import Wish
from tests.stacks.runtime_services import wish_of

SERVICE, POOL = "services/acme/chat.yaml", "node-pools/h100.yaml"


def _wish(folder: Path, runtime: str = "vllm", size: int = 20, disk: str = "  model_cache: {disk_gib: 100}\n") -> Wish:
    return wish_of(folder, runtime).change(SERVICE, "  placement:\n", f"  model_cache_gib: {size}\n  placement:\n").change(
        POOL, "  gpu: H100-SXM-80GB\n", f"  gpu: H100-SXM-80GB\n{disk}")


def _planned(wish: Wish) -> EnvironmentPlan:
    spec = wish.load()
    return plan(spec, catalog_of(spec), date(2026, 11, 21))


def _objects(wish: Wish) -> dict[str, list[dict[str, Any]]]:
    spec = wish.load()
    found: dict[str, list[dict[str, Any]]] = {}
    for view in render(spec, plan(spec, catalog_of(spec), date(2026, 11, 21))):
        if view.custom:
            found.setdefault(view.kind, []).append(dict(view.props))
    return found


def test_a_tenants_services_share_one_copy_and_download_none_of_their_own(tmp_path: Path) -> None:
    wish = _wish(tmp_path)
    wish.files["services/acme/second.yaml"] = wish.files[SERVICE].replace("name: chat", "name: second")
    found = _objects(wish)

    (cache,), (group,) = found["LocalModelNamespaceCache"], found["LocalModelNodeGroup"]
    services = found["InferenceService"]
    assert cache["spec"] == {"sourceModelUri": services[0]["spec"]["predictor"]["model"]["storageUri"], "modelSize": "20Gi",
                             "nodeGroups": ["h100"]}
    assert (cache["metadata"]["namespace"], group["metadata"]["name"], group["spec"]["storageLimit"]) == ("acme", "h100", "100Gi")
    terms = group["spec"]["persistentVolumeSpec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert terms == [{"matchExpressions": [{"key": "rack", "operator": "In", "values": ["a"]}]}]
    assert len(services) == 2
    for service in services:
        assert service["metadata"]["annotations"]["serving.kserve.io/nodegroup"] == "h100"
        # KServe asks the named container whether it can download the copy's claim, and refuses the pod because it cannot.
        assert "storageContainerName" not in service["spec"]["predictor"]


def test_the_disk_of_a_node_is_in_the_plan(tmp_path: Path) -> None:
    proof = next(proof for proof in _planned(_wish(tmp_path)).proofs if "models are kept on" in proof.claim)

    assert (proof.result, proof.unit, proof.inputs) == ("20", "GiB", (("acme/chat", "20"),))


REFUSED = {
    "a pool that keeps nothing": ({"disk": ""}, "spec.model_cache_gib", "keep no models"),
    "more than the disk": ({"disk": "  model_cache: {disk_gib: 15}\n"}, "spec.model_cache.disk_gib", "15 GiB are set aside"),
    "less than the weights": ({"size": 5}, "spec.model_cache_gib", "5 are kept for them"),
    "weights that are mounted": ({"runtime": "onnxruntime"}, "spec.model_cache_gib", "mounted where they are"),
}


@pytest.mark.parametrize(("how", "path", "claim"), REFUSED.values(), ids=REFUSED.keys())
def test_a_copy_that_cannot_be_kept_is_refused(how: dict[str, Any], path: str, claim: str, tmp_path: Path) -> None:
    refusal, = _planned(_wish(tmp_path, **how)).refusals

    assert (refusal.rule, refusal.path) == ("QF-10", path)
    assert claim in refusal.claim
