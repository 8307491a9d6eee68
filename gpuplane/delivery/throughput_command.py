"""``gpuplane throughput import``: measurements of ``vllm bench serve`` become a document that plans can rest on."""

from __future__ import annotations

from pathlib import Path

import click

from gpuplane.delivery.command_line import errors, say


@click.group("throughput")
def throughput() -> None:
    """Throughput profiles: what one replica of a model serves on a GPU."""


@throughput.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--name", required=True, help="Name of the profile; the file is called after it.")
@click.option("--gpu", required=True, help="GPU it ran on, a name of the catalogue, e.g. L40S-48GB.")
@click.option("--mig", "profile", metavar="PROFILE", help="MIG profile it ran on.")
@click.option("--devices", type=click.IntRange(1, 64), default=1, show_default=True, help="GPUs of one replica.")
@click.option("--engine-version", required=True, help="vLLM version that served it.")
@click.option("--model", help="The model as services name it; left out: hf:// and the model of the files.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False),
              help="Environment folder (environments/prod): writes throughput/NAME.yaml there. Left out: printed.")
def import_results(files: tuple[Path, ...], name: str, gpu: str, profile: str | None, devices: int, engine_version: str, model: str | None,
                   out: Path | None) -> None:
    """Read result FILES of `vllm bench serve --save-result`; several request rates make a curve."""
    with errors():
        text = imported(files, name, gpu, profile, devices, engine_version, model)
        if out is None:
            click.echo(text, nl=False)
            return
        from gpuplane.delivery.command_line import writing

        target = out / "throughput" / f"{name}.yaml"
        writing(out, lambda: target.parent.mkdir(parents=True, exist_ok=True))
        writing(out, lambda: target.write_text(text, encoding="utf-8"))
        say(str(target))


def imported(files: tuple[Path, ...], name: str, gpu: str, profile: str | None, devices: int, engine_version: str,
             model: str | None) -> str:
    """The document's text.

    Raises:
        CannotStart: with everything that is wrong with the files and the options.
    """
    import yaml
    from pydantic import ValidationError

    from gpuplane.catalog.bench_results import MAX_BYTES, BenchRun, WrongResult, bench_run, throughput_document
    from gpuplane.delivery.exit_status import CannotStart
    from gpuplane.spec.throughput_profile import ThroughputProfileDocument

    runs: list[BenchRun] = []
    wrong = []
    for file in files:
        try:
            with file.open("rb") as opened:
                runs.append(bench_run(opened.read(MAX_BYTES + 1)))
        except OSError as error:
            wrong.append(f"{file}: cannot be read: {error.strerror}.")
        except WrongResult as error:
            wrong.append(f"{file}: {error}")
    if wrong:
        raise CannotStart("\n".join(wrong))
    spec = {"gpu": gpu, **({"profile": profile} if profile else {}), "devices_per_replica": devices, "engine": "vllm",
            "engine_version": engine_version, "source": f"vllm bench serve, {len(runs)} result files"}
    try:
        document = throughput_document(runs, name, spec)
        if model is not None:
            document["spec"]["model"] = model
        ThroughputProfileDocument.model_validate(document, strict=False, by_alias=True, by_name=False)
    except WrongResult as error:
        raise CannotStart(str(error)) from None
    except ValidationError as error:
        raise CannotStart("\n".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())) from None
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
