"""What a rule says to the API server: its CEL form, for the part of it that one object decides.

A rule in Python sees the whole platform before apply; its CEL form is the backstop for what no pipeline has seen. It never says more
than the rule does: tests/integration/test_admission_policies_agree.py puts both to the same objects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Admission:
    """One expression of a rule, for a ValidatingAdmissionPolicy.

    Attributes:
        each: what ``holds`` speaks of: ``container`` (``c``, of the pod spec ``pod``), ``pod`` (``pod``) or ``object`` (``object``).
        holds: CEL, true for what the rule passes; ``has()`` and optional fields as Kubernetes 1.30 has them.
        message: what the API server answers where it does not hold.
        severity: where it is not the rule's; critical and high deny, medium and low warn, as in a report.
        whole: True for what must be set: only asked of kinds that hold all of a pod, not where an operator adds to it.
        ephemeral: whether ephemeral containers are asked as well.
        namespaces: ``tenants``, or all ``others``.
        resources: for ``object``: what it looks at, as (API group, resource); the kinds with pods where it is empty.
        variables: CEL by name, for ``variables.NAME``.
        beyond: titles of the rule's failing examples that need more than one object, so that the API server cannot see what is wrong.
    """

    each: Literal["container", "pod", "object"]
    holds: str
    message: str
    severity: str = ""
    whole: bool = False
    ephemeral: bool = True
    namespaces: Literal["tenants", "others"] = "tenants"
    resources: tuple[tuple[str, str], ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    beyond: tuple[str, ...] = ()


WINDOWS = "pod.?os.?name.orValue('') == 'windows'"
"""CEL: whether a pod says that it runs on Windows, where Linux' settings may not be written."""
USER_NAMESPACE = "!pod.?hostUsers.orValue(true)"
"""CEL: whether root in a pod is nobody on the node."""


def everywhere(field: str, holds: str, default: str) -> str:
    """CEL: a setting of security contexts holds in the pod and in the container ``c``.

    Args:
        field: below ``securityContext``, e.g. ``windowsOptions.hostProcess``.
        holds: what must hold for the value, written as ``{}``.
        default: CEL of the value that stands for one that is left out.
    """
    path = ".?".join(("securityContext", *field.split(".")))
    return " && ".join(f"({holds.format(f'{whose}.?{path}.orValue({default})')})" for whose in ("pod", "c"))
