"""Hosts that pods are told to talk to, and whose they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

_URL = re.compile(r"\b([a-z][a-z0-9+.-]{0,30})://(?:[^\s/@\"']*@)?([a-zA-Z0-9][-a-zA-Z0-9.]*)(?::(\d+))?")
_IN_CLUSTER = re.compile(r"^[a-z0-9][-a-z0-9]*\.([a-z0-9][-a-z0-9]*)(?:\.svc(?:\.cluster\.local)?)?$")


def urls(text: str) -> Iterator[tuple[str, str]]:
    """Scheme and ``host:port`` of every URL in a text; what stands before an ``@`` could be secret and is left out."""
    for match in _URL.finditer(text):
        yield match.group(1), match.group(2) + (f":{match.group(3)}" if match.group(3) else "")


def namespace_of(host: str, own: str) -> str | None:
    """Namespace of a Service that a host names; None for one outside the cluster."""
    name = host.partition(":")[0]
    if "." not in name:
        return own
    match = _IN_CLUSTER.match(name)
    return match.group(1) if match is not None and (".svc" in name or name.count(".") == 1) else None
