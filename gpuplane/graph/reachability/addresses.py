"""Addresses of a network policy's blocks: whether pods or a node's metadata service can be among them."""

from __future__ import annotations

import ipaddress

from gpuplane.graph.reachability.openings import Block

METADATA = (ipaddress.ip_address("169.254.169.254"), ipaddress.ip_address("fd00:ec2::254"))
"""Instance metadata of AWS, Google Cloud and Azure (IPv4), and of AWS (IPv6)."""


def pods_inside(block: Block) -> bool | None:
    """Whether pods are among the addresses: surely in all addresses, never in link-local or public IPv4 ones, else not known."""
    network = block.network
    if network is None:
        return None
    if network.prefixlen == 0:
        return True if not block.without else None
    never = network.is_link_local or network.is_loopback or network.is_multicast or (network.version == 4 and network.is_global)
    return False if never else None


def holds(block: Block, addresses: tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, ...]) -> bool:
    """Whether one of the addresses is, or may be, inside."""
    if block.network is None:
        return True
    return any(address.version == block.network.version and address in block.network
               and not any(address.version == each.version and address in each for each in block.without) for address in addresses)
