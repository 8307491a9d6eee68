"""How Kueue shares: by weights, or in its classical way (``fairSharing`` of its Configuration), in the plan and on the cluster."""

from __future__ import annotations

from typing import Any

from gpuplane.components.kueue import FAIR_SHARING
from gpuplane.components.kueue import NAMESPACE as KUEUE_NAMESPACE
from gpuplane.delivery.rehearsal.stage import Stage
from gpuplane.planning.cohorts.environment_tree import shares_fairly
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.yaml_source import parse_text

CONFIG_MAP, CONFIG_KEY = "kueue-manager-config", "controller_manager_config.yaml"
"""Where Kueue's releases keep its Configuration."""
_STRATEGIES = "preemptionStrategies"


def planned_settings(spec: EnvironmentSpec) -> dict[str, Any]:
    """Fields of Kueue's Configuration as the plan has them; None: the field is not there."""
    return {"fairSharing": dict(FAIR_SHARING) if shares_fairly(spec) else None}


def shares_otherwise(stage: Stage) -> str:
    """Why the cluster's Kueue would not do what the plan says, in words; empty where it would, as far as can be seen.

    Kueue reports shares in the status of ClusterQueues where it goes by them, and only there. Its strategies can be seen where its
    ConfigMap is on the cluster.
    """
    if not stage.has_kueue:
        return ""
    fairly, here = shares_fairly(stage.wish), _reports_shares(stage)
    if fairly and not here:
        return ("the plan shares by weights, and Kueue here does not: it was loaded with nothing. Start it with fairSharing: "
                f"{{{_STRATEGIES}: [{', '.join(FAIR_SHARING[_STRATEGIES])}]}} in its Configuration.")
    if here and not fairly:
        return ("Kueue here shares by weights, and the plan has none: it was loaded with nothing. Start it without fairSharing in its "
                "Configuration, or give a tenant a fair_sharing_weight.")
    strategies = _strategies(stage) if fairly else None
    if strategies is not None and strategies != FAIR_SHARING[_STRATEGIES]:
        return (f"Kueue here preempts by {', '.join(strategies)}, and the plan by {', '.join(FAIR_SHARING[_STRATEGIES])}: it was loaded "
                f"with nothing. Set fairSharing.{_STRATEGIES} of its Configuration.")
    return ""


def _reports_shares(stage: Stage) -> bool:
    queues = [view for view in stage.views if view.kind == "ClusterQueue"]
    found = (stage.server.get(stage.server.kinds[view.api_version, view.kind], view.name) or {} for view in queues)
    return any((one.get("status") or {}).get("fairSharing") is not None for one in found)


def _strategies(stage: Stage) -> list[str] | None:
    """Those of the ConfigMap; None where they cannot be seen. Naming none, or an empty list, leaves Kueue its default: the plan's."""
    body = stage.server.get(stage.server.kinds["v1", "ConfigMap"], CONFIG_MAP, KUEUE_NAMESPACE) or {}
    documents, errors = parse_text((body.get("data") or {}).get(CONFIG_KEY, ""), CONFIG_MAP)
    found = documents[0].value if documents and not errors else None
    sharing = found.get("fairSharing") if isinstance(found, dict) else None
    return list(sharing.get(_STRATEGIES) or FAIR_SHARING[_STRATEGIES]) if isinstance(sharing, dict) else None
