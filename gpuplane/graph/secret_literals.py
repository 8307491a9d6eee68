"""Literals of secrets: tokens by their form (detect-secrets), passwords and keys by what they are called.

A name decides where the text is handed to a program. A field of an object mostly *names* a secret (``secretName``, a key of it), so
there the text has to look like one as well. Nothing here ever returns a value.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib import import_module
from typing import Any, Final

from gpuplane.graph.text_leaves import Leaf, Use

_DETECTORS: Final = (
    ("artifactory", "ArtifactoryDetector", ("AKC", "AP")),
    ("aws", "AWSKeyDetector", ("A3T", "ABIA", "ACCA", "AKIA", "ASIA", "aw")),
    ("azure_storage_key", "AzureStorageKeyDetector", ("AccountKey=",)),
    ("basic_auth", "BasicAuthDetector", ("://",)),
    ("cloudant", "CloudantDetector", ("cl",)),
    ("discord", "DiscordBotTokenDetector", (".",)),
    ("github_token", "GitHubTokenDetector", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")),
    ("gitlab_token", "GitLabTokenDetector", (
        "glpat-", "gldt-", "glft-", "glsoat-", "glrt-", "GR1348941", "glcbt-", "glimt-", "glptt-", "glagent-", "gloas-")),
    ("jwt", "JwtTokenDetector", ("eyJ",)),
    ("mailchimp", "MailchimpDetector", ("-us",)),
    ("npm", "NpmDetector", (":_authToken=",)),
    ("openai", "OpenAIDetector", ("T3BlbkFJ",)),
    ("private_key", "PrivateKeyDetector", ("PRIVATE KEY", "PuTTY-User-Key-File-2")),
    ("pypi_token", "PypiTokenDetector", ("pypi-AgE",)),
    ("sendgrid", "SendGridDetector", ("SG.",)),
    ("slack", "SlackDetector", ("xox", "lack.com")),
    ("square_oauth", "SquareOAuthDetector", ("sq0csp-",)),
    ("stripe", "StripeDetector", ("k_live_",)),
    ("telegram_token", "TelegramBotTokenDetector", (":",)),
    ("twilio", "TwilioKeyDetector", ("AC", "SK")))
"""Plug-ins of detect-secrets that know a form of their own: those that judge by entropy or by a word in the line are left out. Each with
texts of which whatever has one of its forms holds one, as it is or in small letters: what holds none is not searched."""
_LINEAR: Final = {
    "CloudantDetector": (
        re.compile(r"(?i)(?<![a-z0-9])(?:cloudant|clou|cl)[_-]?(?:api)?(?:key|password|pass|pwd|pw|token)[\"']?\]?"
                   r"(?:\s{1,9}|\s{0,9}(?:=>|:=|::|=|:)\s{0,9})[\"']?([0-9a-f]{64}|[a-z]{24})"),
        re.compile(r"https?://[\w-]{1,80}:([0-9a-f]{64}|[a-z]{24})@[\w-]{1,80}\.cloudant\.com")),
    "JwtTokenDetector": (re.compile(r"(?<![A-Za-z0-9_=-])eyJ[A-Za-z0-9_=-]+\.[A-Za-z0-9_=-]++\.?[A-Za-z0-9_.+/=-]*+"),),
    "NpmDetector": (re.compile(r"/:_authToken=\s{0,9}(?:npm_\S+|[A-Fa-f0-9-]{36})"),),
    "OpenAIDetector": (re.compile(r"(?<![A-Za-z0-9_-])sk-[A-Za-z0-9_-]*?[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}"),)}
"""Forms that stand for a plug-in's own, which takes the square or the cube of a text's length: some ten thousand characters are enough to
make that hours. The plug-in's further tests stay."""
_FORMS: Final = (
    ("Hugging Face access token", "hf_", re.compile(r"\bhf_[A-Za-z]{34}\b")),
    ("NVIDIA NGC API key", "nvapi-", re.compile(r"\bnvapi-[A-Za-z0-9_-]{60,70}")),
    ("Anthropic API key", "sk-ant-", re.compile(r"\bsk-ant-[a-z0-9]+-[A-Za-z0-9_-]{80,}")),
    ("OpenAI API key", "sk-", re.compile(r"\bsk-(?:proj-|svcacct-)[A-Za-z0-9_-]{40,}")),
    ("Google API key", "AIza", re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b")),
    ("GitHub fine-grained token", "github_pat_", re.compile(r"\bgithub_pat_[0-9A-Za-z_]{82}\b")),
    ("npm access token", "npm_", re.compile(r"\bnpm_[A-Za-z0-9]{36}\b")),
    ("Pulumi access token", "pul-", re.compile(r"\bpul-[0-9a-f]{40}\b")),
    ("HashiCorp Vault token", "hv", re.compile(r"\bhv[sb]\.[A-Za-z0-9_-]{24,}")),
    ("age secret key", "AGE-SECRET-KEY-1", re.compile(r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b")),
)
"""Forms that detect-secrets 1.5 does not know, from the providers' own documentation, each after a text that all of its kind have."""
_HEADER = re.compile(r"(?i)\bauthorization\b\W{0,4}\b(?:bearer|basic)\s+(?![$<{])[A-Za-z0-9._~+/-]{12,}")
"""The one form that may go over a line's end."""
_CANDIDATE = re.compile(r"[A-Za-z0-9_+/=.-]{16,}|://[^/\s:]+:[^/\s@]+@|PRIVATE KEY")
"""What any of these needs: a long unbroken word, credentials in an address, or the head of a key."""

_PASSWORDS = frozenset({"password", "passwords", "passwd", "pwd", "passphrase", "passcode"})
_SECRETS = frozenset({"secret", "credential", "credentials", "bearer", "jwt"})
_KEYS = frozenset({"api", "access", "secret", "private", "auth", "account", "storage", "batch", "encryption", "signing", "master",
                   "license", "service", "hmac"})
"""Words before ``key`` that make it secret."""
_NO_TOKENS = frozenset({"eos", "bos", "pad", "unk", "sep", "cls", "mask", "stop", "image", "video", "audio", "special", "start", "end",
                        "next", "per", "max", "min", "continue", "account", "cluster"})
"""Words before ``token`` that make it a piece of a prompt, a number or a switch."""
_NEUTRAL = frozenset({
    "file", "path", "dir", "directory", "mount", "name", "names", "ref", "reference", "field", "type", "format", "url", "uri", "endpoint",
    "host", "policy", "length", "min", "max", "ttl", "expiry", "expiration", "expires", "lifetime", "enabled", "required", "rotation",
    "store", "provider", "manager", "namespace", "method", "limit", "count", "version", "id", "arn", "prefix", "suffix", "header", "mode",
    "algorithm", "selector", "class", "kind", "backend", "interval", "seconds", "days", "audience", "audiences", "issuer"})
"""Last words of a name that make it a name, a place or a number, not the secret itself."""
_OPEN = frozenset({
    "ca.crt", "tls.crt", "username", "user", "login", "host", "hostname", "server", "port", "name", "namespace", "type", "url", "project",
    "region", "bucket", "database", "insecure", "enableoci", "email", ".dockerconfigjson", "config.json"})
"""Keys of a Secret whose values may well be known; what stands in a file of credentials is looked at by itself."""
_PLACEHOLDER = re.compile(
    r"""(?ix) ^\s*$ | \$[({A-Za-z_0-9] | \{\{ | \}\} | ^<.*>$ | ^%\w+%$ | ^\*+$ | ^\[?(?:redacted|secret)\]?$ | ^ENC\[ | \$__file
    | ^(?:vault|ref\+\w+|op|awssm|secretref|aws-?secretsmanager|gcp-?secretmanager|azure-?keyvault|env|file|projects|arn|kms|sops|k8s
    |secret): | ^projects/\S+/secrets/ | ^\.{0,2}/ | ^[a-z]:\\ | ^https?://[^@]*$
    | ^(?:true|false|yes|no|on|off|none|null|nil|auto|default|enabled|disabled|required|optional)$
    | ^(?:string|str|text|bool|int|integer|number|any)$""")
"""Texts that stand for a secret, lead to one, or are no secret at all."""
_PLAIN = re.compile(r"[^\s()\[\]{}<>|&;]+")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9./]*[a-z0-9])?")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def secret(leaf: Leaf) -> tuple[str, ...]:
    """What secret a text holds, in words, each kind once; never the value."""
    found = formed(leaf.text)
    return found or ((f"the value of {leaf.key}",) if _named(leaf) else ())


@lru_cache(maxsize=20_000)
def formed(text: str) -> tuple[str, ...]:
    """Kinds of secrets whose form a text holds."""
    if not _CANDIDATE.search(text):
        return ()
    names = [_worded(name) for name, mark, form in _FORMS if mark in text and form.search(text)]
    names += ["an Authorization header"] if _HEADER.search(text) else []
    for plugin in _plugins_for(text):
        if any(not _PLACEHOLDER.search(str(value)) for value in plugin.analyze_string(text)):
            names.append(_worded(plugin.secret_type))
    return tuple(dict.fromkeys(names))


_KEY_BLOCK = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\Z)", re.DOTALL)


def spans(text: str) -> frozenset[str]:
    """The parts of a text that have a secret's form: to be taken out of it, never to be shown."""
    if not _CANDIDATE.search(text):
        return frozenset()
    whole = [*_headers(text), *(match.group() for match in _KEY_BLOCK.finditer(text))]
    # All other forms are of one line, and a report says the same line many times.
    text = "\n".join(dict.fromkeys(text.splitlines()))
    found = [match.group() for _, mark, form in _FORMS if mark in text for match in form.finditer(text)]
    for plugin in _plugins_for(text):
        if type(plugin).__name__ != "PrivateKeyDetector":  # it knows the first line alone
            found += [str(value) for value in plugin.analyze_string(text) if value and not _PLACEHOLDER.search(str(value))]
    # Some plug-ins give the prefix of a token alone, or leave out its signature: the rest of the word goes with it.
    words = (match.group() for value in set(found) for match in re.finditer(re.escape(value) + r"[A-Za-z0-9_.+/=-]*", text))
    return frozenset((*whole, *words))


def _headers(text: str) -> list[str]:
    """What :data:`_HEADER` finds, tried where its first word stands: by itself it tries every character of a report."""
    lowered, found = text.lower(), list[str]()
    if len(lowered) != len(text) or "\u0131" in text:  # U+0130 and U+0131 are an i too, where case does not count
        return [match.group() for match in _HEADER.finditer(text)]
    at = lowered.find("authorization")
    while at >= 0:
        match = _HEADER.match(text, at)
        if match is not None:
            found.append(match.group())
        at = lowered.find("authorization", at + 1 if match is None else match.end())
    return found


def _plugins_for(text: str) -> Iterator[Any]:
    """Plug-ins whose forms a text could hold."""
    written = f"{text}\n{text.lower()}"
    return (plugin for plugin, marks in plugins() if any(mark in written for mark in marks))


@cache
def plugins() -> tuple[tuple[Any, tuple[str, ...]], ...]:
    """Plug-ins of detect-secrets, each with its marks, as :data:`_DETECTORS` lists them."""
    # Imported when first needed: detect-secrets brings requests, which it would only use to ask providers whether a token works.
    found = tuple((getattr(import_module(f"detect_secrets.plugins.{module}"), name)(), marks) for module, name, marks in _DETECTORS)
    for plugin, _ in found:
        if (forms := _LINEAR.get(type(plugin).__name__)) is not None:
            plugin.denylist = forms
    return found


def _worded(name: str) -> str:
    return name.lower() if name.endswith("Credentials") else f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"


def _named(leaf: Leaf) -> bool:
    """Whether what a text is called says that it is a secret, and the text could be one."""
    kind = kind_of(leaf.key)
    if leaf.use is Use.SECRET and leaf.key.lower() not in _OPEN:
        kind = kind or "secret"
    if not kind:
        return False
    text = leaf.text.strip()
    if _PLACEHOLDER.search(text):
        return False
    if leaf.use in (Use.GIVEN, Use.SECRET):
        return not (text.isdigit() and kind == "token")
    if not _PLAIN.fullmatch(text) or (kind_of(text) and not any(character.isdigit() for character in text)):
        return False
    if leaf.use is Use.LINE:
        return not (text.isdigit() and kind == "token") and not text.startswith(("os.", "process.", "self.", "config.", "self[", "args."))
    if kind == "password":
        return len(text) >= 6 and not (_NAME.fullmatch(text) and not any(character.isdigit() for character in text))
    return _random(text)


@lru_cache(maxsize=20_000)
def kind_of(name: str) -> str:
    """What a name says that its value is: ``password``, ``secret``, ``token`` or ``key``; empty for no secret."""
    words = [word.lower() for word in _WORDS.findall(name.rpartition("/")[2])]
    while words and words[-1].isdigit():
        words.pop()
    last, before = (words[-1] if words else ""), (words[-2] if len(words) > 1 else "")
    if not words or name.startswith(("checksum/", "sha256/")) or (last in _NEUTRAL and words[-3:] != ["access", "key", "id"]):
        return ""
    if last in ("key", "apikey", "accesskey", "secretkey", "privatekey") or words[-3:] == ["access", "key", "id"] \
            or words[-2:] == ["key", "content"]:
        return "key" if last != "key" or before in _KEYS else ""
    if last == "token":
        return "" if before in _NO_TOKENS else "token"
    if not _PASSWORDS.isdisjoint(words):
        return "password"
    return "secret" if last in _SECRETS else ""


def _random(text: str) -> bool:
    """Whether a text looks made by chance: long, of letters and digits, evenly spread, and no name of an object."""
    kinds = any(character.isdigit() for character in text) and any(character.isalpha() for character in text)
    named = _NAME.fullmatch(text) is not None and any(character in text for character in "-./")
    return len(text) >= 16 and kinds and not named and _entropy(text) >= 3.0


def _entropy(text: str) -> float:
    """Shannon entropy of the characters of a text, in bits for each."""
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())
