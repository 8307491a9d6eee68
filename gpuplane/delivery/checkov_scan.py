"""Run by the Python of Checkov's environment, which has no gpuplane: ``python checkov_scan.py FOLDER OUT``.

One resource is one file. A broken scan is halved until the file that broke it stands alone; all others are scanned.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ["LOG_LEVEL"] = "CRITICAL"
os.environ["CHECKOV_PARALLELIZATION_TYPE"] = "none"  # a process for each file takes longer than the file


def scan(files: list[str]) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """What Checkov finds in these files, and the files that it cannot read without breaking."""
    from checkov.kubernetes.runner import Runner
    from checkov.runner_filter import RunnerFilter

    try:
        report: Any = Runner().run(root_folder=None, files=files, runner_filter=RunnerFilter(framework=["kubernetes"]))
    except Exception as error:
        if len(files) == 1:  # not the error's text: it could hold a value of the object
            return [], [{"file": Path(files[0]).name, "error": type(error).__name__}]
        half = len(files) // 2
        left, right = scan(files[:half]), scan(files[half:])
        return left[0] + right[0], left[1] + right[1]
    unread = [{"file": Path(file).name, "error": "it does not parse"} for file in report.parsing_errors]
    return [{"id": record.check_id, "name": record.check_name, "file": Path(record.file_abs_path).name}
            for record in report.failed_checks], unread


def main(folder: str, out: str) -> None:
    """Scan every file of a folder and write what was found as JSON."""
    found, broken = scan(sorted(str(path) for path in Path(folder).iterdir()))
    Path(out).write_text(json.dumps({"findings": found, "broken": broken}), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
