"""What one case breaks: tenants of its own, each with one service, a state of its own, and a proxy of its own before the API server."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.control_plane import TOKEN, ControlPlane, kubeconfig, wait_until
from tests.faults.proxy import Proxy
from tests.integration.cluster import Cluster
from tests.integration.warm import WarmGpuplane

ROOT = Path(__file__).resolve().parents[2]
PASSPHRASE = "a passphrase that no output may show"
LAYER = ("--layer", "tenants")


@dataclass(frozen=True)
class Done:
    """A command that ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        return f"{self.stdout}\n{self.stderr}"


class Running:
    """A command under way; stderr goes to a file that can be looked at."""

    def __init__(self, command: list[str], variables: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("w") as sink:
            self.process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=subprocess.DEVNULL, stderr=sink, start_new_session=True)

    def wait_for(self, text: str, times: int = 1) -> None:
        """Return once the command has said something."""
        wait_until(lambda: self.log.read_text().count(text) >= times or self.process.poll() is not None, f"{text!r} is said", 90)
        assert self.log.read_text().count(text) >= times, f"ended without {text!r}: {self.log.read_text()}"

    def family(self) -> list[tuple[int, str]]:
        """The processes that it started, with their names, the nearest first."""
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,comm="], capture_output=True, text=True, check=True).stdout
        rows = [line.split(None, 2) for line in listed.splitlines()]
        found, frontier = list[tuple[int, str]](), {self.process.pid}
        while frontier:
            below = [(int(pid), name) for pid, parent, name in rows if int(parent) in frontier]
            found += below
            frontier = {pid for pid, _ in below}
        return found

    def kill(self, *names: str) -> None:
        """SIGKILL the command (``gpuplane``) or processes below it by the beginning of their names; nothing named: all of them."""
        below = self.family()
        if not names or "gpuplane" in names:
            self.process.kill()
        for pid, name in below:
            if not names or name.startswith(tuple(names)):
                _kill(pid)

    def end(self) -> Done:
        """Wait until it is over."""
        status = self.process.wait(180)
        return Done(status, "", self.log.read_text())


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@dataclass
class Bed:
    """One case's world.

    Attributes:
        folder: its own.
        tenant: the name of its tenant, which no other case has.
        others: tenants beside it, where each has a stack of its own; their names begin like its.
        cluster: a direct way to the API server.
        plane: the control plane, where the case has one that it may kill; a proxy stands before it.
        base: a folder with a state in which the platform is applied, where it is.
        layer: options that say what is applied.
        warm: the command line, loaded; None where each command loads it.
    """

    folder: Path
    tenant: str
    cluster: Cluster
    plane: ControlPlane | None = None
    base: Path | None = None
    layer: tuple[str, ...] = LAYER
    warm: WarmGpuplane | None = None
    others: tuple[str, ...] = ()
    heard: list[str] = field(default_factory=list)
    running: list[Running] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.base is not None:
            shutil.copytree(self.base / "state", self.state)
        self.state.mkdir(exist_ok=True)
        self.documents = self.folder / "environments" / "local"
        write_documents(self.documents, (self.tenant,))
        self.edit("environment.yaml", "context: test", f"context: {self.cluster.context}")
        config = Path(os.environ["KUBECONFIG"])
        if self.plane is not None:
            self.proxy = Proxy(self.plane.server, TOKEN, self.plane.authority)
            config = self.folder / "kubeconfig"
            config.write_text(json.dumps(kubeconfig(self.proxy.url, {})))
        self.variables = variables_of(self.folder, config)

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def tenants(self) -> tuple[str, ...]:
        return (self.tenant, *self.others)

    @property
    def stacks(self) -> tuple[str, ...]:
        return tuple(f"local-tenants-{tenant}" for tenant in self.tenants) if self.others else ("local-tenants",)

    @property
    def stack(self) -> str:
        return self.stacks[0]

    @property
    def stack_file(self) -> Path:
        return self.file_of(self.stack)

    @property
    def locks(self) -> Path:
        return self.locks_of(self.stack)

    def file_of(self, stack: str) -> Path:
        """Where the backend keeps a stack's state."""
        return self.state / ".pulumi" / "stacks" / "gpuplane" / f"{stack}.json"

    def locks_of(self, stack: str) -> Path:
        """Where the backend keeps a stack's locks."""
        return self.state / ".pulumi" / "locks" / "organization" / "gpuplane" / stack

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "gpuplane", *arguments, "--environments", str(self.folder / "environments")]

    def run(self, *arguments: str, variables: dict[str, str] | None = None, preexec: Callable[[], object] | None = None) -> Done:
        """Run the command line to its end; in a process that has loaded it, unless something is to be done to it before."""
        own = {**self.variables, **(variables or {})}
        if self.warm is not None and preexec is None:
            done = self.warm.run([*arguments, "--environments", str(self.folder / "environments")], own, ROOT, 240)
        else:
            done = subprocess.run(self.command(*arguments), cwd=ROOT, env=own, capture_output=True, text=True, check=False, timeout=240,
                                  preexec_fn=preexec)
        self.heard.append(f"{done.stdout}\n{done.stderr}")
        return Done(done.returncode, done.stdout, done.stderr)

    def up(self, *arguments: str, variables: dict[str, str] | None = None) -> Done:
        """Apply the tenants' layer."""
        return self.run("up", "local", *self.layer, *arguments, variables=variables)

    def start(self, *arguments: str) -> Running:
        """Begin to apply the tenants' layer."""
        return self.begin(self.command("up", "local", *self.layer, *arguments))

    def begin(self, command: list[str]) -> Running:
        """Start a command of whatever sort."""
        found = Running(command, self.variables, self.folder / f"run-{len(self.running)}.log")
        self.running.append(found)
        return found

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace text in one document; it must be there."""
        path = self.documents / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new, 1))

    def deployment(self, stack: str = "") -> dict[str, Any]:
        """What a stack holds, as its file has it; left out, the tenants' stack."""
        file = self.file_of(stack or self.stack)
        if not file.is_file():
            return {}
        found: dict[str, Any] = json.loads(file.read_text())["checkpoint"].get("latest") or {}
        return found

    def held(self, stack: str = "") -> list[str]:
        """URNs of the Kubernetes objects in the state."""
        return [one["urn"] for one in self.deployment(stack).get("resources") or () if one["type"].startswith("kubernetes:")]

    def close(self) -> None:
        """End what still runs, and the proxy."""
        self.end()
        if self.plane is not None:
            self.proxy.close()

    def end(self) -> None:
        """End what still runs."""
        for one in self.running:
            self.heard.append(one.log.read_text())
            one.kill()
            one.process.wait(20)

    def heal(self) -> None:
        """The network is back, and the control plane runs."""
        if self.plane is not None:
            self.proxy.heal()
            self.plane.heal()


def write_documents(folder: Path, tenants: tuple[str, ...]) -> None:
    """The local environment, with nothing but some tenants that are like ``research``."""
    shutil.copytree(ROOT / "environments" / "local", folder, ignore=shutil.ignore_patterns("tenants", "services"))
    (folder / "tenants").mkdir()
    write_tenants(folder, tenants)


def write_tenants(folder: Path, tenants: tuple[str, ...]) -> None:
    """Documents of some tenants, each with one service."""
    source = ROOT / "environments" / "local"
    wish = (source / "tenants" / "research.yaml").read_text()
    for old, new in (("  cohort: shared\n", ""), ("      borrowing_limit: 4           # what support and search lend\n", ""),
                     ("      borrowing_limit: 1\n", ""), ("nominal_quota: 4", "nominal_quota: 2")):
        assert old in wish
        wish = wish.replace(old, new)
    for tenant in tenants:
        (folder / "tenants" / f"{tenant}.yaml").write_text(wish.replace("name: research\n", f"name: {tenant}\n"))
        (folder / "services" / tenant).mkdir(parents=True)
        service = (source / "services" / "research" / "resnet50.yaml").read_text().replace("max_replicas: 2", "max_replicas: 1")
        (folder / "services" / tenant / "resnet50.yaml").write_text(service.replace("    may_borrow: true               # replicas on borrowed GPUs go when their owner wants them back\n", ""))


def variables_of(folder: Path, config: Path) -> dict[str, str]:
    """The environment of a command: a state, a home and a temporary folder of its own."""
    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    own = {"KUBECONFIG": str(config), "PULUMI_BACKEND_URL": f"file://{folder}/state", "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
           "PULUMI_SKIP_UPDATE_CHECK": "true", "TMPDIR": str(folder / "tmp"), "XDG_STATE_HOME": str(folder / "home"), "NO_COLOR": "1"}
    return {**os.environ, **own}

