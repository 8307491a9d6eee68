"""What a tenant has in AWS: a bucket for its models, the identity with which its model servers read it, and those that read its secrets."""

from __future__ import annotations

from dataclasses import replace

import pulumi

from gpuplane.components.iam import role_name
from gpuplane.components.model_bucket import ModelBucket, ModelBucketArgs, read_statements
from gpuplane.components.pod_identity import POD_IDENTITY_AGENT, PodIdentity, PodIdentityArgs
from gpuplane.components.secret_reader import SecretReader
from gpuplane.components.tenant import Tenant
from gpuplane.components.tenant_network import EgressArgs
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.vocabulary import DATA_CLASSIFICATION, MODEL_SERVER_ACCOUNT, TENANT
from gpuplane.stacks.aws_cluster import place, tags
from gpuplane.stacks.providers import aws_provider, with_provider
from gpuplane.stacks.tenant_secrets import readers


def options(spec: EnvironmentSpec) -> pulumi.ResourceOptions | None:
    """Options with the AWS provider, where tenants have something in AWS; None where they have nothing."""
    aws = spec.environment.spec.aws
    made = any(store.aws_secrets_manager is not None and store.aws_secrets_manager.reader_roles is not None
               for store in spec.environment.spec.secret_stores.values())
    if aws is None or (aws.model_buckets is None and not made):
        return None
    return with_provider(aws_provider(spec), protect=spec.environment.spec.protected or None)


def cloud_egress(spec: EnvironmentSpec) -> tuple[EgressArgs, ...]:
    """The ways of every tenant to its credentials, from the agent on its node, and to S3."""
    aws = spec.environment.spec.aws
    if aws is None or aws.model_buckets is None:
        return ()
    # The dot keeps them apart from every rule of a tenant: those are DNS labels.
    return (EgressArgs("platform.pod-identity", (80,), cidr=POD_IDENTITY_AGENT),
            *(EgressArgs(f"platform.s3-{index}", (443,), cidr=cidr) for index, cidr in enumerate(aws.model_buckets.s3_cidrs)))


def compose(spec: EnvironmentSpec, tenant: str, space: Tenant, cloud: pulumi.ResourceOptions) -> None:
    """Register a tenant's identities and bucket; the namespace comes first."""
    settings = spec.environment.spec
    assert settings.aws is not None
    unprotected = pulumi.ResourceOptions.merge(cloud, pulumi.ResourceOptions(depends_on=[space], protect=False))
    for store, reader in readers(spec, tenant).items():
        SecretReader(f"{tenant}-{store}", replace(reader, tags={**tags(spec), TENANT: tenant}), unprotected)
    if settings.aws.model_buckets is None:
        return
    buckets, where = settings.aws.model_buckets, place(settings.aws)
    bucket = buckets.bucket(tenant)
    named = {**tags(spec), TENANT: tenant, DATA_CLASSIFICATION: spec.tenants[tenant].spec.data_classification}
    role = role_name(f"{settings.cluster.name}-{tenant}-models")
    identity = PodIdentity(tenant, PodIdentityArgs(
        role_name=role, cluster_name=settings.cluster.name, namespace=tenant, service_account=MODEL_SERVER_ACCOUNT, place=where,
        statements=read_statements(where, bucket), tags=named),
        unprotected)
    ModelBucket(tenant, ModelBucketArgs(
        bucket=bucket, place=where, reader_role=role, publisher_role_arns=buckets.publisher_role_arns,
        noncurrent_days=buckets.noncurrent_days, archive_after_days=buckets.archive_after_days,
        access_log_bucket=buckets.access_log_bucket, tags=named),
        pulumi.ResourceOptions.merge(cloud, pulumi.ResourceOptions(depends_on=[identity])))
