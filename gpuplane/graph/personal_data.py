"""Literals of personal data: numbers by their check digits (python-stdnum), addresses by their form, the rest by what they are called.

Many numbers in manifests have the length of somebody's tax number, so a kind without check digits of its own form counts only beside a
word that says what it is. Names of people and postal addresses need a language model: :mod:`gpuplane.graph.personal_names` asks one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Final

from gpuplane.graph.text_leaves import Leaf

_START, _END = r"(?<![\w.+@/])", r"(?![\w@]|\.\d)"
_EMAIL = re.compile(r"(?<![\w./:@%+-])([A-Za-z0-9][\w.%+-]{0,63})@((?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})(?![\w@:/-]|\.\w)")
_ROLE_MAILBOXES = frozenset({
    "abuse", "admin", "admins", "alerts", "contact", "dev", "devops", "git", "hello", "help", "helpdesk", "hostmaster", "info", "it",
    "jobs", "legal", "mail", "mailer-daemon", "maintainers", "marketing", "no-reply", "noc", "noreply", "office", "oncall", "ops",
    "platform", "postmaster", "press", "privacy", "root", "sales", "security", "service", "sre", "support", "system", "team", "user",
    "users", "webmaster"})
"""Mailboxes of a role, not of a person (the first of them are those of RFC 2142)."""
_MACHINES = ("gserviceaccount.com", ".iam", ".local", ".internal", ".svc", ".invalid")
"""Ends of addresses that belong to machines."""
_CONTACT = frozenset({"owner", "owners", "contact", "contacts", "maintainer", "maintainers", "author", "authors", "support", "responsible",
                      "oncall", "steward", "approver", "approvers", "reviewer", "subjects", "access", "acme"})
"""Words in a path that say an address is there to be written to: somebody's task, said on purpose."""
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_DIGITS = re.compile(r"\d(?:[^a-z\n]{0,3}\d){6}|[A-Z]{5}\d{4}[A-Z]|[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]|\d{6}[HM][A-Z]{5}|"
                     r"(?i:passport)")
"""What every kind of number has: seven digits close to each other with no small letter between, or the form of a PAN, a national insurance
number or a CURP; a passport's number is one of any form where the word stands beside it."""
_NEAR = 40
"""Characters before a number in which a word may say what it is."""


@dataclass(frozen=True)
class PersonalNumber:
    """One kind of number.

    Attributes:
        name: what it is, with its article.
        module: module of python-stdnum that knows its check digits; empty where the form alone decides.
        form: its form.
        words: one of these stands beside it; empty where the form and the check digits suffice.
    """

    name: str
    module: str
    form: re.Pattern[str]
    words: tuple[str, ...] = ()


def _number(name: str, module: str, form: str, *words: str) -> PersonalNumber:
    return PersonalNumber(name, module, re.compile(f"{_START}(?:{form}){_END}"), words)


NUMBERS: Final = (
    _number("a payment card number", "luhn",
            r"(?:4\d{3}|5[0-8]\d\d|6\d{3}|2[2-7]\d\d|35\d\d|30[0-5]\d|3[689]\d\d)(?:[ -]?\d{4}){2}[ -]?\d{1,7}|"
            r"3[47]\d{2}[ -]?\d{6}[ -]?\d{5}"),
    _number("an IBAN", "iban", r"[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,4})?"),
    _number("a US social security number", "us.ssn", r"\d{3}-\d{2}-\d{4}"),
    _number("a US social security number", "us.ssn", r"\d{9}", "ssn", "social"),
    _number("a US taxpayer number", "us.itin", r"9\d{2}-\d{2}-\d{4}"),
    _number("an Italian codice fiscale", "it.codicefiscale", r"[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]"),
    _number("a French social security number", "fr.nir", r"[12]\d{2}(?:0[1-9]|1[0-2]|[2-9]\d)\d[\dAB]\d{6}\d{2}|"
            r"[12] \d{2} \d{2} \d[\dAB] \d{3} \d{3} \d{2}"),
    _number("a Spanish DNI", "es.dni", r"\d{8}-?[A-HJ-NP-TV-Z]"),
    _number("a Spanish NIE", "es.nie", r"[XYZ]-?\d{7}-?[A-HJ-NP-TV-Z]"),
    _number("a Finnish personal identity code", "fi.hetu", r"\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]"),
    _number("a Swedish personnummer", "se.personnummer", r"(?:19|20)?\d{6}[-+]\d{4}"),
    _number("a Danish CPR number", "dk.cpr", r"\d{6}-?\d{4}", "cpr", "personnummer", "personal"),
    _number("a Swiss AHV number", "ch.ssn", r"756\.\d{4}\.\d{4}\.\d{2}|756\d{10}"),
    _number("a Brazilian CPF", "br.cpf", r"\d{3}\.\d{3}\.\d{3}-\d{2}"),
    _number("a Brazilian CPF", "br.cpf", r"\d{11}", "cpf"),
    _number("a Mexican CURP", "mx.curp", r"[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z0-9]\d"),
    _number("a Chinese identity number", "cn.ric", r"\d{17}[\dX]"),
    _number("a Korean resident number", "kr.rrn", r"\d{6}-\d{7}"),
    _number("a Czech birth number", "cz.rc", r"\d{6}/\d{4}"),
    _number("a Chilean RUT", "cl.rut", r"\d{1,2}\.\d{3}\.\d{3}-[\dK]"),
    _number("a Chilean RUT", "cl.rut", r"\d{7,8}-[\dK]", "rut", "run"),
    _number("a German tax identification number", "de.idnr", r"\d{2} \d{3} \d{3} \d{3}"),
    _number("a German tax identification number", "de.idnr", r"\d{11}", "idnr", "steuer", "steuerid", "tax", "tin"),
    _number("a Dutch BSN", "nl.bsn", r"\d{9}|\d{4}\.\d{2}\.\d{3}", "bsn", "burgerservicenummer", "sofinummer"),
    _number("a Polish PESEL", "pl.pesel", r"\d{11}", "pesel"),
    _number("a Belgian national number", "be.nn", r"\d{2}\.\d{2}\.\d{2}-\d{3}[. ]\d{2}"),
    _number("a Belgian national number", "be.nn", r"\d{11}", "rijksregister", "nrn", "national", "rrn"),
    _number("a Norwegian birth number", "no.fodselsnummer", r"\d{11}|\d{6} \d{5}", "fodselsnummer", "personnummer", "fnr", "birth"),
    _number("an Austrian social security number", "at.vnr", r"\d{10}|\d{4} \d{6}", "svnr", "vsnr", "sozialversicherung", "social"),
    _number("a Romanian CNP", "ro.cnp", r"\d{13}", "cnp"),
    _number("a Bulgarian EGN", "bg.egn", r"\d{10}", "egn"),
    _number("an Estonian isikukood", "ee.ik", r"\d{11}", "isikukood", "personal"),
    _number("a Lithuanian asmens kodas", "lt.asmens", r"\d{11}", "asmens", "personal"),
    _number("a British NHS number", "gb.nhs", r"\d{3}[ -]?\d{3}[ -]?\d{4}", "nhs"),
    _number("a Canadian SIN", "ca.sin", r"\d{3}[ -]?\d{3}[ -]?\d{3}", "sin", "social", "insurance"),
    _number("an Indian Aadhaar number", "in_.aadhaar", r"\d{4} \d{4} \d{4}"),
    _number("an Indian Aadhaar number", "in_.aadhaar", r"\d{12}", "aadhaar", "uid"),
    _number("an Indian PAN", "in_.pan", r"[A-Z]{3}[ABCFGHLJPT][A-Z]\d{4}[A-Z]", "pan", "tax"),
    _number("an Australian TFN", "au.tfn", r"\d{3} ?\d{3} ?\d{2,3}", "tfn", "tax"),
    _number("a Turkish identity number", "tr.tckimlik", r"\d{11}", "tckn", "tckimlik", "kimlik"),
    _number("a South African identity number", "za.idnr", r"\d{13}", "identity", "idnr", "rsa"),
    _number("an Israeli identity number", "il.idnr", r"\d{9}", "teudat", "idnr", "identity"),
    _number("a British national insurance number", "", r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]"),
    _number("an IMEI", "imei", r"\d{15}|\d{2}-\d{6}-\d{6}-\d", "imei", "device"),
    _number("a passport number", "", r"[A-Z0-9]{6,9}", "passport"),
)
"""Kinds of numbers that name a person."""
_PHONE = PersonalNumber("a telephone number", "", re.compile(r"(?<![\w.])(?:\+\d|\(?\d{2})[\d ()./-]{6,17}\d(?![\w.])"),
                        ("phone", "telephone", "tel", "mobile", "msisdn", "fax"))

_KIND_WORDS: Final = frozenset(word for kind in (*NUMBERS, _PHONE) for word in kind.words)


def personal_data(leaf: Leaf) -> tuple[str, ...]:
    """What a text holds of somebody's data, each kind in words once; never the value."""
    text = leaf.text
    if not _looks_personal(text) and not _says_passport(leaf.path, leaf.key):
        return ()
    said = _words_around(leaf.path, leaf.key) & _KIND_WORDS
    numbers = _numbers(text, said) if _DIGITS.search(text) or "passport" in said else ()
    if "@" in text and not _CONTACT & _words_around(leaf.path, leaf.key) and any(_personal(*found) for found in _EMAIL.findall(text)):
        return ("an e-mail address", *numbers)
    return numbers


@lru_cache(maxsize=20_000)
def _looks_personal(text: str) -> bool:
    """Whether a text could hold an address or a number, wherever it stands: tenants have most of their texts in common."""
    return "@" in text or _DIGITS.search(text) is not None


@lru_cache(maxsize=20_000)
def _says_passport(path: str, key: str) -> bool:
    return "passport" in _words_around(path, key)


@lru_cache(maxsize=20_000)
def _words_around(path: str, key: str) -> frozenset[str]:
    """Objects of one kind have their texts in the same places."""
    return _words_of(path, key)


@lru_cache(maxsize=20_000)
def _numbers(text: str, said: frozenset[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(kind.name for kind in (*NUMBERS, _PHONE) if _holds(kind, text, said)))


def _holds(kind: PersonalNumber, text: str, said: frozenset[str]) -> bool:
    for found in kind.form.finditer(text):
        near = _words_of(text[max(0, found.start() - _NEAR):found.start()])
        if (not kind.words or not near.isdisjoint(kind.words) or not said.isdisjoint(kind.words)) and _valid(kind, found.group()):
            return True
    return False


def _valid(kind: PersonalNumber, number: str) -> bool:
    if len(set(number) - set(" .-/")) < 2:  # 000-00-0000 and its like
        return False
    if kind.name == "a passport number":
        return sum(character.isdigit() for character in number) >= 6
    return not kind.module or _checker(kind.module)(re.sub(r"[ -]", "", number) if kind.module == "luhn" else number)


@lru_cache(maxsize=64)
def _checker(module: str) -> Callable[[str], bool]:
    found: Callable[[str], bool] = import_module(f"stdnum.{module}").is_valid
    return found


def _personal(mailbox: str, host: str) -> bool:
    own = f".{host.lower()}"
    return mailbox.lower().partition("+")[0] not in _ROLE_MAILBOXES and not own.endswith(_MACHINES)


def _words_of(*texts: str) -> frozenset[str]:
    return frozenset(word.lower() for text in texts for word in _WORDS.findall(text))
