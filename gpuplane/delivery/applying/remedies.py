"""What to do about a failure that Pulumi or the cluster reports: one sentence for each sort, behind what they said themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from gpuplane.delivery.applying import states
from gpuplane.delivery.applying.kept_states import newest
from gpuplane.delivery.applying.transient import is_transient
from gpuplane.delivery.exit_status import EngineFailed
from gpuplane.spec.environment_spec import EnvironmentSpec

_STATE = ("The state of {stack} cannot be read: nothing was applied. Put a copy back: `gpuplane state restore {environment} {copy} --stack "
          "{stack} --before FOLDER --yes`; without one, an older file from the backend's versions (of file:// in .pulumi/backups). Then "
          "look at `gpuplane drift {environment}`, and take what the copy does not know in with `gpuplane adopt {environment}`.")
_CUT_OFF = ("The state of {stack} was cut off. Once there is room, put back what was kept before this run: `gpuplane state restore "
            "{environment} {copy} --stack {stack} --before FOLDER --yes`; the next run looks up what this one made, and goes on.")

# An API server's answer that is cut off says the same words behind "json parse error".
_UNREADABLE = (r"(?<!parse error: )(unexpected end of JSON|invalid character)|could not (deserialize|unmarshal|decode)|malformed"
               r"|failed to load checkpoint"
               r"|EOF.*checkpoint|checkpoint file.*(invalid|empty)|not a valid checkpoint|snapshot integrity|integrity (failure|error)")

_FULL = r"no space left|file too large|disk quota exceeded|read-only file system"

REMEDIES: tuple[tuple[str, str], ...] = (
    (r"operation error KMS|secrets \(code=",
     ("The key that encrypts the secrets of {stack} (spec.secrets_provider in environment.yaml) is not there, or these credentials may not "
      "use it: nothing was applied. Log in with a role that has it (in AWS: kms:Encrypt, kms:Decrypt), then run this again.")),
    (r"incorrect passphrase|failed to decrypt|message authentication failed|passphrase must be set",
     ("PULUMI_CONFIG_PASSPHRASE (or the file that PULUMI_CONFIG_PASSPHRASE_FILE names) is not what the secrets of {stack} were encrypted "
     "with: nothing was applied. Set the right one and run this again.")),
    (r"newer than|unsupported (deployment|checkpoint) version|schema version \d+|invalid version|too new",
     "The state of {stack} was written by a newer Pulumi than this one: nothing was applied. Use that version; no older one can read it."),
    (r"could not create stack: (unexpected end of JSON|invalid character)",
     ("A lock file of {stack} was cut off. Where no other run is under way, take it away: `pulumi cancel --stack {stack}`, or delete it "
      "below .pulumi/locks of the backend. Then run this again.")),
    (_UNREADABLE, _STATE),
    (_FULL,
     ("The disk that holds the state or the temporary folder (TMPDIR) takes no more. Make room, then run this again: it looks up what had "
     "been begun.")),
    (r"no matches for kind|could not find the requested resource|no kind \"|CRD.*not found",
     ("A CustomResourceDefinition is not there. Install what brings it (the layer platform, or the chart that environment.yaml calls "
     "external), then run this again.")),
    (r"Apply failed with \d+ conflicts?|conflict(s)? with \"|conflicting fields",
     ("Somebody else owns the field: `gpuplane drift {environment}` says who. Take the value into the wish or have that manager let the "
     "field go (`kubectl apply --server-side --field-manager=NAME` without it), then run this again.")),
    (r"already exists",
     ("An object of that name is there and not in the state. Where it is yours: `gpuplane adopt {environment}` shows what would be taken "
     "in, and with --yes takes it in without touching it. Where it is not: rename one of the two.")),
    (r"failed calling webhook",
     ("A webhook of the cluster does not answer, so the API server takes no such object. Look at its pods (`kubectl get "
     "validatingwebhookconfigurations,mutatingwebhookconfigurations`), then run this again.")),
    (r"denied (the )?request",
     "An admission webhook or policy of the cluster says no, for the reason above. Correct the wish, or ask its owner."),
    (r"Unauthorized|provide credentials|token.*expired|the server has asked for the client to provide credentials",
     "The credentials of the kubeconfig do not hold (any more). Log in anew, then run this again: what was done is in the state."),
    (r"is forbidden|cannot (create|patch|get|list|delete|update) resource",
     ("The kubeconfig's user, a quota or an admission plugin of the cluster says no, for the reason above. Have the right given, then run "
     "this again.")),
    (r"no such plugin|plugin.*(not found|could not be (found|loaded))|failed to load plugin|failed to install",
     "A plugin of Pulumi is missing and cannot be fetched: `pulumi plugin install resource kubernetes VERSION` where there is a network."),
)
"""Patterns of what was said, and what to do."""

_PASSES = (r"was killed by signal|cannot be reached|is unreachable|Internal error occurred|too many requests|\b(429|50[0234])\b|EOF"
           r"|timed? ?out")
_LATER = "What was done is in the state; run the command again when that is over, and it goes on from there."


def what_helps(said: str, environment: str, stack: str, copy: str = "COPY") -> str:
    """What to do, in a sentence or two; empty where nothing is known.

    Args:
        copy: folder of a copy of the state.
    """
    for pattern, remedy in REMEDIES:
        if re.search(pattern, said, re.IGNORECASE):
            return remedy.format(environment=environment, stack=stack, copy=copy)
    return _LATER if re.search(_PASSES, said, re.IGNORECASE) or is_transient(said.splitlines() or [said]) else ""


def helped_failure(spec: EnvironmentSpec, stack: str, variables: Mapping[str, str], reason: str, said: str) -> str:
    """Why a stack failed, and behind it what to do where that is known; of a full disk also what became of the state.

    Args:
        said: all that was said, of which the reason is a part.
    """
    copy = _copy_of(spec, stack, variables)
    helps = [what_helps(f"{reason}\n{said}", spec.name, stack, copy)]
    if re.search(_FULL, said, re.IGNORECASE) and not _is_readable(stack, variables):
        helps.append(_CUT_OFF.format(environment=spec.name, stack=stack, copy=copy))
    return "\n".join((reason, *filter(None, helps)))


def _copy_of(spec: EnvironmentSpec, stack: str, variables: Mapping[str, str]) -> str:
    return str(newest(spec.name, stack, variables) or "COPY")


def _is_readable(stack: str, variables: Mapping[str, str]) -> bool:
    try:
        states.deployment(stack, variables)
    except EngineFailed as error:
        return re.search(_UNREADABLE, str(error), re.IGNORECASE) is None
    return True


@contextmanager
def helped(spec: EnvironmentSpec, variables: Mapping[str, str]) -> Iterator[None]:
    """What fails while this lasts says what to do, and of which stack's state.

    Raises:
        EngineFailed: it failed.
    """
    try:
        yield
    except EngineFailed as error:
        text = str(error)
        names = [name for name in _stacks(spec) if text.startswith(f"{name}:")] or _unreadable(spec, variables)
        helps = [what_helps(text, spec.name, name, _copy_of(spec, name, variables)) for name in names]
        raise EngineFailed("\n".join((text, *filter(None, helps or [what_helps(text, spec.name, "this stack")])))) from None


def _stacks(spec: EnvironmentSpec) -> list[str]:
    return [spec.stack_name(key.layer, key.tenant) for layer in spec.layers for key in spec.stacks_of(layer)]


def _unreadable(spec: EnvironmentSpec, variables: Mapping[str, str]) -> list[str]:
    """Stacks whose state cannot be read: a list of all stacks fails because of one, and does not say which."""
    return [name for name in _stacks(spec) if not _is_readable(name, variables)]
