"""Names by which pods call each other inside the cluster."""

from __future__ import annotations

import re
from typing import Any

from gpuplane.graph.wiring.index import Index, Service

SERVICE_HOST = re.compile(r"^([a-z0-9][-a-z0-9]*)\.([a-z0-9][-a-z0-9]*)\.svc(?:\.[-a-z0-9.]+)?$")


def service_of_host(index: Index, host: Any) -> Service | None:
    """The Service that a cluster-internal host name means, if the objects hold it."""
    match = SERVICE_HOST.match(host) if isinstance(host, str) else None
    return index.services.get((match.group(2), match.group(1))) if match else None
