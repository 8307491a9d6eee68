"""The pulumi engine: real state through the Pulumi CLI and its Automation API.

The program runs inline from the same functions as a bare ``pulumi up``, in a working directory that is thrown
away: Pulumi writes a stack's encryption salt there and not into the working tree. The gate has passed and the
cluster's identity is checked before a stack is opened.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import IO, Any

from pulumi import automation as auto
from pulumi.automation.errors import create_command_error

from gpuplane.delivery.exit_status import CannotStart, EngineFailed
from gpuplane.delivery.own_processes import noted
from gpuplane.delivery.secrets_provider import has_passphrase, key_service, needs_passphrase, require_wished, wished
from gpuplane.delivery.state_backend import backend_of, mend
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.spec.environment_spec import EnvironmentSpec, StackKey
from gpuplane.stacks import cluster_identity
from gpuplane.stacks.program import PROJECT, register

INSTALL_HINT = "Install the Pulumi CLI (`make tools` does where the network allows, else see pulumi.com/docs/install)."


@dataclass
class _Running:
    """The Pulumi process at work, so that one interrupt is handed on once."""

    process: subprocess.Popen[str] | None = None
    interrupted: bool = False


@cache
def _cli() -> tuple[str, Any]:
    """The Pulumi CLI and its version, which does not change in a run."""
    try:
        found = auto.PulumiCommand()
    except (OSError, subprocess.CalledProcessError, auto.InvalidVersionError) as error:
        raise CannotStart(f"pulumi, as it is on PATH, cannot be used: {error}. {INSTALL_HINT}") from None
    if found.version is not None and found.version.compare(OLDEST) < 0:
        raise CannotStart(f"the pulumi on PATH is {found.version}; gpuplane needs {OLDEST} or later. {INSTALL_HINT}")
    return found.command, found.version


OLDEST = "3.231.0"
"""Of the Pulumi CLI: the oldest SDK that ``pyproject.toml`` takes, and with it the oldest CLI that anybody runs beside it."""


class DetachedPulumi(auto.PulumiCommand):
    """The Pulumi CLI in a session of its own: a terminal's Ctrl-C does not reach it twice.

    Pulumi takes one interrupt as "finish what is under way, then stop", and a second as "drop everything",
    which leaves pending operations in the state. :meth:`interrupt` sends exactly one.
    """

    def __init__(self) -> None:
        """Without asking for the version again, as the base class does each time.

        Raises:
            CannotStart: the CLI cannot be run, or is too old.
        """
        self.command, self.version = _cli()
        self._running = _Running()

    def interrupt(self) -> None:
        """Ask the running command to stop in good order."""
        self._running.interrupted = True
        if self._running.process is not None and self._running.process.poll() is None:
            self._running.process.send_signal(signal.SIGINT)

    def run(self, args: list[str], cwd: str, additional_env: Mapping[str, str], on_output: Callable[[str], Any] | None = None,
            on_error: Callable[[str], Any] | None = None) -> auto.CommandResult:
        """Run one command as the base class does, in a new session."""
        command = [self.command, "--non-interactive", *args]
        variables = {**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd, env=variables, encoding="utf-8",
                              start_new_session=True) as process, noted(process, variables.get("PULUMI_BACKEND_URL", "")):
            self._running.process = process
            said = [_Said(process.stdout, on_output), _Said(process.stderr, on_error)]
            if self._running.interrupted:  # it came between two commands
                self.interrupt()
            for reader in said:
                reader.join()
            process.wait()
        result = auto.CommandResult(stdout=said[0].text, stderr=said[1].text, code=process.returncode)
        if result.code != 0:
            raise create_command_error(result)
        return result


class _Said(threading.Thread):
    """Reads one stream of a process to its end, line by line."""

    def __init__(self, stream: IO[str] | None, callback: Callable[[str], Any] | None) -> None:
        super().__init__()
        self._stream, self._callback, self._lines = stream, callback, list[str]()
        self.start()

    @property
    def text(self) -> str:
        return "\n".join(self._lines)

    def run(self) -> None:
        for line in self._stream or ():
            self._lines.append(line.rstrip())
            if self._callback is not None:
                self._callback(line.rstrip())


def require_tools(spec: EnvironmentSpec) -> dict[str, str]:
    """Environment variables for Pulumi, once everything it needs is there.

    Raises:
        CannotStart: no CLI, no backend, another backend than the environment says, or no passphrase.
    """
    if shutil.which("pulumi") is None:
        raise CannotStart(f"there is no pulumi on PATH. {INSTALL_HINT}")
    # Python's gRPC takes a company's proxy even to this machine, where the engine listens.
    os.environ.setdefault("no_grpc_proxy", "127.0.0.1,localhost")
    backend = backend_of(spec)
    mend(backend)
    variables = {"PULUMI_BACKEND_URL": backend, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    if needs_passphrase(spec, backend) and not has_passphrase():
        raise CannotStart("the state needs a passphrase: set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE. Where a key "
                          "service encrypts it, environment.yaml says which one: spec.secrets_provider.")
    return variables


def require_cluster(spec: EnvironmentSpec, layers: tuple[str, ...], exported: Mapping[str, str] | None = None) -> None:
    """Return only if the kubeconfig's cluster is the pinned one, where a layer needs it.

    Args:
        exported: outputs of the stack that created the cluster, where it is known by them.

    Raises:
        CannotStart: it is not, or it cannot be read.
    """
    if all(layer == "cluster" for layer in layers):
        return
    problem = None
    if exported is not None:
        problem = cluster_identity.created_mismatch(
            spec, exported[cluster_identity.ENDPOINT], exported[cluster_identity.CERTIFICATE_AUTHORITY])
    problem = problem or cluster_identity.mismatch(spec)
    if problem is not None:
        raise CannotStart(f"{problem} Nothing was touched.")


@contextmanager
def opened(spec: EnvironmentSpec, planned: EnvironmentPlan, key: StackKey, variables: Mapping[str, str],
           command: DetachedPulumi, found: Callable[[Mapping[str, Any]], object] = lambda _: None) -> Iterator[auto.Stack]:
    """One stack, created where it is not there yet, with the secrets provider of the environment.

    Args:
        found: called with the state as it is, before anything is done.

    Raises:
        EngineFailed: Pulumi cannot open it, or its secrets are encrypted by something else than the environment says.
    """
    sys.unraisablehook = _quiet_about_ended_programs
    with tempfile.TemporaryDirectory(prefix="gpuplane-") as folder:
        options = auto.LocalWorkspaceOptions(
            work_dir=folder, env_vars=dict(variables), pulumi_command=command, secrets_provider=wished(spec),
            project_settings=auto.ProjectSettings(name=PROJECT, runtime="python", main=folder))
        try:
            stack = auto.create_or_select_stack(
                name_of(spec, key), project_name=PROJECT, program=lambda: register(spec, planned, key.layer, key.tenant), opts=options)
            state = exported(stack.workspace, command, stack.name)
            require_wished(spec, stack.name, state)
            _settle_settings(stack, state, key_service(spec))
            found(state)
        except auto.CommandError as error:
            raise EngineFailed(reason(error)) from None
        yield stack


def exported(space: auto.Workspace, command: auto.PulumiCommand, name: str) -> dict[str, Any]:
    """What a stack's state holds, its secrets as ciphertexts: the Automation API's own export would have them in the open.

    Raises:
        CommandError: it cannot be read.
    """
    result = command.run(["stack", "export", "--stack", name], space.work_dir, space.env_vars)
    return json.loads(result.stdout).get("deployment") or {}


def _settle_settings(stack: auto.Stack, state: Mapping[str, Any], key: str | None) -> None:
    """Write the stack's settings: no default providers, and secrets encrypted as the state says; where it does not, by this key service."""
    settings = settings_of(state)
    if settings is None:
        try:
            settings = stack.workspace.stack_settings(stack.name)  # of a stack that was just made
        except FileNotFoundError:
            settings = auto.StackSettings(secrets_provider=key)
    settings.config = {"pulumi:disable-default-providers": ["kubernetes", "aws"]}
    stack.workspace.save_stack_settings(stack.name, settings)


def settings_of(deployment: Mapping[str, Any]) -> auto.StackSettings | None:
    """How a state's secrets are encrypted, as a stack's settings; None where the state does not say.

    Without the state's own salt or key Pulumi makes new ones: a wrong passphrase would go unnoticed, and lock everybody else out.
    """
    providers = deployment.get("secrets_providers") or {}
    state = providers.get("state") or {}
    if providers.get("type") == "passphrase":
        return auto.StackSettings(encryption_salt=state.get("salt"))
    if providers.get("type") == "cloud":
        return auto.StackSettings(secrets_provider=state.get("url"), encrypted_key=state.get("encryptedkey"))
    return None


def name_of(spec: EnvironmentSpec, key: StackKey) -> str:
    """Name of a stack."""
    return spec.stack_name(key.layer, key.tenant)


def reason(error: Exception) -> str:
    """Why Pulumi failed, without the log around it; of a lock also who holds it."""
    killed = re.match(r"\s*code: -(\d+)", str(error))
    if killed:
        return f"Pulumi was killed by signal {killed[1]}, and not by this run."
    lines = [line.strip().removeprefix("stderr:").strip() for line in str(error).splitlines()]
    said = [line for line in lines if line.startswith("error:")]
    if any("currently locked" in line for line in said):
        return "\n".join(line for line in lines if line)
    return "\n".join(dict.fromkeys(said)) or "\n".join(line for line in lines if line)[-2000:]


def _quiet_about_ended_programs(unraisable: sys.UnraisableHookArgs) -> None:
    """What Python says of a coroutine whose Pulumi ended before it: the failure itself is reported where it happened."""
    if getattr(unraisable.object, "__name__", "") != "run_in_stack":
        sys.__unraisablehook__(unraisable)
