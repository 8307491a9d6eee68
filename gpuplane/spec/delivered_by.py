"""Which engine delivers the rendered manifests: Argo CD, Flux, or the Pulumi Kubernetes Operator. Left out, gpuplane itself (``up``)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from gpuplane.spec.model import DnsLabel, ImageDigest, OneOf, SpecModel
from gpuplane.spec.tenant import EgressRule

GitUrl = Annotated[str, StringConstraints(pattern=r"^(https://[^\s@:/]+(:[0-9]{2,5})?|ssh://([a-z0-9_-]+@)?[^\s@:/]+(:[0-9]{2,5})?)/[^\s@]+$",
                                          max_length=400)]
"""An https or ssh address of a git repository, without user name and password."""
_STEP = r"[A-Za-z0-9][-A-Za-z0-9_]*(\.[-A-Za-z0-9_]+)*"
FolderPath = Annotated[str, StringConstraints(pattern=f"^{_STEP}(/{_STEP})*$", max_length=200)]
"""A folder of the repository, from its top, e.g. ``rendered/prod``."""
SecretName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")]


class GitSource(SpecModel):
    """Where the engine finds what it delivers."""

    url: GitUrl
    """Address of the repository."""
    revision: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][-A-Za-z0-9_./]*$", max_length=200)] = "main"
    """Branch."""
    path: FolderPath
    """Folder that ``gpuplane render --out`` writes to."""
    credentials_secret: SecretName | None = None
    """Secret in the engine's namespace with the credentials of the repository; left out, it is public, or the engine knows it."""


class Gate(SpecModel):
    """The job that judges the manifests again, in the cluster, before the engine applies them: nothing that a pipeline missed goes on."""

    image: ImageDigest
    """Image with this gpuplane and git, by digest."""
    namespace: DnsLabel = "gpuplane-gate"
    """Namespace it runs in, which the manifests make."""
    environments: FolderPath | None = None
    """Folder of the wishes in the same repository: the gate then renders them again, and lets pass only what is the same byte by byte. Left
    out, the manifests are judged by themselves."""
    egress: Annotated[tuple[EgressRule, ...], Field(min_length=1, max_length=16)]
    """Where the repository is reached, e.g. the egress proxy's namespace: the gate's pods reach nothing else, the cluster's DNS apart."""
    credentials_secret: SecretName | None = None
    """Secret of that namespace with ``username`` and ``password`` for an https repository, or ``identity`` and ``known_hosts`` for ssh;
    left out, the repository is public."""


class ArgoCd(SpecModel):
    """Argo CD: an Application for each Helm release and for the platform, an ApplicationSet with an Application for each tenant."""

    source: GitSource
    gate: Gate
    namespace: DnsLabel = "argocd"
    """Namespace of Argo CD."""
    destination: Annotated[str, StringConstraints(pattern=r"^https://[^\s@]+$", max_length=300)] = "https://kubernetes.default.svc"
    """API server that it writes to, as Argo CD knows it."""


class Flux(SpecModel):
    """Flux: a Kustomization for the gate, the releases, the platform and each tenant, each after the one before it."""

    source: GitSource
    gate: Gate
    namespace: DnsLabel = "flux-system"
    """Namespace of Flux's own objects."""
    signed_by_secret: SecretName | None = None
    """Secret with the public keys that commits must be signed by (``GitRepository.spec.verify``); left out, any commit counts."""
    interval_seconds: Annotated[int, Field(ge=30, le=86_400)] = 300
    """How often the cluster is compared with the repository."""


class PulumiOperator(SpecModel):
    """Pulumi Kubernetes Operator: a Stack for each layer, which runs gpuplane's own program, gate included."""

    source: GitSource
    """Here ``path`` is the folder that ``Pulumi.yaml`` lies in, or of which it is the top."""
    namespace: DnsLabel = "pulumi-kubernetes-operator"
    """Namespace of the Stack objects."""
    service_account: DnsLabel = "gpuplane"
    """Service account of the workspaces: its rights are those of an apply."""
    passphrase_secret: SecretName | None = None
    """Secret with ``passphrase``, of a self-managed backend."""
    access_token_secret: SecretName | None = None
    """Secret with ``accessToken``, of Pulumi Cloud."""


class DeliveredBy(OneOf):
    """One engine writes to a cluster; two would fight over every field."""

    ONE_OF = ("argo_cd", "flux", "pulumi_operator")

    argo_cd: ArgoCd | None = None
    flux: Flux | None = None
    pulumi_operator: PulumiOperator | None = None

    @property
    def source(self) -> GitSource:
        """Where the engine finds what it delivers."""
        engine = self.argo_cd or self.flux or self.pulumi_operator
        assert engine is not None  # exactly one is there
        return engine.source

    @property
    def gate(self) -> Gate | None:
        """The job before each delivery; None where the program brings its own."""
        return (self.argo_cd or self.flux).gate if self.argo_cd or self.flux else None  # type: ignore[union-attr]
