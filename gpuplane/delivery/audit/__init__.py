"""The audit: what was planned, judged, approved and done, by whom, in a chain of hashes that shows every later change.

    log = audit_log(spec)
    log.append(AuditEvent("apply", "prod", "support", "done", {"graph": digest}), who_runs_this(), datetime.now(UTC))
"""

from gpuplane.delivery.audit.event import AuditEvent, Record
from gpuplane.delivery.audit.identity import Who, who_from_claims, who_from_environment
from gpuplane.delivery.audit.log import AuditLog, append, audit_log, who_runs_this

__all__ = ["AuditEvent", "AuditLog", "Record", "Who", "append", "audit_log", "who_from_claims", "who_from_environment", "who_runs_this"]
