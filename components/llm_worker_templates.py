"""How KServe starts replicas of several pods, for the services of one namespace.

An LLMInferenceService with workers is merged into a template of a well-known name, which is looked for in its own namespace first.
KServe v0.20 has none for pipeline parallelism, and that for data parallelism asks for IPC_LOCK, SYS_RAWIO and NET_RAW, which the
restricted Pod Security Standard refuses. These ask for nothing; pods without them move tensors over TCP, not RDMA.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pulumi

from gpuplane.components.inference_service import DEREGISTRATION_SECONDS
from gpuplane.components.kubernetes_object import KubernetesObject, Manifest, child_options, metadata
from gpuplane.spec.vocabulary import KSERVE_LLM, TENANT

Way = Literal["data", "pipeline"]
NAMES: Mapping[Way, str] = {"data": "kserve-config-llm-worker-data-parallel", "pipeline": "kserve-config-llm-worker-pipeline-parallel"}
"""Well-known names (KServe v0.20.0 pkg/controller/v1alpha2/llmisvc/config_merge.go)."""
_TLS = "/var/run/kserve/tls"
_ADDRESS = """\
until address=$(getent hosts "$LWS_LEADER_ADDRESS" | cut -d' ' -f1) && [ -n "$address" ]; do sleep 1; done
"""
"""The leader's address: vLLM's sockets bind to no names, and the name is there a little later than the pod."""
_SERVE = """\
eval "exec vllm serve /mnt/models --tensor-parallel-size {{ or .Spec.Parallelism.Tensor 1 }} """
_ANSWER = f"""\
--port 8000 --served-model-name {{{{ .Spec.Model.Name }}}} publishers/{{{{ .ObjectMeta.Namespace }}}}/models/{{{{ .Spec.Model.Name }}}} \
--shutdown-timeout {{{{ shutdownTimeout .Spec.Template {DEREGISTRATION_SECONDS} }}}} \
{{{{ if .GlobalConfig.EnableTLS }}}}--enable-ssl-refresh --ssl-certfile {_TLS}/tls.crt --ssl-keyfile {_TLS}/tls.key{{{{ end }}}} """
_TRANSFER = "{{ kvTransferConfig .Spec.KVCacheOffloading }} "
_SIZES: Mapping[Way, str] = {
    "data": "--data-parallel-size {{ .Spec.Parallelism.Data }} --data-parallel-size-local {{ .Spec.Parallelism.DataLocal }} "
            "--data-parallel-address $address --data-parallel-rpc-port 5555 "
            "{{ if .Spec.Parallelism.Expert }}--enable-expert-parallel{{ end }} ",
    "pipeline": "--pipeline-parallel-size {{ .Spec.Parallelism.Pipeline }} --distributed-executor-backend mp "
                "--nnodes $LWS_GROUP_SIZE --master-addr $address "}
_WORKER: Mapping[Way, str] = {
    "data": "--headless --data-parallel-start-rank $((LWS_WORKER_INDEX * {{ .Spec.Parallelism.DataLocal }})) ",
    "pipeline": "--headless --node-rank $LWS_WORKER_INDEX "}
_LEADER: Mapping[Way, str] = {"data": "--data-parallel-start-rank 0 ", "pipeline": "--node-rank 0 "}
_ARGUMENTS = '$@"'
_SMALL = {"cpu": "1", "memory": "2Gi"}
_DIRECTORIES = {"home": "/home", "tmp-dir": "/tmp", "dshm": "/dev/shm", "model-cache": "/models"}  # noqa: S108 mounts of the pod
"""Where vLLM writes; its caches follow HOME, so that the root of its containers can be read-only."""


@dataclass(frozen=True)
class LLMWorkerTemplatesArgs:
    """The namespace, and the ways in which its replicas span pods."""

    namespace: str
    ways: tuple[Way, ...]


class LLMWorkerTemplates(pulumi.ComponentResource):
    """The LLMInferenceServiceConfigs of one namespace."""

    def __init__(self, name: str, args: LLMWorkerTemplatesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:LLMWorkerTemplates", name, {"namespace": args.namespace}, opts)
        for way in args.ways:
            KubernetesObject(f"{args.namespace}-{NAMES[way]}", manifest(args.namespace, way), child_options(self, opts))
        self.register_outputs({"namespace": args.namespace})


def manifest(namespace: str, way: Way) -> Manifest:
    """One LLMInferenceServiceConfig as its API takes it; KServe fills in what stands in double braces."""
    leader, worker = _LEADER[way] + _ANSWER, _WORKER[way]
    template = _pod(_ADDRESS + _SERVE + _SIZES[way] + leader + _TRANSFER + _ARGUMENTS)
    template["containers"][0] |= {"livenessProbe": _probe(10, 10), "readinessProbe": _probe(10, 3), "startupProbe": _probe(10, 90),
                                  "ports": [{"containerPort": 8000, "protocol": "TCP"}]}
    return {"apiVersion": KSERVE_LLM, "kind": "LLMInferenceServiceConfig", "metadata": metadata(NAMES[way], namespace, {TENANT: namespace}),
            "spec": {"template": template, "worker": _pod(_ADDRESS + _SERVE + _SIZES[way] + worker + _TRANSFER + _ARGUMENTS)}}


def _pod(script: str) -> dict[str, Any]:
    volumes: list[dict[str, Any]] = [
        {"name": name, "emptyDir": {"medium": "Memory"} if name == "dshm" else {}} for name in _DIRECTORIES]
    volumes.append({"name": "tls-certs", "secret": {"secretName": "{{ ChildName .ObjectMeta.Name `-kserve-self-signed-certs` }}"}})
    mounts: list[dict[str, Any]] = [{"name": name, "mountPath": path} for name, path in _DIRECTORIES.items()]
    return {"containers": [{
        # What follows "--" are the arguments of the service, quoted for the shell that reads them again.
        "name": "main", "command": ["/bin/bash", "-c", script, "--"],
        "env": [{"name": "VLLM_HOST_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                {"name": "HOME", "value": "/home"}, {"name": "HF_HUB_CACHE", "value": "/models"}],
        # Requests and limits of a service take the place of these.
        "resources": {"requests": dict(_SMALL), "limits": dict(_SMALL)},
        "lifecycle": {"preStop": {"sleep": {"seconds": DEREGISTRATION_SECONDS}}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True,
                            "readOnlyRootFilesystem": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "volumeMounts": [*mounts, {"name": "tls-certs", "mountPath": _TLS, "readOnly": True}]}], "volumes": volumes}


def _probe(period_seconds: int, failures: int) -> dict[str, Any]:
    scheme = "{{ if .GlobalConfig.EnableTLS }}HTTPS{{ else }}HTTP{{ end }}"
    return {"httpGet": {"path": "/health", "port": 8000, "scheme": scheme}, "periodSeconds": period_seconds, "timeoutSeconds": 5,
            "failureThreshold": failures}
