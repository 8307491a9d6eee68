"""Where Pulumi keeps the state of an environment: what `pulumi login` or PULUMI_BACKEND_URL says, checked against the documents."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import unquote

from gpuplane.delivery.exit_status import CannotStart
from gpuplane.spec.environment_spec import EnvironmentSpec


def backend_of(spec: EnvironmentSpec) -> str:
    """URL of the backend (``file://``, ``s3://``, ``gs://``, ``azblob://`` or ``https://``).

    Raises:
        CannotStart: none is set, or another one than the environment says.
    """
    settings = spec.environment.spec
    found = os.environ.get("PULUMI_BACKEND_URL") or _logged_in()
    if found is None and settings.cloud == "existing" and not settings.protected:
        found = f"file://{state_home()}"
    if found is None:
        raise CannotStart("no Pulumi backend is set: run `pulumi login`, or set PULUMI_BACKEND_URL.")
    if settings.state_backend is not None and found != settings.state_backend:
        raise CannotStart(f"{spec.name} keeps its state in {settings.state_backend}, but Pulumi is set to {found}.")
    _require_folder(found)
    return found


def folder_of(backend: str) -> Path | None:
    """The folder of a backend of files, found as Pulumi finds it (``%20`` is a space); None of any other."""
    scheme, _, path = backend.partition("://")
    return Path(unquote(path.partition("?")[0]) or ".").expanduser() if scheme == "file" else None


def _require_folder(backend: str) -> None:
    """Return only if a backend of files has its folder: Pulumi would begin an empty state where a disk is not mounted.

    Raises:
        CannotStart: it is not there.
    """
    folder = folder_of(backend)
    if folder is not None and not folder.is_dir():
        raise CannotStart(f"Pulumi is to keep the state in {backend}, and there is no folder {folder}. Mount it; for a state that begins "
                          f"here: mkdir -p {folder}. Nothing was touched.")


def mend(backend: str) -> None:
    """Take away what a killed run has cut off beside the state in a backend of files.

    Beside each file Pulumi's file store writes one with its content type, not all at once: killed in the middle it leaves it empty, and
    every later command ends with ``EOF``. It says nothing about the state, and is done without where it is not there.
    """
    folder = folder_of(backend)
    if folder is None:
        return
    for place in ("meta.yaml.attrs", "stacks/**/*.attrs", "locks/**/*.attrs"):
        for file in (folder / ".pulumi").glob(place):
            try:
                json.loads(file.read_bytes())
            except ValueError:
                file.unlink(missing_ok=True)
            except OSError:
                continue  # a lock that has just gone


def _logged_in() -> str | None:
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    try:
        return json.loads((home / "credentials.json").read_text()).get("current") or None
    except (OSError, ValueError, AttributeError):
        return None


def state_home() -> Path:
    """Where the state of a throw-away environment goes when nothing else is said: never the working tree."""
    home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "gpuplane"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    return home
