"""``gpuplane fit --service``: a service as an environment declares it, and the block that a measured start-up goes into."""

from __future__ import annotations

from pathlib import Path

from gpuplane.catalog import catalog_of
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.fit_report import FitReport, fit_report
from gpuplane.planning.memory.measured import figures_of
from gpuplane.planning.memory.service_memory import digest_of, request_of
from gpuplane.spec.loader import load_environment


def declared_fit(environments: Path, name: str, log: str | None = None) -> tuple[FitReport, str]:
    """How a declared service fits, and with a log the ``measured_startup:`` of it, to be put below ``spec:`` of its document.

    Args:
        name: ``environment/tenant/service``.
        log: vLLM's log of exactly this start-up.

    Raises:
        InvalidSpec: the environment's documents are wrong.
        CannotStart: there is no such service, or nothing is known of its model or GPU.
    """
    environment, _, service = name.partition("/")
    spec = load_environment(environments, environment)
    entry = spec.services.get(service)
    if entry is None:
        raise CannotStart(f"--service {name!r}: {environment} has {', '.join(sorted(spec.services)) or 'no services'}.")
    server, pool, catalog = entry.document.spec.release.vllm, spec.pools[entry.document.spec.placement.pool], catalog_of(spec)
    if server is None:
        raise CannotStart(f"--service {name!r} is not served by vLLM; memory of other engines is not reckoned.")
    if catalog.gpu(pool.spec.gpu) is None:
        raise CannotStart(f"--service {name!r}: the catalogue has no GPU {pool.spec.gpu}.")
    request = request_of(entry, server, pool, catalog)
    if isinstance(request, str):
        raise CannotStart(f"--service {name!r}: {request}.")
    block = ""
    if log is not None:
        lines = "".join(f"    {line}\n" for line in figures_of(log).splitlines())
        block = f"\nmeasured_startup:\n  digest: {digest_of(entry, server, pool)}\n  log: |\n{lines}"
    return fit_report(request, catalog, log), block
