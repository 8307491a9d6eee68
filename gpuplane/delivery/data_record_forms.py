"""The data-protection record as files: Markdown for people, JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from gpuplane.delivery.data_record import DataRecord
from gpuplane.delivery.markdown_text import escaped, table
from gpuplane.planning.json_value import json_value

TITLE = "Data-protection record of tenant"
"""First words of the Markdown form."""


def record_files(records: Sequence[DataRecord]) -> Mapping[str, str]:
    """Text by file name: two for each tenant."""
    return {f"{record.tenant}.{suffix}": text for record in records
            for suffix, text in (("md", to_markdown(record)), ("json", to_json(record)))}


def to_json(record: DataRecord) -> str:
    """The record as JSON (schema version :data:`gpuplane.delivery.data_record.SCHEMA_VERSION`)."""
    return json.dumps(json_value(record), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def to_markdown(record: DataRecord) -> str:
    """The record as Markdown."""
    regions = ", ".join(record.allowed_regions) or "not limited"
    return "\n".join([
        f"# {TITLE} {escaped(record.tenant)}", "",
        (f"Environment {escaped(record.environment)}, as of {record.as_of}. Answerable: {escaped(record.owner)}. "
         f"Most sensitive data: **{record.data_class}**. Region: {escaped(record.region or 'not said')}; allowed: {escaped(regions)}."), "",
        "## What is processed", "",
        *_rows(("service", "model", "revision", "pool", "requests logged", "traced"), [
            (escaped(row.service), escaped(row.model), escaped(row.revision[:12]), escaped(row.pool), _yes(row.logged), _yes(row.traced))
            for row in record.processing], "Nothing is served."),
        "## Where it lies, and how long", "",
        *_rows(("store", "kind", "region", "class", "encrypted with", "deleted after days:", "reads recorded"), [
            (escaped(row.name), row.kind, escaped(row.region or "not said"), row.data_class or "not said", escaped(row.key),
             str(row.deleted_after_days or "not said"), "not said" if row.reads_recorded is None else _yes(row.reads_recorded))
            for row in record.stores], "No store of this tenant is planned; the cluster holds its Secrets and volumes."),
        "## Who receives it", "",
        *_rows(("who", "how", "region", "approved for", "agreement"), [
            (escaped(row.name), escaped(row.kind), escaped(row.region or "–"), row.approved_for or "–",
             escaped(row.processing_agreement or "–")) for row in record.recipients], "Nobody outside the tenant's namespace."),
        *(["## Ways it takes", "", *(f"- {escaped(flow)}" for flow in record.flows), ""] if record.flows else []),
        "## How it is protected", "",
        *_rows(("obligation", "owed", "state", "rules"), [
            (escaped(row.name.replace("_", " ")), escaped(row.owed), _loud(row.state), ", ".join(row.rules) or "people")
            for row in record.obligations], ""),
        *(f"- {escaped(message)}" for row in record.obligations for message in row.findings),
        *([""] if any(row.findings for row in record.obligations) else []),
        f"Owed by: {escaped(record.source)}.", "",
        *(["## What people answer for", "",
           *(f"- {escaped(key.replace('_', ' '))}: {escaped(value)}" for key, value in record.declared.items()), ""]
          if record.declared else []),
        *(["## To complete by hand", "", *(f"- {each}" for each in record.to_complete), ""] if record.to_complete else [])])


def _rows(headings: tuple[str, ...], rows: list[tuple[str, ...]], nothing: str) -> list[str]:
    return [*table(headings, rows), ""] if rows else [nothing, ""]


def _loud(state: str) -> str:
    return f"**{state}**" if state in ("violated", "unknown") else state


def _yes(value: bool) -> str:
    return "yes" if value else "no"
