"""``gpuplane new``: the smallest right document, never a wrong one, never over another."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gpuplane.cli import cli
from gpuplane.spec.loader import load_environment, read_catalog

ROOT = Path(__file__).resolve().parents[3]
AS_OF = "2026-11-21"
DIGEST = "@sha256:" + "5a1e" * 16
TENANT = ("--owner", "acme@example.com", "--budget-usd-per-month", "2500", "--quota", "h100=1")


@pytest.fixture
def environments(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "docs/examples/02-smallest-environment/environments", tmp_path / "environments")
    return tmp_path / "environments"


def run(environments: Path, *arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["new", *arguments, "--environments", str(environments), "--as-of", AS_OF], input=typed)


def files(environments: Path) -> dict[str, str]:
    return {path.relative_to(environments).as_posix(): path.read_text() for path in environments.rglob("*") if path.is_file()}


def test_a_tenant_is_written_previewed_and_ready_to_commit(environments: Path) -> None:
    done = run(environments, "tenant", "team", "acme", *TENANT)

    tenant = load_environment(environments, "team").tenants["acme"].spec
    assert done.exit_code == 0, done.output
    assert (tenant.owner, tenant.data_classification, tenant.quota["h100"].nominal_quota) == ("acme@example.com", "internal", 1)
    assert "team may go; acme is affected" in done.stdout
    assert "+ Namespace acme" in done.stdout
    assert 'git commit -m "Add tenant acme to team"' in done.stdout


@pytest.mark.parametrize(("environment", "pool"), [("staging", "a100"), ("prod", "l40s")])
def test_an_environment_that_gets_its_releases_from_another_takes_documents_too(tmp_path: Path, environment: str, pool: str) -> None:
    shutil.copytree(ROOT / "environments", tmp_path / "environments")

    done = run(tmp_path / "environments", "tenant", environment, "acme", "--owner", "acme@example.com", "--budget-usd-per-month", "2500",
               "--quota", f"{pool}=1", "--force")

    assert "+ Namespace acme" in done.stdout, done.output
    assert load_environment(tmp_path / "environments", environment).tenants["acme"].spec.quota[pool].nominal_quota == 1


def test_answers_can_be_typed(environments: Path) -> None:
    done = run(environments, "tenant", "team", "acme", "--ask", "--quota", "h100=1", typed="acme@example.com\n\n1500.5\n")

    assert done.exit_code == 0, done.output
    assert "owner: acme@example.com\n" in files(environments)["team/tenants/acme.yaml"]
    assert "budget_usd_per_month: 1500.5\n" in files(environments)["team/tenants/acme.yaml"]


def test_without_a_terminal_everything_that_is_missing_is_named_at_once(environments: Path) -> None:
    before = files(environments)

    done = run(environments, "tenant", "team", "acme", "--no-ask")

    assert done.exit_code == 2
    assert "--owner" in done.stderr
    assert "--budget-usd-per-month" in done.stderr
    assert files(environments) == before


@pytest.mark.parametrize(("arguments", "status", "said"), [
    (("tenant", "team", "chat", *TENANT), 2, "is there already"),
    (("tenant", "team", "Acme", *TENANT), 2, "no possible name"),
    (("tenant", "team", "../acme", *TENANT), 2, "no possible name"),
    (("tenant", "nowhere", "acme", *TENANT), 2, "there is no environment"),
    (("tenant", "team", "acme", *TENANT[:4], "--quota", "h100"), 2, "allowed: POOL=GPUS"),
    (("tenant", "team", "acme", *TENANT[:4], "--quota", "nothing=1"), 2, "tenants/acme.yaml:10 spec.quota.nothing"),
    (("tenant", "team", "acme", *TENANT, "--data-classification", "secret"), 2, "data_classification"),
    (("tenant", "team", "acme", *TENANT[:4], "--quota", "h100=7"), 1, "not written"),
    (("service", "team", "nobody/chat", "--model", "hf://Qwen/Qwen2.5-7B-Instruct"), 2, "not TENANT/NAME"),
    (("service", "team", "chat/other", "--model", "hf://nobody/knows"), 2, "--revision"),
    (("service", "team", "chat/other", "--model", "hf://nobody/knows", "--revision", "a" * 40), 2, "gpuplane new model"),
    (("service", "team", "chat/qwen", "--model", "hf://Qwen/Qwen2.5-7B-Instruct"), 2, "is there already"),
    (("service", "team", "chat/more", "--model", "hf://Qwen/Qwen2.5-7B-Instruct", "--max-replicas", "4"), 1, "not written"),
    (("service", "team", "chat/other", "--model", "hf://Qwen/x", "--runtime", "nothing"), 2, "custom, huggingface, onnxruntime, ray-serve"),
    (("service", "team", "chat/other", "--model", "hf://Qwen/x", "--runtime", "triton"), 2, "image of triton by digest"),
    (("service", "team", "chat/other", "--model", "hf://Qwen/x", "--runtime", "triton", "--kind", "LLMInferenceService"), 2, "is served by vllm"),
    (("service", "team", "chat/other", "--model", "hf://Qwen/x", "--devices", "2"), 2, "the fewest that hold the model"),
    (("service", "team", "chat/other", "--model", "hf://Qwen/x", "--revision", "b" * 40, "--runtime", "custom", "--image", f"docker.io/vllm/a{DIGEST}",
      "--engine-version", "1.0", "--devices", "4"), 2,
     "has no quota of 4 devices"),
    (("environment", "new", "--no-ask"), 2, "--budget-usd-per-month"),
    (("pool", "team", "b200", "--gpu", "NONE"), 2, "is not in the catalogue"),
])
def test_what_is_wrong_or_refused_is_not_written(environments: Path, arguments: tuple[str, ...], status: int, said: str) -> None:
    before = files(environments)

    done = run(environments, *arguments)

    assert done.exit_code == status, done.output
    assert said in done.output
    assert "gpuplane-draft-" not in done.output
    assert files(environments) == before


def test_force_writes_what_is_refused_and_says_so(environments: Path) -> None:
    done = run(environments, "tenant", "team", "acme", *TENANT[:4], "--quota", "h100=7", "--force")

    assert done.exit_code == 1
    assert "h100: 7" in files(environments)["team/tenants/acme.yaml"]
    assert "REFUSED" in done.stdout


def test_what_was_refused_before_is_no_reason_against_a_new_document(environments: Path) -> None:
    run(environments, "tenant", "team", "greedy", *TENANT[:4], "--quota", "h100=7", "--force")

    done = run(environments, "tenant", "team", "acme", *TENANT[:4])

    assert done.exit_code == 0, done.output
    assert "was refused before" in done.stderr


def test_a_service_gets_the_cheapest_gpus_that_hold_it_and_what_the_others_cost(environments: Path) -> None:
    pool = (environments / "team/node-pools/h100.yaml").read_text()
    cheap = pool.replace("name: h100", "name: l4").replace("gpu: H100-SXM-80GB", "gpu: L4-24GB").replace("NVIDIA-H100-80GB-HBM3", "NVIDIA-L4")
    (environments / "team/node-pools/l4.yaml").write_text(cheap.replace("usd_per_node_hour: 24", "usd_per_node_hour: 1"))
    tenant = environments / "team/tenants/chat.yaml"
    tenant.write_text(tenant.read_text().replace("quota: {h100: 2}", "quota: {h100: 2, l4: 2}"))

    done = run(environments, "service", "team", "chat/small", "--model", "Qwen/Qwen2.5-1.5B-Instruct", "--revision", "b" * 40)

    service = load_environment(environments, "team").services["chat/small"].document.spec
    assert done.exit_code == 0, done.output
    assert service.placement.pool == "l4"
    assert service.release.vllm is not None
    assert service.release.vllm.version == "0.31.0"
    assert "holds it: l4: 1 × L4-24GB, 91 USD a month" in done.stdout
    assert "or: h100: 1 × H100-SXM-80GB, 2 190 USD a month" in done.stdout


def test_a_model_that_no_pool_holds_is_answered_with_nodes_that_do(environments: Path) -> None:
    done = run(environments, "service", "team", "chat/huge", "--model", "Qwen/Qwen3-235B-A22B", "--revision", "b" * 40, "--max-model-len", "40960")

    assert done.exit_code in (1, 2)
    assert "surely hold" in done.output or "holds it" in done.output


QWEN = ("--model", "hf://Qwen/Qwen2.5-7B-Instruct", "--revision", "b" * 40)
BUCKET = ("--model", "s3://models/vision", "--revision", "3f9b51c0d2aa47e8")


@pytest.mark.parametrize("arguments", [
    ("--runtime", "triton", "--image", f"nvcr.io/nvidia/tritonserver{DIGEST}", "--engine-version", "26.07", *BUCKET),
    ("--runtime", "onnxruntime", "--image", f"nvcr.io/nvidia/tritonserver{DIGEST}", "--engine-version", "26.07", *BUCKET),
    ("--runtime", "tensorrt-llm", "--image", f"nvcr.io/nvidia/tensorrt-llm/release{DIGEST}", "--engine-version", "1.2.0rc6", *QWEN),
    ("--runtime", "tensorrt-llm", "--image", f"nvcr.io/nvidia/tensorrt-llm/release{DIGEST}", "--engine-version", "1.2.0rc6", "--devices", "2", *QWEN),
    ("--runtime", "huggingface", "--image", f"docker.io/kserve/huggingfaceserver{DIGEST}", "--engine-version", "0.20.0", *QWEN),
    ("--runtime", "ray-serve", "--image", f"docker.io/rayproject/ray{DIGEST}", "--engine-version", "2.56.0", *BUCKET),
    ("--runtime", "custom", "--image", f"docker.io/vllm/scorer{DIGEST}", "--engine-version", "1.4.2", "--pool", "h100", *BUCKET),
    ("--kind", "LLMInferenceService", *QWEN),
    ("--kind", "LLMInferenceService", "--model", "hf://Qwen/Qwen2.5-72B-Instruct", "--revision", "b" * 40),
], ids=lambda found: " ".join(found[:2]))
def test_every_runtime_and_kind_is_written_previewed_and_loads(environments: Path, arguments: tuple[str, ...]) -> None:
    team = environments / "team/environment.yaml"
    team.write_text(team.read_text().replace("allowed_registries: [docker.io/vllm/, docker.io/kserve/]", "allowed_registries: [docker.io/, nvcr.io/nvidia/]")
                    .replace('["hf://Qwen/"]', '["hf://Qwen/", "s3://models/"]').replace("usd_per_month: 20000", "usd_per_month: 40000"))
    tenant = environments / "team/tenants/chat.yaml"
    tenant.write_text(tenant.read_text().replace("quota: {h100: 2}", "quota: {h100: 12}").replace("usd_per_month: 5000", "usd_per_month: 30000"))

    pool = environments / "team/node-pools/h100.yaml"
    pool.write_text(pool.read_text().replace("max_nodes: 1", "max_nodes: 2"))

    done = run(environments, "service", "team", "chat/new", *arguments)

    assert done.exit_code == 0, done.output
    found = load_environment(environments, "team").services["chat/new"].document
    named = dict(zip(arguments[::2], arguments[1::2], strict=True))
    assert found.spec.release.engine[0] == named.get("--runtime", "vllm")
    assert found.kind == named.get("--kind", "InferenceService")
    assert found.spec.devices_per_replica == (4 if "72B" in named["--model"] else int(named.get("--devices", 1)))


def test_an_environment_and_its_pool_start_from_nothing(tmp_path: Path) -> None:
    environments = tmp_path / "environments"
    made = run(environments, "environment", "kind", "--context", "kind-gpuplane", "--budget-usd-per-month", "3000", "--no-ask")
    pooled = run(environments, "pool", "kind", "h100", "--gpu", "H100-SXM-80GB", "--max-nodes", "1", "--gpus-per-node", "8", "--vcpus-per-node",
                 "96", "--memory-gib-per-node", "1024", "--usd-per-node-hour", "3", "--price-source", "example figure")

    spec = load_environment(environments, "kind")
    assert (made.exit_code, pooled.exit_code) == (0, 0), made.output + pooled.output
    assert spec.environment.spec.kueue.install == "release"
    assert list(spec.pools) == ["h100"]
    assert "usd_per_node_hour: 3\n" in files(environments)["kind/node-pools/h100.yaml"]


EKS = ("--cloud", "aws", "--account-id", "111122223333", "--region", "eu-central-1", "--budget-usd-per-month", "9000")
ADDONS = tuple(part for name, version in (("aws-ebs-csi-driver", "v1.55.0"), ("coredns", "v1.13.2"), ("eks-pod-identity-agent", "v1.3.10"),
                                          ("kube-proxy", "v1.36.0"), ("vpc-cni", "v1.21.1")) for part in ("--addon", f"{name}={version}-eksbuild.1"))


def test_eks_from_nothing_and_the_cheapest_nodes_for_a_model(tmp_path: Path) -> None:
    environments = tmp_path / "environments"
    lacking = run(environments, "environment", "llm", *EKS, "--no-ask", "--admin-role-arn", "arn:aws:iam::111122223333:role/admins", "--node-release", "1.36.3-20261104")
    made = run(environments, "environment", "llm", *EKS, "--no-ask", "--admin-role-arn", "arn:aws:iam::111122223333:role/admins",
               "--node-release", "1.36.3-20261104", *ADDONS)
    pooled = run(environments, "pool", "llm", "chat", "--for-model", "Qwen/Qwen2.5-7B-Instruct", "--node-release", "1.36.3-20261104", "--max-nodes", "2")

    assert lacking.exit_code == 2
    assert "--addon vpc-cni=VERSION" in lacking.stderr
    assert made.exit_code == 0, made.output
    assert "holds it: " in pooled.stdout
    assert pooled.exit_code == 0, pooled.output
    pool = load_environment(environments, "llm").pools["chat"].spec
    assert pool.eks_managed_node_group is not None
    assert f"holds it: {pool.eks_managed_node_group.instance_type}: " in pooled.stdout


def test_production_starts_from_nothing_and_protected(tmp_path: Path) -> None:
    made = run(tmp_path / "environments", "environment", "prod", *EKS, "--no-ask", "--admin-role-arn", "arn:aws:iam::111122223333:role/admins",
               "--node-release", "1.36.3-20261104", *ADDONS)

    assert made.exit_code == 0, made.output
    assert "prod may go" in made.stdout
    settings = load_environment(tmp_path / "environments", "prod").environment.spec
    assert (settings.protected, settings.cluster.kube_system_uid) == (True, None)


CONFIG = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
          "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64, "vocab_size": 128256, "max_position_embeddings": 8192,
          "tie_word_embeddings": True, "torch_dtype": "bfloat16", "_name_or_path": "acme/legal-1b"}


@pytest.mark.parametrize("before", [None, "empty", "models"])
def test_a_model_of_ones_own_goes_into_the_catalogue_and_comments_stay(environments: Path, tmp_path: Path, before: str | None) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(CONFIG))
    path = environments / "catalog.yaml"
    if before is not None:
        run(environments, "model", "first", "--model-config", str(config), "--repository", "acme/first")
        path.write_text("# ours\n" + path.read_text() + "  # the end\n")

    done = run(environments, "model", "legal-1b", "--model-config", str(config), "--repository", "acme/legal-1b")
    again = run(environments, "model", "legal-1b", "--model-config", str(config), "--repository", "acme/legal-1b")

    catalog = read_catalog(path, "catalog").spec
    assert done.exit_code == 0, done.output
    assert "least GPU memory that surely holds it" in done.stdout
    assert catalog.models["legal-1b"].models == ("acme/legal-1b",)
    assert again.exit_code == 2
    assert before is None or (path.read_text().startswith("# ours\n") and "first" in catalog.models and "# the end" in path.read_text())


def test_a_config_that_is_none_is_refused(environments: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text("[1]")

    done = run(environments, "model", "legal-1b", "--model-config", str(config), "--repository", "acme/legal-1b")

    assert done.exit_code == 2
    assert "not a JSON object" in done.stderr
    assert not (environments / "catalog.yaml").exists()


@pytest.mark.parametrize("parameters", ["1e308", "1000001"])
def test_a_model_of_more_parameters_than_any_is_refused(parameters: str, environments: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text("{}")
    done = run(environments, "model", "legal-1b", "--model-config", str(config), "--repository", "acme/legal-1b", "--parameters", parameters)

    assert done.exit_code == 2
    assert "allowed: billions, more than 0 and at most 1,000,000." in done.stderr


@pytest.mark.parametrize("amount", ["1e308", "1e12"])
def test_an_amount_that_nobody_has_is_refused(amount: str, environments: Path) -> None:
    done = run(environments, "environment", "next", "--budget-usd-per-month", amount)

    assert done.exit_code == 2
    assert "US dollars; allowed: 0 or more, and less than 1,000,000,000,000." in done.stderr
