"""Rules about data where it lies in AWS, and what Pulumi is told is secret: examples in YAML cannot show these."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.policies.finding import Verdict
from gpuplane.policies.registry import all_rules
from gpuplane.spec.obligations import ClassObligations
from gpuplane.spec.policies import Policies
from gpuplane.spec.vocabulary import AI_ACT_RISK, DATA_CLASSIFICATION, ENVIRONMENT

RULES = {rule.id: rule for rule in all_rules()}
NAMES = {"aws:s3/bucket:Bucket": "Bucket"}
TLS_ONLY = json.dumps({"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]})


def view(type_: str, name: str = "history", data: str | None = None, **props: Any) -> ResourceView:
    tags = {"tags": {DATA_CLASSIFICATION: data}} if data else {}
    return ResourceView(urn=f"urn:pulumi:x::gpuplane::{type_}::{name}", type=type_, kind=type_.rpartition(":")[2], name=name, props={**tags, **props})


def cluster_log(days: int) -> ResourceView:
    return ResourceView(urn="log", type="aws:cloudwatch/logGroup:LogGroup", kind="LogGroup", name="control-plane",
                        props={"name": "/aws/eks/c/cluster", "retentionInDays": days})


def namespace(data: str, environment: str = "prod", risk: str = "minimal") -> ResourceView:
    return ResourceView(urn=f"n-{data}", type="kubernetes:core/v1:Namespace", api_version="v1", kind="Namespace", name=data,
                        props={"metadata": {"name": data, "labels": {DATA_CLASSIFICATION: data, ENVIRONMENT: environment},
                                            "annotations": {AI_ACT_RISK: risk}}})


def bucket(data: str = "personal", name: str = "history") -> ResourceView:
    return view("aws:s3/bucket:Bucket", name, data, bucket=name)


def of_bucket(kind: str, name: str = "history", **props: Any) -> ResourceView:
    return view(f"aws:s3/{kind[0].lower()}{kind[1:]}:{kind}", name, bucket=name, **props)


def encrypted(key: Any) -> ResourceView:
    return of_bucket("BucketServerSideEncryptionConfiguration", rules=[{"applyServerSideEncryptionByDefault": {"kmsMasterKeyId": key}}])


def expiring(**rule: Any) -> ResourceView:
    return of_bucket("BucketLifecycleConfiguration", rules=[{"status": "Enabled", **rule}])


KEY = view("aws:kms/key:Key", "history", enableKeyRotation=True)
STILL = view("aws:kms/key:Key", "still", enableKeyRotation=False)
AUDIT = view("aws:eks/cluster:Cluster", "c", enabledClusterLogTypes=["audit"], encryptionConfig={"provider": {"keyArn": Unknown(KEY.urn, "keyArn")}})

CASES: dict[str, tuple[str, list[ResourceView], list[str]]] = {
    "a bucket with a key": ("PII-03", [bucket(), KEY, encrypted(Unknown(KEY.urn, "k"))], []),
    "a key that is never rotated": ("PII-03", [bucket(), STILL, encrypted(Unknown(STILL.urn, "k"))], ["the key still, which is never rotated"]),
    "a bucket without a key": ("PII-03", [bucket()], ["holds personal data and is encrypted with no key of the customer's own"]),
    "a bucket with the cloud's key": ("PII-03", [bucket(), encrypted("arn:aws:kms:x:1:alias/aws/s3")], ["with a key of AWS's own"]),
    "a key from elsewhere": ("PII-03", [bucket(), encrypted(Unknown("urn:other", "x"))], ["only known after apply"]),
    "an internal bucket": ("PII-03", [bucket("internal")], []),
    "another bucket's key": ("PII-03", [bucket(name="a"), KEY, encrypted(Unknown(KEY.urn, "k"))], ["no key of the customer's own"]),
    "a log group with a key": ("PII-03", [view("aws:cloudwatch/logGroup:LogGroup", data="personal", kmsKeyId="arn:aws:kms:x:1:key/a")], []),
    "a queue without one": ("PII-03", [view("aws:sqs/queue:Queue", data="special")], ["Queue history holds special data"]),
    "a database with the cloud's": ("PII-03", [view("aws:rds/instance:Instance", data="confidential", kmsKeyId="alias/aws/rds")], ["a key of AWS's own"]),
    "a cluster with its own": ("PII-03", [namespace("personal"), KEY, AUDIT], []),
    "a cluster without": ("PII-03", [namespace("personal"), view("aws:eks/cluster:Cluster", "c")], ["holds the Secrets of Namespace personal"]),
    "a cluster of internal data": ("PII-03", [namespace("internal"), view("aws:eks/cluster:Cluster", "c")], []),
    "TLS alone": ("PII-05", [bucket(), of_bucket("BucketPolicy", policy=TLS_ONLY)], []),
    "no policy": ("PII-05", [bucket("public")], ["Bucket history answers requests without TLS"]),
    "a policy about something else": ("PII-05", [bucket(), of_bucket("BucketPolicy", policy="{}")], ["without TLS"]),
    "an unknown policy": ("PII-05", [bucket(), of_bucket("BucketPolicy", policy=Unknown("u", "policy"))], ["only known after apply"]),
    "a bucket that forgets": ("PII-09", [bucket(), expiring(expiration={"days": 365})], []),
    "one that forgets what was replaced": ("PII-09", [bucket(), expiring(noncurrentVersionExpiration={"noncurrentDays": 90})], []),
    "one that keeps all": ("PII-09", [bucket()], ["no enabled lifecycle rule deletes anything"]),
    "one whose rule is off": ("PII-09", [bucket(), of_bucket("BucketLifecycleConfiguration", rules=[{"status": "Disabled", "expiration": {"days": 1}}])],
                              ["no enabled lifecycle rule"]),
    "one that keeps too long": ("PII-09", [bucket(), expiring(expiration={"days": 366})], ["keeps personal data for 366 days, and 365 are allowed"]),
    "a log group for ever": ("PII-09", [namespace("personal"), view("aws:cloudwatch/logGroup:LogGroup")], ["keeps everything for ever"]),
    "a log group for ever, of internal data": ("PII-09", [namespace("internal"), view("aws:cloudwatch/logGroup:LogGroup")], []),
    "a log group too long": ("PII-09", [view("aws:cloudwatch/logGroup:LogGroup", data="special", retentionInDays=365)], ["365 days, and 180 are allowed"]),
    "backups": ("PII-09", [view("aws:rds/instance:Instance", data="personal", backupRetentionPeriod=35)], []),
    "recorded reads": ("PII-16", [bucket(), of_bucket("BucketLogging")], []),
    "recorded by a trail": ("PII-16", [bucket(), view("aws:cloudtrail/trail:Trail", eventSelectors=[{"dataResources": [{"type": "AWS::S3::Object"}]}])], []),
    "unrecorded reads": ("PII-16", [bucket()], ["nothing records who reads it"]),
    "a cluster without an audit log": ("PII-16", [namespace("personal"), view("aws:eks/cluster:Cluster", "c", enabledClusterLogTypes=["api"])],
                                       ["writes no audit log, and Namespace personal is in it"]),
    "a cluster with one": ("PII-16", [namespace("personal"), AUDIT], []),
    "a marked secret": ("PII-14", [view("aws:rds/instance:Instance", password="[secret]")], []),
    "a plain password": ("PII-14", [view("aws:rds/instance:Instance", password="swordfish")], ["password of Instance history is a secret"]),
    "a plain Secret": ("PII-14", [view("kubernetes:core/v1:Secret", stringData={"x": "swordfish"})], ["stringData.x of Secret history is a secret"]),
    "a parameter that is no secret": ("PII-14", [view("aws:ssm/parameter:Parameter", type="String", value="swordfish")], []),
    "a parameter that is one": ("PII-14", [view("aws:ssm/parameter:Parameter", type="SecureString", value="swordfish")], ["value of Parameter history"]),
    "a kubeconfig with a token": ("PII-14", [view("pulumi:providers:kubernetes", kubeconfig="users:\n- user: {token: abc}")], ["kubeconfig of kubernetes history"]),
    "a kubeconfig without": ("PII-14", [view("pulumi:providers:kubernetes", kubeconfig="users:\n- user: {exec: {command: aws}}")], []),
    "a key that is soon gone": ("PII-04", [view(KEY.type, data="personal", deletionWindowInDays=5)], ["gone 5 days after"]),
    "a key for everybody of the account": ("PII-04", [view(KEY.type, data="personal", policy=json.dumps({"Statement": [
        {"Effect": "Allow", "Principal": "*", "Condition": {"StringEquals": {"kms:CallerAccount": "1"}}}]}))], []),
    "a key for everybody": ("PII-04", [view(KEY.type, data="personal", policy='{"Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}}}')],
                            ["lets in everybody"]),
    "a key with an unknown policy": ("PII-04", [view(KEY.type, data="special", policy=Unknown("u", "policy"))], ["only known after apply"]),
    "a high-risk system's short log": ("PII-20", [namespace("personal", risk="high"), cluster_log(90)], ["is kept for 90 days; 184 are needed"]),
    "a high-risk system's log": ("PII-20", [namespace("personal", risk="high"), cluster_log(365)], []),
    "a copy of less": ("PII-02", [bucket(), bucket("internal", "copy"), of_bucket("BucketReplicationConfig", rules=[
        {"destination": {"bucket": "arn:aws:s3:::copy"}}])], ["Bucket history (personal) → Bucket copy (internal)"]),
    "a copy of the same": ("PII-02", [bucket(), bucket("special", "copy"), of_bucket("BucketReplicationConfig", rules=[
        {"destination": {"bucket": "arn:aws:s3:::copy"}}])], []),
}


def found(rule: str, views: list[ResourceView], parameters: Policies | None = None) -> Iterator[Any]:
    return RULES[rule].check(PlannedGraph(views, parameters=parameters or Policies()))


@pytest.mark.parametrize("name", CASES)
def test_a_store_is_judged_by_its_class_and_its_settings(name: str) -> None:
    rule, views, messages = CASES[name]
    said = [finding.message for finding in found(rule, views)]

    assert len(said) == len(messages)
    assert all(message in sentence for message, sentence in zip(messages, said, strict=True)), said
    assert not any("swordfish" in sentence for sentence in said)


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name][2] and "after apply" in CASES[name][2][0]])
def test_what_only_apply_knows_is_no_pass(name: str) -> None:
    assert [finding.verdict for finding in found(*CASES[name][:2])] == [Verdict.UNKNOWN]


def test_an_environment_can_demand_more() -> None:
    stricter = Policies(obligations={"internal": ClassObligations(customer_keys=True, retention_days=30)})

    assert list(found("PII-03", [bucket("internal")], stricter))
    assert list(found("PII-09", [bucket("internal"), expiring(expiration={"days": 31})], stricter))
