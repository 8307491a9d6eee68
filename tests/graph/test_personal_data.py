"""Personal data is found wherever text stands, by check digits and by what it is called, and is not seen in what only looks like it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban, luhn

from gpuplane.graph.manifests import read_manifests, views_of_text
from gpuplane.graph.personal_data import NUMBERS, _numbered, personal_data
from gpuplane.graph.text_leaves import Leaf, Use, leaves

VALID = [
    ("a payment card number", "", "4111111111111111"), ("a payment card number", "", "5500 0000 0000 0004"),
    ("a payment card number", "", "3782-822463-10005"), ("a payment card number", "", "30569309025904"),
    ("an IBAN", "", "DE89370400440532013000"), ("an IBAN", "", "GR16 0110 1050 0000 1054 7023 795"), ("an IBAN", "", "BE31 4354 1116 1155"),
    ("a US social security number", "", "536-90-4399"), ("a US social security number", "ssn", "536904399"),
    ("a US taxpayer number", "", "912-90-3456"), ("an Italian codice fiscale", "", "RCCMNL83S18D969H"),
    ("a French social security number", "", "295109912611193"), ("a French social security number", "", "2 95 10 99 126 111 93"),
    ("a Spanish DNI", "", "54362315K"), ("a Spanish NIE", "", "X2482300W"), ("a Finnish personal identity code", "", "131052-308T"),
    ("a Swedish personnummer", "", "880320-0016"), ("a Danish CPR number", "cpr", "211062-5629"),
    ("a Swiss AHV number", "", "756.9217.0769.85"), ("a Brazilian CPF", "", "390.533.447-05"), ("a Brazilian CPF", "cpf", "39053344705"),
    ("a Mexican CURP", "", "BOXW310820HNERXN09"), ("a Chinese identity number", "", "360426199101010071"),
    ("a Korean resident number", "", "971013-9019902"), ("a Czech birth number", "", "710319/2745"), ("a Chilean RUT", "rut", "76086428-5"),
    ("a Chilean RUT", "", "76.086.428-5"), ("a German tax identification number", "steuerId", "36574261809"),
    ("a German tax identification number", "", "36 574 261 809"), ("a Dutch BSN", "bsn", "111222333"), ("a Polish PESEL", "PESEL", "44051401359"),
    ("a Belgian national number", "", "85.07.30-033 28"), ("a Norwegian birth number", "fnr", "15108695088"),
    ("an Austrian social security number", "svnr", "1237010180"), ("a Romanian CNP", "cnp", "1630615123457"),
    ("a Bulgarian EGN", "egn", "8032056031"), ("an Estonian isikukood", "isikukood", "36805280109"),
    ("a Lithuanian asmens kodas", "asmens_kodas", "33309240064"), ("a British NHS number", "nhsNumber", "943-476-5870"),
    ("a Canadian SIN", "sin", "123-456-782"), ("an Indian Aadhaar number", "aadhaar", "234123412346"),
    ("an Indian Aadhaar number", "", "2341 2341 2346"), ("an Indian PAN", "pan", "ACUPA7085R"), ("an Australian TFN", "tfn", "123 456 782"),
    ("a Turkish identity number", "tckn", "17291716060"), ("a South African identity number", "identityNumber", "7503305044089"),
    ("an Israeli identity number", "teudat_zehut", "039337423"), ("a British national insurance number", "", "AB 12 34 56 C"),
    ("an IMEI", "imei", "35-686800-004141-8"), ("a passport number", "passport", "C01X0006H"),
    ("a telephone number", "phone", "+49 30 1234567"), ("an e-mail address", "", "jane.doe@example.com"),
    ("an e-mail address", "reply", "Jane Doe <j.doe+lists@mail.example.co.uk>")]

NOTHING = [
    ("size", "104857600"), ("max", "2147483647"), ("deadline", "1732147200000000000"), ("port", "65535"), ("day", "2026-11-21"),
    ("account", "111122223333"), ("uid", "6f8f0ab2-3c7d-4a34-9a0c-3d3a2a0c1b11"), ("image", "docker.io/vllm/vllm-openai@sha256:" + "4e1c" * 16),
    ("revision", "a09a35458c702b33eeacc393d103063234e8bc28"), ("cidr", "10.40.0.0/13"), ("version", "1.36.4-eks-1-36-12"), ("repo", "git@github.com:a/b.git"),
    ("mail", "support@example.com"), ("mail", "no-reply+x@example.com"), ("robot", "runner@project.iam.gserviceaccount.com"),
    ("host", "https://user@registry.example.com/path"), ("owner", "jane.doe@example.com"), ("contact", "jane.doe@example.com"),
    ("maintainers", "Jane <jane.doe@example.com>"), ("card", "4111111111111112"), ("iban", "DE89370400440532013001"), ("number", "123456789"),
    ("zero", "000-00-0000"), ("ratio", "0.4111111111111111"), ("hex", "deadbeef4111111111111111"), ("window", "300-600-3000"),
    ("phone", "model-7b"), ("selector", "app.kubernetes.io/name@v1"), ("query", 'rate(http_requests_total{job="a"}[5m]) > 0.0001'), ("id", "12345678901"),
    ("range", "30000-32767"), ("arn", "arn:aws:iam::111122223333:role/platform"), ("timeout", "3600s"), ("uri", "s3://models-111122223333/x")]


@pytest.mark.parametrize(("what", "key", "text"), VALID)
def test_a_literal_is_found_by_its_kind(what: str, key: str, text: str) -> None:
    assert what in list(personal_data(Leaf(f"data.{key}", key, text, Use.GIVEN)))


@pytest.mark.parametrize(("what", "key", "text"), VALID)
def test_a_literal_is_found_in_a_sentence(what: str, key: str, text: str) -> None:
    assert what in list(personal_data(Leaf("data.note", "note", f"see {key}: {text}, please", Use.GIVEN)))


@pytest.mark.parametrize(("key", "text"), NOTHING)
def test_what_only_looks_like_it_is_left_alone(key: str, text: str) -> None:
    assert list(personal_data(Leaf(f"data.{key}", key, text, Use.GIVEN))) == []


def test_every_kind_of_number_has_a_literal_that_is_found() -> None:
    assert {kind.name for kind in NUMBERS} <= {what for what, _, _ in VALID}


@given(st.integers(10**13, 10**14 - 1))
def test_any_card_number_counts_and_no_other_of_its_length(middle: int) -> None:
    number = f"4{middle}"
    good = number + luhn.calc_check_digit(number)
    bad = number + str((int(good[-1]) + 1) % 10)

    assert list(personal_data(Leaf("data.x", "x", good))) == (["a payment card number"] if len(set(good)) > 1 else [])
    assert "a payment card number" not in list(personal_data(Leaf("data.x", "x", bad)))


@given(st.text("0123456789", min_size=18, max_size=18))
def test_any_german_iban_counts(account: str) -> None:
    number = f"DE{iban.calc_check_digits('DE00' + account)}{account}"

    assert "an IBAN" in list(personal_data(Leaf("data.x", "x", number)))


PLACES = {
    "a variable": "spec: {containers: [{name: a, env: [{name: X, value: '@'}]}]}", "an argument": "spec: {containers: [{name: a, args: ['--to=@']}]}",
    "an argument of two words": "spec: {containers: [{name: a, args: [--to, '@']}]}",
    "a command line": "spec: {containers: [{name: a, command: [sh, -c, 'send --to @ --now']}]}",
    "an annotation": "metadata: {name: a, annotations: {note: '@'}}", "a label": "metadata: {name: a, labels: {user: '@'}}",
    "the name": "metadata: {name: 'user-@'}", "a ConfigMap": "data: {file: '@'}", "a file of a ConfigMap": "data: {file: \"a: 1\\nb: '@'\\n\"}",
    "JSON in an annotation": "metadata: {name: a, annotations: {last: '{\"data\": {\"x\": \"@\"}}'}}", "a number": "spec: {card: @}",
    "a probe": "spec: {containers: [{name: a, readinessProbe: {exec: {command: [curl, '@']}}}]}"}


@pytest.mark.parametrize("place", PLACES)
def test_it_is_found_wherever_text_stands(place: str) -> None:
    kind = "ConfigMap" if "ConfigMap" in place else "Pod"
    views = views_of_text(f"apiVersion: v1\nkind: {kind}\n{PLACES[place].replace('@', '4111111111111111')}\n")

    assert any(list(personal_data(leaf)) == ["a payment card number"] for leaf in leaves(views[0]))


def test_stack_config_is_read_and_its_encrypted_values_are_not(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text("encryptionsalt: v1:x\nconfig:\n  app:card: '4111111111111111'\n  app:token: {secure: v1:4111111111111111}\n")

    views, errors = read_manifests([tmp_path])

    assert errors == []
    assert [(view.kind, view.name) for view in views] == [("StackConfig", "Pulumi.dev")]
    assert [(leaf.path, leaf.key) for leaf in leaves(views[0])] [2:] == [("config.app:card", "app:card")]
    assert [leaf.path for leaf in leaves(views[0]) if list(personal_data(leaf))] == ["config.app:card"]


@pytest.mark.parametrize("text", ["passport 123456", "Passport no. A12345678", "AB 12 34 56 C", "passport: AB123456", "GODE561231HDFRRN09"])
def test_numbers_of_few_digits_are_looked_at_too(text: str) -> None:
    assert _numbered(text)
