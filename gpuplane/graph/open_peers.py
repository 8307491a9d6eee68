"""Peers of network policies that are everybody, or that give a pod what is its node's: one judgement for all rules about borders."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from gpuplane.graph.label_selectors import everything
from gpuplane.graph.network_policies import Peer
from gpuplane.graph.resource_view import Unknown, lookup, mapping

_WIDEST_PREFIX = {4: 8, 6: 16}
"""A network that is wider than this is the internet in disguise (``0.0.0.0/1`` and ``128.0.0.0/1`` together are all of it)."""

_NODE_SERVICES = (
    (ipaddress.ip_network("169.254.0.0/16"), (ipaddress.ip_network("169.254.20.10/32"), ipaddress.ip_network("169.254.170.23/32"))),
    (ipaddress.ip_network("fd00:ec2::/32"), (ipaddress.ip_network("fd00:ec2::23/128"),)))
"""Link-local services of a node, instance metadata among them (AWS: 169.254.169.254, fd00:ec2::254), and the addresses that may be
reached: the usual one of a node-local DNS cache, and EKS's Pod Identity agent, which gives a pod its own credentials and no node's."""


def too_wide(peer: Peer) -> str | None:
    """Who a peer is, if that is everybody."""
    if peer.value is None:
        return "everybody"
    if peer.form in ("from", "to"):
        if everything(lookup(peer.value, "namespaceSelector")):
            return "the pods of every namespace"
        if not isinstance(peer.value, Unknown) and not _says_something(mapping(peer.value)):
            return "everybody"
        return _wide_network(lookup(peer.value, "ipBlock", "cidr"))
    if peer.form.endswith("FQDNs"):
        return "every name" if lookup(peer.value, "matchPattern") in ("*", "**") else None
    if peer.form.endswith("Entities"):
        return f"the entity {peer.value}" if peer.value in ("all", "world", "cluster") else None
    return _wide_network(lookup(peer.value, "cidr") if isinstance(peer.value, Mapping) else peer.value)


def _says_something(peer: Mapping[str, Any]) -> bool:
    """Whether a peer names anybody; the API refuses one that does not, but who reads it differently lets everybody through."""
    block = peer.get("ipBlock")
    return "podSelector" in peer or "namespaceSelector" in peer or isinstance(block, Unknown) or "cidr" in mapping(block)


def _wide_network(cidr: Any) -> str | None:
    if not isinstance(cidr, str):
        return None
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return None
    if any(network.version == reserved.version and network.overlaps(reserved) and network not in allowed
           for reserved, allowed in _NODE_SERVICES):
        return f"the network {cidr}, where nodes get their cloud credentials"
    return f"the network {cidr}" if network.prefixlen < _WIDEST_PREFIX[network.version] else None
