"""Ports that a network policy opens, and which of them two policies open both."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gpuplane.graph.resource_view import Unknown, items, lookup, unknowns

MOST = 65535
PROTOCOLS = ("TCP", "UDP", "SCTP")


@dataclass(frozen=True, order=True)
class Range:
    """Ports of one protocol, from ``low`` to ``high``; a port by name may be any (pods choose their names)."""

    protocol: str
    low: int = 1
    high: int = MOST

    def __str__(self) -> str:
        if (self.low, self.high) == (1, MOST):
            return f"every {self.protocol} port"
        return f"{self.protocol} {self.low}" if self.low == self.high else f"{self.protocol} {self.low}–{self.high}"


Ports = tuple[Range, ...]
EVERY: Ports = tuple(Range(protocol) for protocol in PROTOCOLS)


def ports(value: Any) -> Ports:
    """``ports`` of a NetworkPolicy's rule; none named are all there are."""
    if any(True for _ in unknowns(value)):
        return EVERY
    return _sorted(_range(lookup(item, "protocol") or "TCP", item) for item in items(value)) or EVERY


def cilium_ports(value: Any) -> Ports:
    """``toPorts`` of a Cilium rule."""
    if any(True for _ in unknowns(value)):
        return EVERY
    found: list[Range] = []
    for item in items(value):
        listed = items(lookup(item, "ports"))
        if not listed:
            return EVERY
        for port in listed:
            protocol = str(lookup(port, "protocol") or "ANY")
            found += [_range(each, port) for each in (PROTOCOLS if protocol == "ANY" else (protocol,))]
    return _sorted(found) or EVERY


@lru_cache(maxsize=4096)
def both(one: Ports, other: Ports) -> Ports:
    """Ports that are in both."""
    if one == EVERY:
        return other
    if other == EVERY:
        return one
    return _sorted(Range(a.protocol, max(a.low, b.low), min(a.high, b.high)) for a in one for b in other
                   if a.protocol == b.protocol and max(a.low, b.low) <= min(a.high, b.high))


@lru_cache(maxsize=4096)
def minus(one: Ports, other: Ports) -> Ports:
    """Ports of the first without those of the second."""
    left = list(one)
    for taken in other:
        left = [Range(each.protocol, low, high) for each in left
                for low, high in ([(each.low, min(each.high, taken.low - 1)), (max(each.low, taken.high + 1), each.high)]
                                  if each.protocol == taken.protocol else [(each.low, each.high)]) if low <= high]
    return _sorted(left)


def named(value: Any) -> bool:
    """Whether ``toPorts`` of a Cilium rule has ports by name, whose numbers pods choose, or such that only apply knows."""
    return any(True for _ in unknowns(value)) or any(
        not str(lookup(port, "port")).isdecimal() for item in items(value) for port in items(lookup(item, "ports")))


@lru_cache(maxsize=4096)
def union(found: frozenset[Ports]) -> Ports:
    """All ports of several openings, without those that a wider range covers."""
    every = _sorted(port for each in found for port in each)
    return tuple(port for port in every if not any(other != port and other.protocol == port.protocol and other.low <= port.low
                                                   and port.high <= other.high for other in every))


@lru_cache(maxsize=4096)
def shown(found: Ports) -> str:
    """Ports in words."""
    if set(EVERY) <= set(found):
        return "every port"
    return ", ".join(str(port) for port in found)


def _range(protocol: Any, item: Any) -> Range:
    port, end = lookup(item, "port"), lookup(item, "endPort")
    name = str(protocol) if not isinstance(protocol, Unknown) else "TCP"
    low = int(port) if not isinstance(port, Unknown) and str(port).isdecimal() else None
    if low is None or low == 0:
        return Range(name)
    return Range(name, low, max(low, int(end)) if not isinstance(end, Unknown) and str(end).isdecimal() else low)


def _sorted(found: Any) -> Ports:
    return tuple(sorted(set(found)))
