"""What of a tenant the rules that look across tenants see, and what is to be known of its other resources: kept beside its render.

To read it takes a third of what the render takes, most of which are alerts, budgets for disruptions and components.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic_core import from_json

from gpuplane.delivery.changes import is_real
from gpuplane.delivery.object_digest import object_digests
from gpuplane.delivery.packed_views import Views, packed, unpacked
from gpuplane.graph.outlines import outlined


@dataclass(frozen=True)
class TenantOutline:
    """A tenant as others see it.

    Attributes:
        views: what :func:`outlined` leaves of all; a provider, which all tenants have, is among them.
        own: all resources that are this tenant's, those that others do not see too: what :func:`object_digests` says of each by its URN,
            or nothing of a component.
        real: how many of all are more than components and providers.
    """

    views: Views
    own: Mapping[str, str]
    real: int


def outline_of(views: Views) -> TenantOutline:
    """The outline of a tenant's resources."""
    mine = [view for view in views if not view.type.startswith("pulumi:")]
    own = {**dict.fromkeys((view.urn for view in mine), ""), **object_digests(mine)}
    return TenantOutline(tuple(seen for view in views if (seen := outlined(view)) is not None), own, sum(map(is_real, views)))


def packed_outline(outline: TenantOutline) -> tuple[bytes, str]:
    """Its resources as :func:`packed` has them, and the rest as JSON."""
    return packed(outline.views), json.dumps({"own": outline.own, "real": outline.real})


def unpacked_outline(views: bytes, rest: str) -> TenantOutline:
    """What :func:`packed_outline` packed.

    Raises:
        ValueError, KeyError, TypeError, zlib.error: it is something else.
    """
    found: Mapping[str, object] = from_json(rest)
    own, real = found["own"], found["real"]
    if not isinstance(own, dict) or not isinstance(real, int) or not set(map(type, own.values())) <= {str}:
        raise ValueError("another kind of row")
    return TenantOutline(unpacked(views), own, real)
