"""Environments and evidence as a commit has them, and the target as it would be: what every gate is asked about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.promotion.evidence_files import Evidence, read_evidence
from gpuplane.delivery.promotion.repository import Repository
from gpuplane.spec.document_files import shown_path
from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry
from gpuplane.spec.errors import InvalidSpec
from gpuplane.spec.loader import environment_names, load_environment
from gpuplane.spec.promotion_graph import sources, upstream


@dataclass(frozen=True)
class World:
    """What a commit holds.

    Attributes:
        commit: its hash.
        folder: the environments' files, for as long as the commit is open.
        graph: where each environment's releases come from.
    """

    repository: Repository
    commit: str
    folder: Path
    graph: Mapping[str, tuple[str, ...]]
    evidence: Evidence

    def environment(self, name: str) -> EnvironmentSpec:
        """An environment of the commit.

        Raises:
            InvalidSpec: it is wrong.
        """
        return load_environment(self.folder, name)

    def upstream(self, name: str) -> tuple[str, ...]:
        """Environments from which releases can come to this one."""
        return upstream(name, self.graph)

    def file_of(self, environment: str, entry: ServiceEntry) -> str:
        """A service's file, from the top of the repository."""
        return self.repository.path(f"{environment}/{entry.place.relative}")

    def text(self, environment: str, entry: ServiceEntry) -> str:
        """A service's file as the commit stores it, whatever line ends git gives to work trees here."""
        content = self.repository.read(self.commit, self.file_of(environment, entry))
        assert content is not None  # it was loaded from there
        return content.decode("utf-8")


@contextmanager
def opened(repository: Repository, ref: str) -> Iterator[World]:
    """The environments of a commit.

    Raises:
        CannotStart: there is no such commit, or no environment in it.
        InvalidSpec: evidence is wrong.
    """
    commit = repository.commit(ref)
    with repository.environments(commit) as folder, named(repository, folder):
        names = environment_names(folder)
        yield World(repository, commit, folder, sources(folder, names), read_evidence(folder))


@contextmanager
def named(repository: Repository, folder: Path) -> Iterator[None]:
    """Errors in a folder that lasts only for a while, by the names that the files have for the user."""
    try:
        yield
    except InvalidSpec as error:
        raise InvalidSpec([replace(each, file=local(each.file, repository, folder)) for each in error.errors]) from None


def local(text: str, repository: Repository, folder: Path) -> str:
    """A text with the user's names for files of that folder."""
    return text.replace(shown_path(folder), repository.shown.as_posix()).replace(str(folder), repository.shown.as_posix())


def service_of(spec: EnvironmentSpec, name: str) -> ServiceEntry:
    """One service of an environment.

    Raises:
        CannotStart: it has none of that name.
    """
    entry = spec.services.get(name)
    if entry is None or entry.role:
        there = ", ".join(name for name, each in spec.services.items() if not each.role) or "no services"
        raise CannotStart(f"{name}: {spec.name} has {there}.")
    return entry


def moment(as_of: date, now: datetime | None) -> datetime:
    """The moment that ages are counted to: what was given, else the clock today, else the end of another day."""
    if now is not None:
        return now.astimezone(UTC)
    clock = datetime.now(UTC)
    return clock if clock.date() == as_of else datetime(as_of.year, as_of.month, as_of.day, 23, 59, 59, tzinfo=UTC)
