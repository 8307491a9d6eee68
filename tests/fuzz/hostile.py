"""Values and texts that break programs: numbers out of range, controls, markup, templates, paths, patterns' worst cases."""

from __future__ import annotations

import random
from typing import Any

TAG = "gpuplane-fuzz"
"""An element that no report of ours has: where a parser of HTML finds it, an input was not escaped."""
MARKUP = (
    f"<{TAG} onload=alert(1)>", f"\"><{TAG}>", f"'><{TAG}>", f"</script></style></title></textarea><{TAG}>", f"]]><{TAG}>", f"--><{TAG}>",
    f"&lt;{TAG}&gt;", f"\" {TAG}=\"1", f"javascript:{TAG}()", f"a | b\n\n<{TAG}>\n\n# approved", f"`` <{TAG}> ``", f"[x](<{TAG}>)",
    "![x](https://evil.example/x.png)", "@everyone", "</details>", "<!-- gpuplane:preview -->")
TEMPLATES = ("{{7*7}}", "{% for x in y %}", "${7*7}", "#{7*7}", "{0.__class__}", "%s%n%d", "%(x)s", "$(reboot)", "`reboot`", "{{ .Values.x }}",
             "$labels.x", "{{ $labels.pod }}", "\\g<0>\\1", "$1\\1")
CONTROLS = ("\x1b[2J\x1b]8;;https://evil.example\x07x\x1b]8;;\x07", "a\x07b", "\x00", "x\x00y", "\x9b31m", "a\rb", "a\nb", "a\tb", "\x7f",
            "safe\u202etxt.exe", "\u2066x\u2069", "\u2028", "\u2029", "\u200b", "\ufeff", "\ufffe", "\U000e0041", "\u0301" * 50, "ﷺ" * 10,
            "::error file=a,line=1::x", "\n::stop-commands::x", "##[error]x", "\x85", "\x0b\x0c")
PATHS = ("../../etc/passwd", "/etc/passwd", "..", ".", "/", "a/../../b", "file:///etc/passwd", "\\\\host\\share", "~root", "con", "a\x00/b",
         "s3://../x", "-rf", "--help", "-", "//evil.example/x", "a" * 300 + "/b")
WORDS = ("", " ", "null", "~", "yes", "no", "on", "1e400", "1e9999999", "nan", "NaN", "inf", "-inf", ".nan", "-0", "0x7fffffff", "0o17", "1_000",
         "1:30", "１２", "٣", "²", "½", "1e-999999", "9" * 400, "-" + "9" * 400, "1.0.0-" + "1." * 60, "v" + "9" * 300, "2026-02-30",
         "9999-12-31", "0000-00-00", "10000-01-01", "1e999999999Gi", "9" * 300 + "Gi", "1e400m", "-1Gi", "0.0000000000001n", "1KiB", "Ei", "1E1000000000000",
         "-5m", "1h" * 200, "99999999999999999999h", "1d1h1m1s1ms", "* * * * *", "*/0 * * * *", "60 24 32 13 8", "0.0.0.0/0", "::/0", "10.0.0.0/-1",
         "10.0.0.0/33", "1.2.3.4/024", "256.1.1.1", "::ffff:1.2.3.4/96", "fe80::1%eth0/64", "http://[::1", "http://x:99999/", "https://user:pw@x/",
         "hf://", "hf://a/b@c", "s3://", "oci://", "pvc://x", "a@sha256:", "a:b:c@d", "x/y/z:latest@sha256:" + "g" * 64, "arn:aws:iam::1:role/*",
         "nvidia.com/gpu", "nvidia.com/mig-1g.10gb", "amd.com/gpu", "*", "**", "*.*", "$", "^", "(", "[", "\\", "a|b", "--x=--y", "{", "}", "sum(", "rate(x[5m])",
         "sum by () (rate(x[99999999999h]))", "x offset -1y", "self.x == 1", "xn--a", "a..b", ".a", "a.", "A", "ß", "ı", "K8s", "kube-system")
WORST = tuple(unit * times + end for unit in ("a", " ", "0", "-", ".", "/", "a.", "a-", "a,", "ab ", "(", "[", "{", "\"", "\\", "=", "=a", ":", "@", "[^", "<!--", "``", "1e", "sum(", "#",
                                              "\n", "--a ", "10.", "::", "*_")
              for times, end in ((600, ""), (3000, "!"), (20000, "\x01")))
"""Long runs that make patterns with nested repetition slow."""
NUMBERS: tuple[Any, ...] = (0, -1, 1, 2**31, 2**31 - 1, 2**53 + 1, 2**63, -2**63, 2**64, 10**30, 10**400, 0.1, -0.0, 1e-320, 1e308, -1e308, 1.5, 65535,
                            65536, float("nan"), float("inf"), float("-inf"), 1e16)
RAW = (".nan", ".inf", "-.inf", "1e999", "0b1", "0o777", "0x1F", "1_0", "190:20:30", "2001-01-01", "2001-99-99", "!!binary aGk=", "!!python/object:os.system x",
       "!!set {a}", "!!int x", "!!float x", "!<tag:yaml.org,2002:timestamp> x", "&a [*a]", "*nope", "<<", "? a", "=", "{? [a] : b}", "@x", "`x", "%x",
       "\"\\ud800\"", "\"\\x00\"", "'\\'", "|+\n\n\n", ">-", "[", "}", "- - - -", "\"\\u202e\"")
"""Put into a document as they are, unquoted."""


def value(chance: random.Random) -> Any:
    """One hostile value, mostly small."""
    pick = chance.random()
    if pick < 0.28:
        return chance.choice(WORDS)
    if pick < 0.42:
        return chance.choice(NUMBERS)
    if pick < 0.72:
        return chance.choice((None, True, False, "", [], {}, [None], [[]], {"": None}, [{}], {"a": {}}, [1, "a", None], {"0": 1}, "x", 7))
    if pick < 0.96:
        return chance.choice(chance.choice((MARKUP, TEMPLATES, CONTROLS, PATHS)))
    if pick < 0.985:
        return chance.choice(WORST)
    return nested(chance)


def nested(chance: random.Random) -> Any:
    """Something deep or wide."""
    found: Any = chance.choice(("x", None, 1))
    if chance.random() < 0.3:
        return [found] * chance.choice((300, 3000))
    if chance.random() < 0.3:
        return {f"k{number}": found for number in range(chance.choice((300, 3000)))}
    for _ in range(chance.choice((10, 40, 61, 70, 126, 160))):
        found = [found] if chance.random() < 0.5 else {chance.choice(("a", "spec", "items", "containers", "rules")): found}
    return found
