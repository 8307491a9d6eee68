"""State that is truncated, lost, stale, locked, of a newer version, or that cannot be written or read."""

from __future__ import annotations

import json
import shutil

from tests.faults.bed import Bed, Done
from tests.faults.case import Case

FAILED, WRONG = frozenset({3}), frozenset({2})


def _keep(bed: Bed) -> None:
    shutil.copy(bed.stack_file, bed.folder / "kept.json")


def _put_back(bed: Bed) -> None:
    shutil.copy(bed.folder / "kept.json", bed.stack_file)


def _truncated(bed: Bed) -> Done:
    text = bed.stack_file.read_bytes()
    bed.stack_file.write_bytes(text[:len(text) // 2])
    return bed.up()


def _empty(bed: Bed) -> Done:
    bed.stack_file.write_bytes(b"")
    return bed.up()


def _newer(bed: Bed) -> Done:
    document = json.loads(bed.stack_file.read_text())
    bed.stack_file.write_text(json.dumps({**document, "version": 99}))
    return bed.up()


def _wrong_passphrase(bed: Bed) -> Done:
    return bed.up(variables={"PULUMI_CONFIG_PASSPHRASE": "another one"})


CASES = (
    Case("the state is truncated", _truncated, FAILED, ("gpuplane state restore local",), prepare=_keep, heal=_put_back, applied=True),
    Case("the state is empty", _empty, FAILED, ("gpuplane state restore local",), prepare=_keep, heal=_put_back, applied=True),
    Case("the state is of a newer version", _newer, FAILED, ("newer",), prepare=_keep, heal=_put_back, applied=True),
    Case("the passphrase is wrong", _wrong_passphrase, FAILED, ("PULUMI_CONFIG_PASSPHRASE",), applied=True),
)
