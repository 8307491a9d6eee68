"""Which failures pass by themselves: only those are tried again, and never one that says no.

A failure is transient when each of its messages is: one refusal among ten timeouts is a refusal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

NEVER: tuple[tuple[str, str], ...] = (
    (r"denied the request", "an admission webhook or policy says no"),
    (r"is forbidden", "RBAC, a quota or an admission plugin says no"),
    (r"is invalid:|Invalid value|Required value|Unsupported value|strict decoding error|unknown field", "validation"),
    (r"field is immutable|cannot be updated|may not change once set", "validation"),
    (r"Apply failed with \d+ conflicts?|conflict(s)? with \"", "another field manager owns the field: waiting does not change that"),
    (r"AccessDenied|UnauthorizedOperation|not authorized|Unauthorized\b|InvalidClientTokenId|ExpiredToken", "credentials"),
    (r"\bLimitExceeded\b|VcpuLimitExceeded|InsufficientInstanceCapacity|exceeded quota", "a limit of the account"),
    (r"ValidationException|InvalidParameter|MalformedPolicy|InvalidRequest\b", "AWS validation"),
    (r"is protected|cannot be deleted\s+because it is protected", "protected"),
    (r"policy (violation|pack)|mandatory polic", "CrossGuard"),
    (r"no matches for kind|could not find the requested resource", "a CRD is not there"),
)
"""Patterns of failures that no waiting heals, and why; they win over :data:`TRANSIENT`."""

TRANSIENT: tuple[tuple[str, str], ...] = (
    (r"connection refused|connection reset by peer|broken pipe|unexpected EOF|\bEOF\b|parse error: unexpected end of JSON",
     "the network, or a server that restarts"),
    (r"no such host|network is unreachable|no route to host|temporary failure in name resolution", "the network"),
    (r"the API server cannot be reached|cluster is unreachable", "the network"),
    (r"TLS handshake timeout|i/o timeout|context deadline exceeded|Client\.Timeout|request timed out|timed out waiting", "a timeout"),
    (r"http2: client connection lost|server sent GOAWAY|use of closed network connection", "a connection that ended"),
    (r"the object has been modified; please apply your changes to the latest version", "Kubernetes 409: somebody was faster"),
    (r"OptimisticLock|StorageError: invalid object.*Precondition failed", "Kubernetes 409"),
    (r"etcdserver: (leader changed|request timed out|too many requests)", "etcd"),
    (r"server is currently unable to handle the request|the server is currently unable|ServiceUnavailable|apiserver is shutting down",
     "Kubernetes 503"),
    (r"list bucket: blob \(code=NotFound\): lstat \S*\.tmp", "another stack of the same file:// backend was written in the same moment"),
    (r"stack '[^']*' already exists", "another run made the stack in the same moment"),
    (r"Internal error occurred(?!: failed calling webhook)", "Kubernetes 500"),
    (r"TooManyRequests|too many requests|client rate limiter|the server has received too many requests", "Kubernetes 429"),
    (r"failed calling webhook.*(no endpoints available|connection refused|deadline exceeded|EOF|i/o timeout)",
     "a webhook that is not up yet"),
    (r"because it is being terminated|object is being deleted", "the former one is still going"),
    (r"Throttling|ThrottledException|RequestLimitExceeded|Rate exceeded|SlowDown|TooManyRequestsException|PriorRequestNotComplete",
     "AWS throttling (botocore's legacy and standard retry modes list these codes)"),
    (r"RequestTimeout|InternalError\b|InternalFailure|InternalServerError|ServiceUnavailableException|\b50[0234]\b (Bad|Gateway|Service)",
     "AWS 5xx"),
    (r"OperationAborted|ConflictException.*in progress|ResourceInUseException.*in progress|currently has update in progress",
     "another operation on the same AWS resource"),
)
"""Patterns of failures that pass, and what they are."""

_NEVER = re.compile("|".join(f"(?:{pattern})" for pattern, _ in NEVER), re.IGNORECASE)
_TRANSIENT = re.compile("|".join(f"(?:{pattern})" for pattern, _ in TRANSIENT), re.IGNORECASE | re.DOTALL)
_SAYS_NOTHING = re.compile(r"^(error: )?(update failed|preview failed|resource monitor has terminated|resource .*failed)?[ .,:]*$"
                           r"|one or more (resources|errors)|program exited with", re.IGNORECASE)
"""What Pulumi says beside the reason."""


def says_no(message: str) -> bool:
    """Whether somebody answered, and said no."""
    return _NEVER.search(message) is not None


def is_transient(messages: Iterable[str]) -> bool:
    """Whether trying again may help: every message that says something names a failure that passes."""
    telling = [message for message in messages if not _SAYS_NOTHING.search(message.strip())]
    return bool(telling) and all(_TRANSIENT.search(message) and not says_no(message) for message in telling)


def pause_seconds(attempt: int, fraction: float, first: float = 2.0, most: float = 60.0) -> float:
    """How long to wait after a failed attempt: twice as long each time, and spread so that stacks do not come back together.

    Args:
        attempt: 1 after the first.
        fraction: 0 to 1, by chance.
        first, most: seconds.
    """
    whole: float = min(first * 2 ** (attempt - 1), most)
    return whole / 2 + fraction * whole / 2
