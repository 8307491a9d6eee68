"""Settings of models in a Triton model repository: ``config.pbtxt`` files, and how the server gets to see them.

KServe mounts the repository read-only at ``/mnt/models``, and Triton reads a model's configuration only from the model's own folder.
So the container builds a repository of links in a volume of its own, with our configurations in the places of the repository's, and
starts Triton on that. Inputs and outputs are not in them: Triton completes a configuration from the model where the backend can
(docs/user_guide/model_configuration.md, auto-generated model configuration).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from gpuplane.components.kubernetes_object import Manifest, metadata
from gpuplane.spec.runtime import MODEL_DIRECTORY

MODEL_SETTINGS = "/etc/triton/models"
"""Where the configurations are mounted."""
MODEL_REPOSITORY = "/var/lib/triton/models"
"""The repository of links that Triton reads."""


@dataclass(frozen=True)
class TritonModelArgs:
    """One model of the repository.

    Attributes:
        name: its folder; backend: what runs it, by Triton's name.
        max_batch_size, instance_count: largest batch; copies on the GPU.
        preferred_batch_sizes, max_queue_delay_microseconds: of dynamic batching; None for both where Triton decides.
    """

    name: str
    backend: str
    max_batch_size: int
    instance_count: int = 1
    preferred_batch_sizes: tuple[int, ...] | None = None
    max_queue_delay_microseconds: int | None = None


def model_config(args: TritonModelArgs) -> str:
    """The model's ``config.pbtxt`` (``ModelConfig`` of Triton's ``model_config.proto``, protobuf text format)."""
    lines = [f'name: "{args.name}"', f'backend: "{args.backend}"', f"max_batch_size: {args.max_batch_size}"]
    if args.max_queue_delay_microseconds is not None:
        sizes = ", ".join(map(str, args.preferred_batch_sizes or ()))
        lines += ["dynamic_batching {", *([f"  preferred_batch_size: [ {sizes} ]"] if sizes else []),
                  f"  max_queue_delay_microseconds: {args.max_queue_delay_microseconds}", "}"]
    return "\n".join([*lines, f"instance_group [ {{ count: {args.instance_count} kind: KIND_GPU }} ]"]) + "\n"


def model_files(models: tuple[TritonModelArgs, ...]) -> Mapping[str, str]:
    """The configurations by file name, sorted."""
    return {f"{model.name}.pbtxt": model_config(model) for model in sorted(models, key=lambda model: model.name)}


def config_map_name(service: str, models: tuple[TritonModelArgs, ...]) -> str:
    """The name of the ConfigMap; it says what is in it, so that a change of it is a rollout."""
    digest = hashlib.sha256("\n".join(model_files(models).values()).encode()).hexdigest()
    return f"{service}-models-{digest[:8]}"


def config_map(service: str, namespace: str, models: tuple[TritonModelArgs, ...], labels: Mapping[str, str]) -> Manifest:
    """The ConfigMap with all configurations; it never changes."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(config_map_name(service, models), namespace, labels),
            "immutable": True, "data": dict(model_files(models))}


def start_command(models: str = MODEL_DIRECTORY, settings: str = MODEL_SETTINGS, repository: str = MODEL_REPOSITORY) -> list[str]:
    """What the container runs instead of ``tritonserver``; its arguments follow.

    A model that has settings and is not in the repository ends the container with its name: Triton would start without it.
    """
    script = f"""set -eu
for folder in {models}/*/; do
  name=${{folder%/}}; name=${{name##*/}}
  mkdir -p "{repository}/$name"
  for item in "$folder"*; do ln -sfn "$item" "{repository}/$name/${{item##*/}}"; done
done
for file in {settings}/*.pbtxt; do
  name=${{file##*/}}; name=${{name%.pbtxt}}
  [ -d "{models}/$name" ] || {{ echo "the model repository has no model $name" >&2; exit 1; }}
  rm -f "{repository}/$name/config.pbtxt"
  cp "$file" "{repository}/$name/config.pbtxt"
done
exec tritonserver "$@"
"""
    return ["/bin/sh", "-c", script, "tritonserver"]
