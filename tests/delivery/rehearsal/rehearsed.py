"""A small rehearsal as it would be found, for reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from gpuplane.delivery.rehearsal.applied import LeftOut
from gpuplane.delivery.rehearsal.claim import Claim
from gpuplane.delivery.rehearsal.observation import Eviction, Moment
from gpuplane.delivery.rehearsal.rehearsal import Rehearsal
from gpuplane.delivery.rehearsal.stage import Step

AGREED = Claim("maximum load", "acme", "acme/chat", "replicas that hold quota", "admission", "2 of 2 admitted", "2 of 2 admitted", "agree")
WRONG = replace(AGREED, subject="acme/batch", planned="3 of 3 admitted", observed="2 of 3 admitted", verdict="disagree", why="quota was lowered")
OPEN = replace(AGREED, subject="beta/<i>rank", observed="", verdict="not rehearsed", why="no Kueue here")


def found(*claims: Claim) -> Rehearsal:
    """One step of ten seconds with these claims."""
    return Rehearsal(
        "prod", date(2026, 8, 1), "https://127.0.0.1:1", {"Kueue": True, "KServe": True}, 12,
        (LeftOut("NodeGroup (1)", "made by the cloud, which is not there"),), (), claims, (Step("maximum load", "5 replicas", 1.0, 11.0),),
        (Moment(1.5, "acme/chat", 0, 1, 1), Moment(2.0, "acme/chat", 2, 2, 0), Moment(3.0, "acme/batch", 1, 1, 2), Moment(7.0, "acme/batch", 2, 2, 1)),
        (Eviction(5.0, "acme/batch", "Preempted"),), "", 11.0)
