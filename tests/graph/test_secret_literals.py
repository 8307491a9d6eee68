"""Secrets are found by their form and by what they are called; what only names one, or leads to it, is not one."""

import base64
import re
import string
import sys
from collections.abc import Sequence
from re import _parser as sre_parse  # type: ignore[attr-defined]  # private: what a pattern consists of is asked nowhere else
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuplane.graph import secret_literals
from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.secret_literals import kind_of, secret, spans
from gpuplane.graph.text_leaves import Leaf, Use, kept_in_git, leaves

LONG = "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5"
# In two parts, so that no scanner takes this file for a leak.
FORMED = {
    "AWS": "AKIA" + "Q3EGRZNPQXW7KLMA", "GitHub": "ghp" + "_" + LONG, "Hugging Face": "hf" + "_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH",
    "JWT": "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0." + "c2lnbmF0dXJlc2lnbmF0dXJl", "Stripe": "sk" + "_live_" + LONG[:24],
    "private key": "-----BEGIN " + "PRIVATE KEY-----\nxxxx\n-----END PRIVATE KEY-----", "address": "postgres://app:" + "swordfish9@db.svc:5432/app",
    "Google": "AIza" + (LONG * 2)[:35], "Vault": "hvs" + "." + LONG, "GitLab": "glpat" + "-" + LONG[:20], "Slack": "xox" + "b-123456789012-abcdefghijkl",
    "header": "Authorization: " + "Bearer " + LONG, "NVIDIA": "nvapi" + "-" + (LONG * 2)[:64], "Pulumi": "pul" + "-" + "0a1b2c3d" * 5,
    "OpenAI": "sk" + "-proj-" + (LONG * 2)[:48], "storage": "AccountKey" + "=" + (LONG * 3)[:86] + "=="}

NAMED = [
    (Use.GIVEN, "DB_PASSWORD", "swordfish"), (Use.GIVEN, "password", "abc123"), (Use.GIVEN, "MYSQL_ROOT_PASSWORD_1", "x"), (Use.GIVEN, "pwd", "hi"),
    (Use.GIVEN, "AWS_SECRET_ACCESS_KEY", "xxx"), (Use.GIVEN, "aws_access_key_id", "XXXX"), (Use.GIVEN, "api-key", "swordfish"), (Use.GIVEN, "HF_TOKEN", "abc"),
    (Use.GIVEN, "clientSecret", "swordfish"), (Use.GIVEN, "azure_batch_key", "some text"), (Use.GIVEN, "OCI_CLI_KEY_CONTENT", "abc"),
    (Use.GIVEN, "app:apiKey", "swordfish"), (Use.GIVEN, "auth.bearer", "abc"), (Use.LINE, "password", "swordfish"), (Use.LINE, "spring.datasource.password", "s3cret"),
    (Use.LINE, "api_key", "swordfish"), (Use.FIELD, "adminPassword", "Sword-fish"), (Use.FIELD, "adminPassword", "swordfish1"), (Use.FIELD, "apiKey", LONG),
    (Use.FIELD, "clientSecret", LONG.lower()), (Use.SECRET, "anything", "swordfish")]

NOTHING = [
    (Use.GIVEN, "DB_PASSWORD", ""), (Use.GIVEN, "DB_PASSWORD", "$(DB_PASSWORD)"), (Use.GIVEN, "DB_PASSWORD", "${DB_PASSWORD}"), (Use.GIVEN, "DB_PASSWORD", "{{ .Values.p }}"),
    (Use.GIVEN, "PASSWORD_FILE", "/etc/password"), (Use.GIVEN, "DB_PASSWORD", "/run/secrets/db"), (Use.GIVEN, "GOOGLE_APPLICATION_CREDENTIALS", "/var/key.json"),
    (Use.GIVEN, "TOKEN_URL", "https://login.example.com/token"), (Use.GIVEN, "max-tokens", "4096"), (Use.GIVEN, "MAX_TOKEN", "4096"), (Use.GIVEN, "eos_token", "</s>"),
    (Use.GIVEN, "SECRET_NAME", "callers"), (Use.GIVEN, "tokenizer", "Qwen/Qwen2.5-7B"), (Use.GIVEN, "ENABLE_PASSWORD", "true"), (Use.GIVEN, "API_KEY", "vault:kv/a#b"),
    (Use.GIVEN, "API_KEY", "<your key>"), (Use.GIVEN, "SORT_KEY", "created"), (Use.GIVEN, "PUBLIC_KEY", "ssh-ed25519 AAAA"), (Use.GIVEN, "DB_URL", "AKIA"),
    (Use.GIVEN, "URL", "postgres://app:$(PASSWORD)@db/app"), (Use.GIVEN, "initial-cluster-token", "etcd-1"), (Use.GIVEN, "PASSWORD", "[secret]"),
    (Use.GIVEN, "URL", "https://$(USER):$(PASSWORD)@host/x"), (Use.GIVEN, "token", "123456"), (Use.LINE, "password", 'os.environ["X"]'), (Use.LINE, "password", "str"),
    (Use.LINE, "password", "config.password"), (Use.LINE, "password", "$1"), (Use.FIELD, "secretKey", "api-key"), (Use.FIELD, "secret", "my-tls-secret"),
    (Use.FIELD, "certificate_secret", "wildcard-tls"), (Use.FIELD, "adminPassword", "admin-password"), (Use.FIELD, "passwordKey", "postgres-password"),
    (Use.FIELD, "auth-secret", "team-a/basic-auth-2f7d9"), (Use.FIELD, "existingSecret", "release-name-credentials-v2"), (Use.SECRET, "tls.crt", "certificate"),
    (Use.FIELD, "image", "docker.io/x@sha256:" + "4e1c" * 16), (Use.FIELD, "revision", "a09a35458c702b33eeacc393d103063234e8bc28"),
    (Use.FIELD, "checksum/secret", "a09a35458c702b33eeacc393d1")]


@pytest.mark.parametrize("name", FORMED)
@pytest.mark.parametrize("use", list(Use))
def test_a_token_is_known_by_its_form_whatever_it_is_called(name: str, use: Use) -> None:
    assert list(secret(Leaf("spec.note", "note", f"see {FORMED[name]}", use)))


@pytest.mark.parametrize(("use", "key", "text"), NAMED)
def test_a_secret_is_known_by_its_name(use: Use, key: str, text: str) -> None:
    assert list(secret(Leaf(f"x.{key}", key, text, use))) == [f"the value of {key}"]


@pytest.mark.parametrize(("use", "key", "text"), NOTHING)
def test_what_only_names_a_secret_or_leads_to_it_is_left_alone(use: Use, key: str, text: str) -> None:
    assert list(secret(Leaf(f"x.{key}", key, text, use))) == []


@given(st.text(string.ascii_letters + string.digits, min_size=8, max_size=40), st.sampled_from(["PASSWORD", "apiKey", "client_secret", "HF_TOKEN"]))
def test_no_word_about_a_secret_ever_holds_its_value(text: str, key: str) -> None:
    said = " ".join(secret(Leaf("spec.x", key, f"Zq{text}", Use.GIVEN)))

    assert f"Zq{text}" not in said


def test_what_is_called_a_key_of_a_secret_is_not_itself_one() -> None:
    assert [kind_of(name) for name in ("secretKeyRef", "secretName", "keyFile", "primaryKey", "HF_TOKEN", "access_key_id", "x/db-password")] == [
        "", "", "", "", "token", "key", "password"]


def _found(text: str) -> list[str]:
    view = views_of_text(text)[0]
    return [leaf.path for leaf in leaves(view) if kept_in_git(view) and list(secret(leaf))]


def test_a_secret_in_base64_is_read_and_an_encrypted_one_is_not() -> None:
    body = base64.b64encode(b"swordfish").decode()
    secret_text = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\ndata: {{value: {body}, ca.crt: {body}}}\n"

    assert _found(secret_text) == ["data.value"]
    assert _found(secret_text + "sops: {version: 3.9}\n") == []
    assert _found(f"apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {{name: a}}\nspec: {{encryptedData: {{password: {LONG}}}}}\n") == []


@pytest.mark.parametrize(("spec", "paths"), [
    ("{containers: [{name: a, args: [--api-key, swordfish, --port, '80']}]}", ["spec.containers[0].args[1]"]),
    ("{containers: [{name: a, args: ['--api-key=swordfish']}]}", ["spec.containers[0].args[0]"]),
    ("{containers: [{name: a, command: [sh, -c, 'serve --api-key swordfish --port 80']}]}", ["spec.containers[0].command[2]"]),
    ("{containers: [{name: a, args: [--api-key, --port=80]}]}", []),
    ("{containers: [{name: a, env: [{name: A, value: '{\"password\": \"sword-fish\"}'}]}]}", ["spec.containers[0].env[0].value"]),
    ("{template: {env: [{key: DB_PASSWORD, value: swordfish}]}}", ["spec.template.env[0].value"])])
def test_a_secret_is_found_in_whatever_way_it_is_handed_over(spec: str, paths: list[str]) -> None:
    assert _found(f"apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {spec}\n") == paths


@pytest.mark.parametrize("form", ["GitHub", "GitLab", "JWT", "npm", "Slack", "Stripe", "Pulumi"])
def test_a_token_is_taken_out_of_a_text_whole(form: str) -> None:
    token = {**FORMED, "npm": "npm" + "_" + LONG}[form]

    assert spans(f"said: {token}, and so on") == {token}


@pytest.mark.parametrize("text", [
    "", "authorization", "Authorization: Bearer abcdefghijklmnop", 'x"AUTHORIZATION": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ" authorization',
    "authorization: bearer authorization: bearer abcdefghijklmnop", "reauthorization: bearer abcdefghijklmnop",
    "author\u0130zation: bearer abcdefghijklmnop", "author\u0131zation: bearer abcdefghijklmnop", "\u0130 authorization: basic abcdefghijklmnop",
    "rbac.authorization.k8s.io Authorization=Bearer\n abcdefghijklmnop-authorization-authorization: bearer zyxwvutsrqponm"])
def test_headers_are_found_where_the_pattern_finds_them(text: str) -> None:
    assert secret_literals._headers(text) == [match.group() for match in secret_literals._HEADER.finditer(text)]


@pytest.mark.parametrize("plugin", secret_literals._plugins(), ids=lambda plugin: type(plugin).__name__)
def test_whatever_a_plug_in_finds_bears_one_of_its_marks(plugin: Any) -> None:
    marks = secret_literals._MARKS[type(plugin).__name__]
    for form in plugin.denylist:
        small = [mark for mark in marks if mark == mark.lower()]
        assert _bears(sre_parse.parse(form.pattern, form.flags), small if form.flags & re.IGNORECASE else marks), form.pattern


def test_letters_of_a_mark_in_small_letters_are_what_case_does_not_count_for() -> None:
    letters = {letter for plugin in secret_literals._plugins() if any(form.flags & re.IGNORECASE for form in plugin.denylist)
               for mark in secret_literals._MARKS[type(plugin).__name__] if mark == mark.lower() for letter in mark}
    for letter in letters:
        form = re.compile(letter, re.IGNORECASE)
        assert all(chr(code).lower() == letter for code in range(sys.maxunicode + 1) if form.match(chr(code)))


def _bears(parts: Any, marks: Sequence[str], said: str = "") -> bool:
    """Whether every match of a parsed pattern holds one of some texts: letter by letter in it, where no branch goes round them.

    Args:
        parts: of the pattern.
        marks: the texts.
        said: the letters before.
    """
    for kind, value in parts:
        if kind is sre_parse.LITERAL:
            said += chr(value)
            if any(mark in said for mark in marks):
                return True
            continue
        if kind is sre_parse.AT:
            continue
        if kind is sre_parse.BRANCH and all(_bears(branch, marks, said) for branch in value[1]):
            return True
        if kind is sre_parse.SUBPATTERN and _bears(value[3], marks, said):
            return True
        said = ""
    return False
