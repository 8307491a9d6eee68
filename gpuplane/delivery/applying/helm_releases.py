"""Helm releases as the environment's cluster has them: by the labels of the Secrets in which Helm keeps each revision."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gpuplane.delivery.applying.live_objects import client
from gpuplane.delivery.exit_status import EngineFailed
from gpuplane.spec.environment_spec import EnvironmentSpec

_TIMEOUT_SECONDS = 30
_LABELS_ALONE = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""What a release holds (values among it) stays in the cluster."""
_PREFIX = "sh.helm.release.v1."


def is_there(spec: EnvironmentSpec, wanted: Mapping[str, Any]) -> bool | None:
    """Whether a release by that name and namespace is installed; None where these credentials may not see it.

    Raises:
        EngineFailed: the cluster cannot be asked.
    """
    try:
        secrets = client(spec.environment.spec.cluster.context).resources.get(api_version="v1", kind="Secret")
        found = secrets.get(namespace=wanted["namespace"], label_selector=f"owner=helm,name={wanted['name']}",
                            header_params={"Accept": _LABELS_ALONE}, _request_timeout=_TIMEOUT_SECONDS).to_dict()
    except Exception as error:
        status = getattr(error, "status", None)
        if status in (401, 403):
            return None
        raise EngineFailed(f"the Helm release {wanted['name']} cannot be looked for: {status or type(error).__name__}") from None
    return installed(found["items"], wanted["name"])


def installed(secrets: list[Mapping[str, Any]], name: str) -> bool:
    """Whether a release is installed, by its Secrets: one that was uninstalled may have left its history."""
    own = [one["metadata"] for one in secrets]
    revisions = {int(found[1]): one for one in own if (found := re.fullmatch(rf"{re.escape(_PREFIX + name)}\.v([0-9]+)", one["name"]))}
    return bool(revisions) and (revisions[max(revisions)].get("labels") or {}).get("status") != "uninstalled"
