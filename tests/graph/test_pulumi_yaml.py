"""Pulumi YAML programs as resource views."""

from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.resource_view import Unknown

PROGRAM = """
name: storage
resources:
  models:
    type: aws:s3/bucket:Bucket
    properties: {bucket: models, tags: [a, "${stack}-b"]}
    options: {protect: true}
  key: {type: "aws:kms/key:Key"}
"""


def test_each_resource_is_a_view_with_its_line() -> None:
    bucket, key = views_of_text(PROGRAM)

    assert (bucket.type, bucket.kind, bucket.name, bucket.line, bucket.protect) == ("aws:s3/bucket:Bucket", "Bucket", "models", 4, True)
    assert (key.kind, key.props, key.protect) == ("Key", {}, False)
    assert not bucket.is_kubernetes


def test_what_is_interpolated_only_apply_knows() -> None:
    (bucket, _) = views_of_text(PROGRAM)

    assert bucket.get("tags", 0) == "a"
    assert isinstance(bucket.get("tags", 1), Unknown)


def test_a_kustomization_is_no_program() -> None:
    found = views_of_text("apiVersion: kustomize.config.k8s.io/v1\nkind: Kustomization\nresources: [a.yaml]\n")

    assert [view.kind for view in found] == ["Kustomization"]
