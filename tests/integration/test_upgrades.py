"""State that a former release wrote, under today's program: nothing is made anew, and a rename is no reason to."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.cluster import Cluster
from tests.integration.golden_states import FOLDER, PASSPHRASE
from tests.integration.work import ROOT

pytestmark = pytest.mark.integration

BY_TENANT = "-tenant-stacks"
RELEASES = sorted(path.name for path in FOLDER.iterdir())
MADE_ANEW: dict[str, set[str]] = {}
"""By release, lines of the preview that a later release could not avoid, each with its reason beside it."""
RENAME = """
from gpuplane.components import former_names
former_names.FORMER = ({rows})
from gpuplane.cli import main
main()
"""
ROW = 'former_names.Former("gpuplane:index:TenantNetwork", was_type="gpuplane:index:TenantWalls", was_name="{name}-walls"),'


class Restored:
    """A golden state in a backend of its own, and the documents that it came from."""

    def __init__(self, folder: Path, release: str, cluster: Cluster) -> None:
        shutil.copytree(FOLDER / release, folder / release)
        self.environments, self.copy, self.folder = folder / release / "environments", folder / release / "copy", folder
        for name in ("state", "tmp"):
            (folder / name).mkdir()
        source = Path(os.environ["KUBECONFIG"]).read_text()
        (folder / "kubeconfig").write_text(json.dumps(_called_test(source, cluster.context)))
        self.variables = {**os.environ, "PULUMI_BACKEND_URL": f"file://{folder}/state", "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE, "NO_COLOR": "1",
                          "PULUMI_SKIP_UPDATE_CHECK": "true", "TMPDIR": str(folder / "tmp"), "KUBECONFIG": str(folder / "kubeconfig")}

    def run(self, *arguments: str, script: str = "") -> str:
        """Run the command line, or a script in its place; returns what it printed."""
        begin = ["-c", script] if script else ["-m", "gpuplane"]
        done = subprocess.run([sys.executable, *begin, *arguments, "--environments", str(self.environments)], cwd=ROOT, env=self.variables,
                              capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def restore(self) -> None:
        """Put the copy into the backend."""
        self.run("state", "restore", "local", str(self.copy), "--before", str(self.folder / "before"), "--yes")


def _called_test(text: str, context: str) -> dict[str, object]:
    """A kubeconfig whose context is called as in the golden documents: Pulumi would take another name for another cluster."""
    import yaml

    found: dict[str, object] = yaml.safe_load(text)
    own = next(one["context"] for one in found["contexts"] if one["name"] == context)  # type: ignore[attr-defined]
    return {**found, "contexts": [{"name": "test", "context": own}], "current-context": "test"}


@pytest.mark.parametrize("release", RELEASES)
def test_state_of_a_release_is_read_and_nothing_is_made_anew(release: str, cluster: Cluster, tmp_path: Path) -> None:
    restored = Restored(tmp_path, release, cluster)
    restored.restore()

    with _there(cluster, tmp_path / "state"):
        said = set(restored.run("preview", "local", "--engine", "pulumi").splitlines())

    lost = {line for line in said if any(f": {word}" in line for word in ("create", "delete", "replace", "create-replacement"))}
    assert lost == MADE_ANEW.get(release, set())
    stacks = json.loads((FOLDER / release / "copy" / "index.json").read_text())["stacks"]
    assert [name for name in stacks if not any(name in line for line in said)] == []


def test_a_stack_for_each_tenant_is_among_what_is_kept() -> None:
    copies = {release: {path.stem for path in (FOLDER / release / "copy").glob("local-*.json")} for release in RELEASES}

    for release in (name for name in RELEASES if not name.endswith(BY_TENANT)):
        assert copies[release] == {"local-platform", "local-tenants"}
        assert len(copies[f"{release}{BY_TENANT}"]) > 2
        assert "local-tenants" not in copies[f"{release}{BY_TENANT}"]


def test_a_renamed_component_keeps_what_is_below_it(cluster: Cluster, tmp_path: Path) -> None:
    """The state is made to be of a release in which a component had another type and another name."""
    restored = Restored(tmp_path, RELEASES[0], cluster)
    restored.restore()
    _call_differently(tmp_path / "state")

    without = restored.run("preview", "local", "--engine", "pulumi", "--layer", "tenants")
    with_row = restored.run("preview", "local", "--engine", "pulumi", "--layer", "tenants", script=RENAME.format(rows=ROW))

    assert "create NetworkPolicy research-default-deny" in without
    assert "delete NetworkPolicy research-walls-default-deny" in without
    assert "create" not in with_row
    assert "delete" not in with_row
    assert "replace" not in with_row


@contextmanager
def _there(cluster: Cluster, state: Path) -> Iterator[None]:
    """The admission policies of a state, for an update asks the API server what is there; without bindings they refuse nothing."""
    resources = [one for file in state.rglob("stacks/gpuplane/*.json") for one in json.loads(file.read_text())["checkpoint"]["latest"]["resources"]]
    held = [one["outputs"] for one in resources if one["type"].endswith(":ValidatingAdmissionPolicy")]
    made = [{"apiVersion": one["apiVersion"], "kind": one["kind"], "metadata": {"name": one["metadata"]["name"]}, "spec": one["spec"]}
            for one in held if cluster.get(one["apiVersion"], one["kind"], one["metadata"]["name"]) is None]
    managers = {one["metadata"]["name"]: one["__fieldManager"] for one in held}
    for body in made:
        cluster.kind(body["apiVersion"], body["kind"]).server_side_apply(
            name=body["metadata"]["name"], body=body, field_manager=managers[body["metadata"]["name"]])
    yield
    cluster.delete(*made)


def _call_differently(state: Path) -> None:
    """Children of a component are called after it, so they had other names as well."""
    file = next(state.rglob("stacks/gpuplane/local-tenants.json"))
    text, renamed = re.subn(r"(gpuplane:index:TenantNetwork(?:\$[^\"]*)?::research)", r"\1-walls", file.read_text())
    assert renamed > 5
    file.write_text(text.replace("gpuplane:index:TenantNetwork", "gpuplane:index:TenantWalls"))
