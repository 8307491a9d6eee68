"""Which failures are tried again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuplane.delivery.applying.transient import is_transient, pause_seconds

PASSES = [
    'Post "https://10.0.0.1:6443/api": dial tcp 10.0.0.1:6443: connect: connection refused',
    "read tcp 10.0.0.1:44: connection reset by peer",
    "error: list bucket: blob (code=NotFound): lstat /state/.pulumi/stacks/gpuplane/prod-b.json.18ea69332d029c55.tmp: no such file or directory",
    "was not successfully created by the Kubernetes API server: couldn't get version/kind; json parse error: unexpected end of JSON input",
    "net/http: TLS handshake timeout",
    "Operation cannot be fulfilled on clusterqueues: the object has been modified; please apply your changes to the latest version and try again",
    "etcdserver: request timed out",
    "the server is currently unable to handle the request",
    "the server has received too many requests and has asked us to try again later",
    'Internal error occurred: failed calling webhook "mclusterqueue.kb.io": no endpoints available for service "kueue-webhook-service"',
    "api error ThrottlingException: Rate exceeded",
    "RequestLimitExceeded: Request limit exceeded.",
    "context deadline exceeded",
]
STAYS = [
    'admission webhook "vclusterqueue.kb.io" denied the request: quota is negative',
    'pods "x" is forbidden: exceeded quota: tenant',
    'Deployment.apps "x" is invalid: spec.selector: Invalid value: field is immutable',
    'Apply failed with 1 conflict: conflict with "kubectl-edit" using v1: .spec.hard.pods',
    "AccessDenied: User is not authorized to perform: eks:CreateCluster",
    "VcpuLimitExceeded: You have requested more vCPU capacity than your current limit",
    'no matches for kind "ClusterQueue" in version "kueue.x-k8s.io/v1beta2"',
    "resource cannot be deleted because it is protected",
    'admission webhook "x" denied the request: context deadline exceeded is no reason',
    "something nobody has seen before",
]


@pytest.mark.parametrize("message", PASSES)
def test_what_passes_by_itself_is_tried_again(message: str) -> None:
    assert is_transient([message])


@pytest.mark.parametrize("message", STAYS)
def test_what_says_no_is_not_tried_again(message: str) -> None:
    assert not is_transient([message])


@given(st.lists(st.sampled_from(PASSES)), st.sampled_from(STAYS), st.integers(0, 20))
def test_one_refusal_among_timeouts_is_a_refusal(passes: list[str], stays: str, place: int) -> None:
    assert not is_transient([*passes[:place], stays, *passes[place:]])


def test_words_of_pulumi_itself_say_nothing() -> None:
    assert is_transient([PASSES[0], "update failed"])
    assert not is_transient(["update failed"])
    assert not is_transient([])


@given(st.integers(1, 30), st.floats(0, 1))
def test_pauses_grow_and_have_an_end(attempt: int, fraction: float) -> None:
    assert 1 <= pause_seconds(attempt, fraction) <= 60
    assert pause_seconds(attempt, fraction) <= pause_seconds(attempt + 1, 1.0)
