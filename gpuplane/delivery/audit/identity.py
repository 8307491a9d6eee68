"""Who did it, and how far that is proven.

A CI job's variables say who started it; whoever controls the job can set them. Claims of an OIDC token count as proven only where the
caller has verified the token's signature: gpuplane itself verifies none. On a laptop there is a login name, and no proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

Proof = Literal["oidc", "ci-environment", "none"]

_GITHUB: Final = {"actor": "GITHUB_TRIGGERING_ACTOR", "actor_id": "GITHUB_ACTOR_ID", "repository": "GITHUB_REPOSITORY",
                  "workflow_ref": "GITHUB_WORKFLOW_REF", "event_name": "GITHUB_EVENT_NAME", "ref": "GITHUB_REF", "sha": "GITHUB_SHA",
                  "run_id": "GITHUB_RUN_ID", "run_attempt": "GITHUB_RUN_ATTEMPT"}
_GITLAB: Final = {"actor": "GITLAB_USER_LOGIN", "actor_id": "GITLAB_USER_ID", "repository": "CI_PROJECT_PATH",
                  "workflow_ref": "CI_CONFIG_PATH", "event_name": "CI_PIPELINE_SOURCE", "ref": "CI_COMMIT_REF_NAME",
                  "sha": "CI_COMMIT_SHA", "run_id": "CI_PIPELINE_ID", "run_attempt": "CI_JOB_ID"}
_CLAIMS: Final = (*_GITHUB, "iss", "sub", "aud", "environment", "job_workflow_ref", "user_login", "user_id", "project_path", "pipeline_id",
                  "job_id", "namespace_path")
"""What is kept of a token: who, where and what for; never the token."""


@dataclass(frozen=True)
class Who:
    """Who did something.

    Attributes:
        name: login name.
        provider: ``github-actions``, ``gitlab-ci``, ``local`` or the issuer of a token.
        proof: ``oidc``: claims of a token that the caller verified; ``ci-environment``: what the CI job's variables say; ``none``.
        run: address of the CI run; empty for none.
        claims: what else is known, by its name in the OIDC tokens of both platforms.
    """

    name: str
    provider: str
    proof: Proof
    run: str = ""
    claims: Mapping[str, str] = field(default_factory=dict)

    def value(self) -> dict[str, Any]:
        """As JSON knows it."""
        return {"name": self.name, "provider": self.provider, "proof": self.proof, "run": self.run, "claims": dict(self.claims)}

    @staticmethod
    def read(value: Any) -> Who:
        """From JSON.

        Raises:
            ValueError: it is no such thing.
        """
        if not isinstance(value, dict) or value.keys() != {"name", "provider", "proof", "run", "claims"}:
            raise ValueError("has no such member who")
        claims = value["claims"]
        texts = [value["name"], value["provider"], value["run"], *(claims.values() if isinstance(claims, dict) else [None])]
        if not all(isinstance(text, str) for text in texts) or value["proof"] not in get_args(Proof):
            raise ValueError("has a member who of wrong types")
        return Who(**value)

    def __str__(self) -> str:
        proven = {"oidc": ", proven", "ci-environment": "", "none": ", unproven"}[self.proof]
        return f"{self.name} ({self.provider}{proven})"


def who_from_environment(variables: Mapping[str, str], user: str) -> Who:
    """Who runs this, by the variables of GitHub Actions or GitLab CI; else the local user, unproven.

    Args:
        variables: of the process.
        user: login name of the local user.
    """
    if variables.get("GITHUB_ACTIONS") == "true":
        claims = _found(variables, _GITHUB)
        server, run = variables.get("GITHUB_SERVER_URL", ""), claims.get("run_id", "")
        address = f"{server}/{claims.get('repository', '')}/actions/runs/{run}" if server and run else ""
        return Who(claims.pop("actor", "") or variables.get("GITHUB_ACTOR", "unknown"), "github-actions", "ci-environment", address, claims)
    if variables.get("GITLAB_CI") == "true":
        claims = _found(variables, _GITLAB)
        return Who(claims.pop("actor", "unknown"), "gitlab-ci", "ci-environment", variables.get("CI_JOB_URL", ""), claims)
    return Who(user, "local", "none")


def who_from_claims(claims: Mapping[str, Any]) -> Who:
    """Who an OIDC token speaks of; only for claims of a token whose signature, audience and time the caller has verified."""
    kept = {name: str(claims[name]) for name in _CLAIMS if name in claims}
    name = kept.pop("actor", "") or kept.pop("user_login", "") or kept.get("sub", "unknown")
    return Who(name, kept.pop("iss", "unknown"), "oidc", "", kept)


def _found(variables: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    return {claim: variables[variable] for claim, variable in names.items() if variables.get(variable)}
