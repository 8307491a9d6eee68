"""Names that documents use of each other: what is not there, or does not fit, is named where it is written."""

from __future__ import annotations

import pytest

from tests.spec.wish import POOL, SERVICE, TENANT, Wish

ENV, TENANT_FILE, SERVICE_FILE, WAIVED = "environment.yaml", "tenants/acme.yaml", "services/acme/chat.yaml", "exemptions.yaml"
EKS = """\
  eks_managed_node_group:
    instance_type: p5.48xlarge
    release_version: 1.36.3-20261104
    max_nodes: 1
"""

SECOND = """\
  exemptions:
    - {rule: WS-01, resource: {kind: DaemonSet, name: driver, namespace: gpu-operator}, owner: me-too,
       reason: a second time, approval: change 8, expires: 2027-01-01}
"""

DANGLING = {
    "pool of a quota": (TENANT_FILE, "h100: 8", "h200: 8", "h200", "spec.quota.h200",
                        "there are: a100-mig/1g.10gb, a100-mig/2g.20gb, h100.", "Add the node pool"),
    "profile of a quota": (TENANT_FILE, "a100-mig/1g.10gb", "a100-mig/7g.80gb", "a100-mig/7g.80gb", "spec.quota.a100-mig/7g.80gb",
                           "there is no such pool or profile", "correct the name"),
    "whole GPUs of a MIG pool": (TENANT_FILE, "h100: 8", "a100-mig: 1", "a100-mig: 1", "spec.quota.a100-mig",
                                 "there is no such pool or profile", "correct the name"),
    "cohort": (TENANT_FILE, "cohort: shared", "cohort: sharde", "sharde", "spec.cohort",
               'there is no cohort "sharde"; there are: shared.', "Add it to cohorts of environment.yaml"),
    "secret store": (TENANT_FILE, "store: vault-a", "store: vault-b", "vault-b", "spec.secrets[0].store",
                     'no secret store "vault-b"; there are: vault-a.', "Add it to secret_stores"),
    "pool of a service": (SERVICE_FILE, "pool: h100", "pool: h200", "h200", "spec.placement.pool",
                          'there is no pool "h200"; there are: a100-mig, h100.', "Add the node pool"),
    "a MIG pool without profile": (SERVICE_FILE, "pool: h100", "pool: a100-mig", "placement:", "spec.placement.profile",
                                   "is cut by MIG into: 1g.10gb, 2g.20gb.", "Name one of these profiles."),
    "a profile of whole GPUs": (SERVICE_FILE, "pool: h100", "pool: h100\n    profile: 1g.10gb", "profile:",
                                "spec.placement.profile",
                                "has whole GPUs, no MIG profiles.", "Remove profile"),
    "tensor parallelism on MIG": (
        SERVICE_FILE, "        max_model_len: 8192\n  placement:\n    pool: h100\n",
        "        tensor_parallel_size: 2\n  placement:\n    pool: a100-mig\n    profile: 1g.10gb\n", "arguments:",
        "spec.release.vllm.arguments", "MIG devices have no peer-to-peer path", "a pool of whole GPUs"),
    "shared memory that leaves none": (SERVICE_FILE, "memory_gib: 64", "memory_gib: 2", "resources:",
                                       "spec.resources.shared_memory_gib", "2 GiB leaves nothing", "Raise memory_gib"),
    "another tenant": (TENANT_FILE, "namespace: egress-proxy", "namespace: acme", "namespace: acme", "spec.egress[0].namespace",
                       "tenants do not reach each other.", "Name a platform namespace or a cidr."),
    "a cidr with host bits": (TENANT_FILE, "namespace: egress-proxy", "cidr: 10.20.0.1/16", "cidr", "spec.egress[0].cidr",
                              "10.20.0.1/16 has host bits set.", "Write the network address"),
    "a name given twice": (
        TENANT_FILE, "      ports: [3128]\n", "      ports: [3128]\n    - {name: proxy, namespace: other, ports: [1]}\n",
        "namespace: other", "spec.egress[1].name", 'the name "proxy" is given twice.', "Rename one of them."),
    "a parent cohort": (ENV, "shared: {}", "shared: {parent: everyone}", "shared", "spec.cohorts.shared.parent",
                        'there is no cohort "everyone"; there are: shared.', "Add it"),
    "a cycle of one": (ENV, "shared: {}", "shared: {parent: shared}", "shared", "spec.cohorts.shared.parent",
                       "the cohorts form a cycle: shared → shared.", "remove one parent"),
    "a cycle of three, with a tail": (
        ENV, "    shared: {}\n",
        "    shared: {parent: c}\n    a: {parent: b}\n    b: {parent: c}\n    c: {parent: a}\n", "    a:",
        "spec.cohorts.a.parent",
        "the cohorts form a cycle: a → b → c → a.", "remove one parent"),
    "a waiver given twice": (
        WAIVED, "  exemptions:\n", SECOND, "rule: WS-01\n", "spec.exemptions[1]",
        "WS-01 is waived twice for DaemonSet gpu-operator driver.", "Keep one."),
}


@pytest.mark.parametrize("case", DANGLING.values(), ids=DANGLING.keys())
def test_a_reference_that_leads_nowhere_is_named_where_it_is_written(wish: Wish, case: tuple[str, ...]) -> None:
    file, old, new, marker, path, message, remedy = case

    error = wish.change(file, old, new).error()

    assert (error.path, error.file.endswith(f"test/{file}")) == (path, True)
    assert error.line == (wish.line(file, marker) if marker != "rule: WS-01\n" else 9)
    assert message in error.message
    assert remedy in error.remedy


def test_a_tree_of_cohorts_is_accepted(wish: Wish) -> None:
    assert wish.change("environment.yaml", "shared: {}",
                       "shared: {parent: all}\n    all: {}\n    other: {parent: all}").errors() == ()


@pytest.mark.parametrize("name", ["kube-system", "gateway-system", "observability"])
def test_a_tenant_is_not_called_like_a_platform_namespace(wish: Wish, name: str) -> None:
    wish.change(ENV, "  cohorts:", "  monitoring: {namespace: observability}\n  cohorts:")
    wish.files[f"tenants/{name}.yaml"] = TENANT.replace("name: acme", f"name: {name}", 1)

    error = wish.error()

    assert error.message == f'"{name}" is the name of a platform namespace.'
    assert error.path == "metadata.name"


def test_a_service_without_its_tenant_is_refused(wish: Wish) -> None:
    wish.files["services/ghost/chat.yaml"] = SERVICE

    error = wish.error()

    assert error.message == 'its folder names the tenant "ghost", which is not there; there are: acme.'
    assert error.file.endswith("services/ghost/chat.yaml")


def test_an_eks_pool_on_an_existing_cluster_is_refused(wish: Wish) -> None:
    wish.files["node-pools/h100.yaml"] = POOL[:POOL.index("  existing_nodes")] + EKS

    error = wish.error()

    assert error.path == "spec.eks_managed_node_group"
    assert error.line == 7
    assert "cloud is existing" in error.message


@pytest.mark.parametrize(("file", "old", "new"), [
    ("node-pools/h100.yaml", "gpu:", "gpus:"), ("tenants/acme.yaml", "owner:", "owners:"),
    ("environment.yaml", "cloud:", "clouds:"),
])
def test_a_document_that_is_wrong_is_still_there_for_those_who_refer_to_it(wish: Wish, file: str, old: str, new: str) -> None:
    errors = wish.change(file, old, new).errors()

    assert {error.file.rpartition("test/")[2] for error in errors} == {file}


def test_references_are_checked_even_where_the_environment_itself_is_wrong(wish: Wish) -> None:
    wish.change("environment.yaml", "cloud:", "clouds:").change("services/acme/chat.yaml", "pool: h100", "pool: h200")
    wish.files["tenants/kube-system.yaml"] = TENANT.replace("name: acme", "name: kube-system", 1)

    assert {error.path for error in wish.errors()} == {"spec.clouds", "spec.placement.pool", "metadata.name"}
