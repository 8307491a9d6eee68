"""Offline preview of ``prod`` as a whole process, against a process that only imports what it needs."""

from __future__ import annotations

from benchmarks.process import measured

_IMPORTS = "import pulumi, pulumi_kubernetes, kserve, pydantic; from pulumi_aws import eks, ec2"


def main() -> None:
    imports, _ = measured(["-c", _IMPORTS])
    for name, arguments in (("text", []), ("json", ["--format", "json"])):
        seconds, mib = measured(["-m", "gpuplane", "preview", "prod", *arguments])
        print(f"preview prod ({name}): {seconds:.2f} s, {mib:.0f} MiB; {seconds / imports:.2f} × its imports alone ({imports:.2f} s). "
              "Aim: 4 s, 400 MB")
    help_seconds, _ = measured(["-m", "gpuplane", "--help"])
    bare, _ = measured(["-c", "pass"])
    print(f"--help: {help_seconds:.3f} s; {help_seconds / bare:.1f} × an empty Python process ({bare:.3f} s). Aim: 0.3 s")


if __name__ == "__main__":
    main()
