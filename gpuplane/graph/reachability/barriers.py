"""What policies close again: Cilium's deny rules, which count over whatever a policy opens (docs.cilium.io, "Deny Policies").

A way may lead through where labels or a port exist that no barrier names: each barrier is passed by its near end, its far end, or its
ports.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gpuplane.graph.reachability.labels import Demand, possible
from gpuplane.graph.reachability.ports import Ports, both, minus, union

Ends = tuple[frozenset[Demand], frozenset[Demand]]
"""Demands that the labels of one end meet, and such that they do not."""
_MOST = 8
"""Barriers between two ends that are looked at; with more, a way counts as open: the search doubles with each."""


@dataclass(frozen=True)
class Barrier:
    """One deny rule between two namespaces.

    Attributes:
        source, target: which of their pods it keeps apart.
        ports: on which ports of the target.
        sure: whether it surely does; only apply may know its names, ports or selectors.
    """

    source: Demand
    target: Demand
    ports: Ports
    sure: bool = True


def still_open(source: Ends, target: Ends, ports: Ports, barriers: Sequence[Barrier], surely: bool) -> Ports:
    """Ports of a way that no barrier closes for every pod of both ends.

    Args:
        source, target: what the pods at each end have to be like.
        ports: what is open without barriers.
        barriers: what closes.
        surely: whether it has to be open whatever is not known yet; then barriers that are not sure count as well.
    """
    counted = [each for each in barriers if surely or each.sure]
    return _open(source, target, ports, counted[:_MOST] if not surely else counted, surely) if len(counted) <= _MOST or not surely else ()


def _open(source: Ends, target: Ends, ports: Ports, barriers: Sequence[Barrier], surely: bool) -> Ports:
    if not ports or not possible(*source, surely=surely) or not possible(*target, surely=surely):
        return ()
    if not barriers:
        return ports
    first, others = barriers[0], barriers[1:]
    if not both(ports, first.ports):
        return _open(source, target, ports, others, surely)
    left = [_open(source, target, minus(ports, first.ports), others, surely),
            _open((source[0], source[1] | {first.source}), target, ports, others, surely),
            _open(source, (target[0], target[1] | {first.target}), ports, others, surely)]
    return union(frozenset(left))
