"""One valid wish, one field wrong at a time: file, line, path, words and remedy of the error."""

from __future__ import annotations

import pytest

from tests.spec.wish import IMAGE, Wish

ENV, POOL, MIG, TENANT, SERVICE, WAIVED = (
    "environment.yaml", "node-pools/h100.yaml", "node-pools/a100-mig.yaml", "tenants/acme.yaml", "services/acme/chat.yaml",
    "exemptions.yaml")

GOOD = {
    "a number is a quota": (TENANT, "h100: 8", "h100: 0"),
    "a quota in full": (TENANT, "h100: 8", "h100: {nominal_quota: 8, borrowing_limit: 4, lending_limit: 8}"),
    "cents": (TENANT, "30000", "30000.25"),
    "text in quotes that looks like a boolean": (TENANT, "owner: acme-platform@example.com", 'owner: "yes"\n  cost_center: "no"'),
    "a date in quotes": (WAIVED, "2027-03-31", '"2027-03-31"'),
    "an anchor used once": (POOL, "{rack: a}", "&rack {rack: a}"),
    "a block with its defaults": (ENV, "  cohorts:\n", "  monitoring: {}\n  cohorts:\n"),
    "a byte order mark": (POOL, "apiVersion", "\ufeffapiVersion"),
    "Windows line ends": (POOL, "spec:\n", "spec:\r\n"),
    "a model by digest": (SERVICE, "hf://Qwen/Qwen2.5-7B-Instruct", "oci://registry.example.com/qwen@sha256:" + "4e1c" * 16),
    "tensor parallelism on whole GPUs": (SERVICE, "max_model_len: 8192", "tensor_parallel_size: 2"),
    "minus and plus in MIG profiles": (MIG, "{1g.10gb: 2, 2g.20gb: 1}", "{1g.10gb: 2, 2g.20gb: 1, 1g.10gb+me: 1}"),
}

BAD = {
    "unknown field, close to one": (
        TENANT, "data_classification: pii", "data_clasification: pii", "data_clas", "spec.data_clasification",
        "is not a field here; allowed: access, allowed_regions,", "Did you mean data_classification?"),
    "unknown field in a value of a mapping": (
        TENANT, "lending_limit: 1", "lend: 1", "lend: 1", "spec.quota.a100-mig/1g.10gb.lend",
        "allowed: borrowing_limit, lending_limit, nominal_quota.", "Remove it."),
    "unknown field in a list": (
        TENANT, "namespace: egress-proxy", "name_space: egress-proxy", "name_space", "spec.egress[0].name_space",
        "allowed: cidr, name, namespace, ports.", "Did you mean namespace?"),
    "unknown field in an engine's arguments": (
        SERVICE, "max_model_len", "max_modellen", "max_modellen", "spec.release.vllm.arguments.max_modellen",
        "is not a field here",
        "Did you mean max_model_len?"),
    "unknown field in the envelope": (
        TENANT, "metadata:\n", "status: {}\nmetadata:\n", "status", "status", "allowed: apiVersion, kind, metadata, spec.",
        "Remove it."),
    "a field by the name it has in Python": (
        TENANT, "apiVersion", "api_version", "api_version", "api_version", "is not a field here", "Did you mean apiVersion?"),
    "missing": (TENANT, "  owner: acme-platform@example.com\n", "", "spec:", "spec.owner", "is missing.", "Add owner."),
    "missing kind": (TENANT, "kind: Tenant\n", "", "apiVersion", "kind", "is missing.", "Add kind."),
    "not of an enumeration": (
        TENANT, "pii", "PII", "PII", "spec.data_classification",
        '"PII" is not allowed; allowed: \'public\', \'internal\', \'confidential\', \'personal\' or \'special\'.', "Use what is allowed."),
    "almost of an enumeration": (
        TENANT, "pii", "confidentail", "confidentail", "spec.data_classification", "is not allowed",
        "Did you mean confidential?"),
    "wrong unit": (
        SERVICE, "memory_gib: 64", "memory_gib: 64Gi", "64Gi", "spec.resources.memory_gib",
        '"64Gi" is text; allowed is a plain number, for the unit (gib) is in the field\'s name.', "Write the number alone."),
    "wrong unit of money": (
        TENANT, "30000", "30k", "30k", "spec.budget_usd_per_month", "for the unit (usd_per_month)", "Write the number alone."),
    "wrong unit of a price": (
        POOL, "usd_per_node_hour: 24", "usd_per_node_hour: $24", "$24", "spec.existing_nodes.usd_per_node_hour",
        "for the unit (usd_per_node_hour)", "Write the number alone."),
    "a number in quotes": (
        SERVICE, "cpu: 8", 'cpu: "8"', "cpu", "spec.resources.cpu", '"8" is text; allowed is a whole number.', "without quotes"),
    "money in quotes": (
        TENANT, "30000", '"30000"', "30000", "spec.budget_usd_per_month", "is text", "Write the number alone."),
    "a fraction of a GPU": (TENANT, "h100: 8", "h100: 0.5", "h100", "spec.quota.h100", "0.5 is not a whole number.",
                          "Write a whole number."),
    "a GPU in quotes": (TENANT, "h100: 8", 'h100: "8"', "h100", "spec.quota.h100", '"8" is text; allowed is a whole number.',
                        "without"),
    "a fraction of a core": (
        SERVICE, "cpu: 8", "cpu: 0.5", "cpu", "spec.resources.cpu", "0.5 is not a whole number.", "Write a whole number."),
    "out of range": (
        SERVICE, "max_replicas: 2", "max_replicas: 1001", "1001", "spec.scaling.max_replicas",
        "1001 is out of range; allowed: at most 1000.", "Correct the value."),
    "negative": (TENANT, "30000", "-1", "budget", "spec.budget_usd_per_month", "-1 is out of range; allowed: at least 0.",
                 "Correct"),
    "a quota out of range": (TENANT, "h100: 8", "h100: -8", "h100", "spec.quota.h100.nominal_quota", "at least 0", "Correct"),
    "a share above one": (
        SERVICE, "max_model_len: 8192", "gpu_memory_utilization: 1.2", "utilization",
        "spec.release.vllm.arguments.gpu_memory_utilization",
        "1.2 is out of range; allowed: at most 1.", "Correct"),
    "infinite": (TENANT, "30000", ".inf", ".inf", "spec.budget_usd_per_month", ".inf is not a plain decimal number.",
                 "in digits"),
    "an integer of 4,500 digits": (TENANT, "30000", "9" * 4500, "9" * 9, "spec.budget_usd_per_month", "cannot be read as int",
                                   "Correct"),
    "an integer of 300 digits": (SERVICE, "cpu: 8", f"cpu: {'9' * 300}", "cpu", "spec.resources.cpu", "9999", "."),
    "a version without quotes": (
        ENV, '"1.36"', "1.30", "1.30", "spec.cluster.kubernetes_version", "is not text to YAML", 'Put it in quotes: "1.30".'),
    "text where a list is due": (
        TENANT, "[eu-central-1]", "eu-central-1", "allowed_regions", "spec.allowed_regions", '"eu-central-1" is not a list.',
        "Write a list."),
    "a list where a mapping is due": (TENANT, "h100: 8", "h100: [8]", "h100", "spec.quota.h100", "is not a mapping of fields.",
                                      "Write"),
    "text where a block is due": (
        POOL, "existing_nodes:", "sharing: mig\n  existing_nodes:", "sharing", "spec.sharing", '"mig" is not a mapping',
        "Write a mapping"),
    "an empty list": (ENV, "[docker.io/vllm/]", "[]", "allowed_registries", "spec.allowed_registries", "at least 1 entries",
                      "Add"),
    "empty text": (POOL, "price_source: asset ledger", 'price_source: ""', "price_source", "spec.existing_nodes.price_source",
                   "at least 3 characters", "Add what is missing."),
    "a boolean as text": (ENV, "cloud: existing", 'protected: "true"\n  cloud: existing', "protected", "spec.protected",
                          "is not true or false.", "Write true or false."),
    "an image by tag": (
        SERVICE, IMAGE, "docker.io/vllm/vllm-openai:v0.31.0", "image", "spec.release.vllm.image",
        "is not an image pinned by digest", "Correct the value."),
    "a branch for a revision": (
        SERVICE, "a09a35458c702b33eeacc393d103063234e8bc28", "main", "revision", "spec.release.model.revision",
        "branch names and tags move", "Correct the value."),
    "a model by URL": (SERVICE, "hf://Qwen", "https://huggingface.co/Qwen", "uri", "spec.release.model.uri", "hf://ORG/MODEL",
                       "Correct"),
    "a key that is no quota key": (
        TENANT, "h100: 8", "H100: 8", "H100", "spec.quota.H100", '"H100" is not the name of a pool, or pool/profile', "Correct"),
    "a day that does not exist": (
        WAIVED, "2027-03-31", "2027-02-30", "2027-02-30", "spec.exemptions[0].expires", "there is no such day", "Write a day"),
    "a rule id": (WAIVED, "WS-01", "no-root", "no-root", "spec.exemptions[0].rule", "is not text that matches", "Correct"),
    "two of which one is needed": (
        TENANT, "namespace: egress-proxy", "namespace: egress-proxy\n      cidr: 10.0.0.0/8", "name: proxy", "spec.egress[0]",
        "exactly one of cidr, namespace is needed.", "Keep exactly one."),
    "none of which one is needed": (
        SERVICE, f"    vllm:\n      image: {IMAGE}\n      version: 0.31.0\n      arguments:\n        max_model_len: 8192\n", "",
        "release", "spec.release", "exactly one of vllm, triton, runtime is needed.", "Keep exactly one."),
    "a minimum above the maximum": (
        SERVICE, "min_replicas: 1", "min_replicas: 3", "min_replicas", "spec.scaling.min_replicas",
        "min_replicas 3 is more than max_replicas 2.", "Correct one of the two."),
    "lending more than one has": (
        TENANT, "lending_limit: 1", "lending_limit: 3", "lending_limit", "spec.quota.a100-mig/1g.10gb.lending_limit",
        "lending_limit 3 is more than nominal_quota 2.", "Correct one of the two."),
    "limits without a cohort": (
        TENANT, "  cohort: shared\n", "", "a100-mig/1g.10gb", "spec.quota.a100-mig/1g.10gb", "a100-mig/1g.10gb need a cohort.",
        "Name a cohort, or remove the limits."),
    "personal data without regions": (
        TENANT, "  allowed_regions: [eu-central-1]\n", "", "spec:", "spec.allowed_regions", "data_classification personal needs allowed_regions.",
        "List the regions"),
    "a rollout that cannot move": (
        SERVICE, "  scaling:\n", "  rollout: {max_surge: 0, max_unavailable: 0}\n  scaling:\n", "rollout",
        "spec.rollout.max_surge",
        "no update could proceed.", "Correct one of the two."),
    "aws without its block": (ENV, "cloud: existing", "cloud: aws", "spec:", "spec.aws", "belong together.", "Add the block"),
}


def test_the_valid_wish_has_no_errors(wish: Wish) -> None:
    assert wish.errors() == ()


@pytest.mark.parametrize(("file", "old", "new"), GOOD.values(), ids=GOOD.keys())
def test_a_correct_field_is_accepted(wish: Wish, file: str, old: str, new: str) -> None:
    assert wish.change(file, old, new).errors() == ()


@pytest.mark.parametrize("case", BAD.values(), ids=BAD.keys())
def test_a_wrong_field_is_named_with_line_path_and_remedy(wish: Wish, case: tuple[str, ...]) -> None:
    file, old, new, marker, path, message, remedy = case

    errors = wish.change(file, old, new).errors()

    assert [found.path for found in errors] == [path]
    error = errors[0]
    assert error.file.endswith(f"test/{file}")
    assert error.line == wish.line(file, marker)
    assert message in error.message
    assert error.remedy
    assert remedy in error.remedy
    assert len(str(error)) < 1000


def test_an_error_reads_as_one_line_of_file_line_path_message_and_remedy(wish: Wish, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(wish.folder)

    error = wish.change(SERVICE, "memory_gib: 64", "memory_gib: 64Gi").error()

    assert str(error) == (
        'test/services/acme/chat.yaml:19 spec.resources.memory_gib: "64Gi" is text; allowed is a plain number, for the unit '
        "(gib) is in the field's name. Write the number alone.")


def test_values_are_exact_and_of_the_types_that_the_models_promise(wish: Wish) -> None:
    spec = wish.change(TENANT, "30000", "0.1").load()

    assert str(spec.tenants["acme"].spec.budget_usd_per_month) == "0.1"
    assert str(spec.pools["a100-mig"].spec.existing_nodes.usd_per_node_hour) == "5.25"  # type: ignore[union-attr]
    assert spec.tenants["acme"].spec.quota["h100"].nominal_quota == 8
    assert spec.services["acme/chat"].tenant == "acme"
    assert spec.exemptions[0].expires == "2027-03-31"
    assert spec.layers == ("platform", "tenants")


@pytest.mark.parametrize(("path", "marker"), [
    ("spec.quota.a100-mig/1g.10gb", "a100-mig/1g.10gb"),
    ("spec.quota.a100-mig/1g.10gb.lending_limit", "lending_limit"),
    ("spec.quota.a100-mig/1g.10gb.borrowing_limit", "a100-mig/1g.10gb"),
    ("spec.quota.a100-mig/7g.80gb", "quota:"),
    ("spec.egress[0].ports", "ports"), ("spec.egress[0].ports[0]", "ports"), ("spec.egress[7].ports", "egress:"),
    ("spec.secrets[0].data.token.key", "token"), ("spec.nothing.of.this", "spec:"), ("nothing", "apiVersion"), ("", "apiVersion"),
])
def test_a_place_knows_the_line_of_a_path_or_of_its_nearest_parent(wish: Wish, path: str, marker: str) -> None:
    place = wish.load().places[("Tenant", "acme")]

    assert place.line(path) == wish.line(TENANT, marker)
    assert place.relative == TENANT
