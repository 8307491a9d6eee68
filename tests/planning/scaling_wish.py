"""A valid wish whose service ``acme/chat`` KEDA scales by its waiting requests."""

from __future__ import annotations

from tests.planning.wish import Wish, valid

KEDA = {"install": "release", "version": "2.20.2"}
URL = "http://kps-prometheus.monitoring.svc:9090"
HOURS = {"start": "0 7 * * 1-5", "end": "0 20 * * 1-5", "timezone": "Europe/Berlin"}
ASLEEP = {"min_replicas": 0, "max_replicas": 2, "expected_replicas": 0.5, "triggers": {"waiting_requests": 4},
          "scale_to_zero": {"working_hours": HOURS, "idle_seconds": 900}}


def scaled() -> Wish:
    """One to two replicas, four waiting requests each."""
    wish = valid().put("environment spec.keda", KEDA).put("environment spec.monitoring", {"prometheus_url": URL})
    return wish.put("services/acme/chat spec.scaling", {"min_replicas": 1, "max_replicas": 2, "triggers": {"waiting_requests": 4}})


def asleep() -> Wish:
    """The same, down to none outside working hours."""
    return scaled().put("services/acme/chat spec.scaling", ASLEEP)
