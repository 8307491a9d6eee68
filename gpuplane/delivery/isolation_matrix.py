"""The reachability matrix as a picture: who reaches whom, cell by cell, and the paths behind each cell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gpuplane.delivery.preview_report import PreviewReport
from gpuplane.graph.reachability import Edge, Party, Side

MOST_TENANTS = 40
"""Tenants that are drawn; of more, those that reach or are reached by others first."""
MOST_COLUMNS = 24
"""Parts of the platform that are drawn beside them."""
MOST_PATHS = 500
"""Paths that are written out; plan.json has all of them."""
_WORDS = {"refused": "undeclared", "unknown": "cannot be excluded", "declared": "declared", "design": "by design", "none": "no path"}


@dataclass(frozen=True)
class Cell:
    """One place of the matrix.

    Attributes:
        source, target: who reaches whom; for the platform ``source`` is the tenant, whichever way a path goes.
        edges: the paths.
        status: the worst of them: ``refused``, ``unknown``, ``declared``, ``design``, or ``none`` where there are none.
        sign: what stands in the cell.
        anchor: where the paths are written out; empty where they are not.
    """

    source: str
    target: str
    edges: tuple[Edge, ...]
    status: str
    sign: str
    anchor: str = ""

    @property
    def label(self) -> str:
        """The cell in words, for those who do not see it."""
        return f"{self.source} and {self.target}: {len(self.edges)} {'path' if len(self.edges) == 1 else 'paths'}, {_WORDS[self.status]}"

    @property
    def words(self) -> str:
        """Its status in words."""
        return _WORDS[self.status]


@dataclass(frozen=True)
class Picture:
    """What is drawn.

    Attributes:
        tenants, parts: names of the rows (and first columns), and of the platform's columns.
        rows: for each tenant its cells with every tenant (None with itself), then with every part.
        cells: the cells that have paths, in reading order.
        left_out: how many tenants, parts and paths are not drawn.
    """

    tenants: tuple[str, ...]
    parts: tuple[str, ...]
    rows: tuple[tuple[Cell | None, ...], ...]
    cells: tuple[Cell, ...]
    left_out: tuple[int, int, int]

    @property
    def undeclared(self) -> tuple[Cell, ...]:
        """Cells with a path that nobody allows."""
        return tuple(cell for cell in self.cells if cell.status in ("refused", "unknown"))

    @property
    def meant(self) -> tuple[Cell, ...]:
        """The other ones."""
        return tuple(cell for cell in self.cells if cell.status not in ("refused", "unknown"))


def picture(report: PreviewReport) -> Picture:
    """The matrix of a report; empty rows where there are no tenants."""
    found = report.isolation
    between: dict[tuple[str, str], list[Edge]] = defaultdict(list)
    beside: dict[tuple[str, str], list[Edge]] = defaultdict(list)
    for edge in found.edges:
        if edge.between_tenants:
            for pair in edge.pairs():
                between[pair].append(edge)
        else:
            own, part = (edge.source, edge.target) if edge.source.is_tenant else (edge.target, edge.source)
            for name in own.names:
                beside[name, part.name].append(edge)
    tenants = _first(found.tenants, (name for ends in between for name in ends), MOST_TENANTS)
    every = sorted({end for edge in found.edges for end in (edge.source, edge.target) if not end.is_tenant}, key=_place)
    refused = (end.name for edge in found.refused for end in (edge.source, edge.target) if not end.is_tenant)
    parts = _first([end.name for end in every], refused, MOST_COLUMNS)
    drawn = _Drawn()
    rows = tuple((*(None if name == other else drawn.cell(name, other, between[name, other]) for other in tenants),
                  *(drawn.cell(name, part, beside[name, part]) for part in parts)) for name in tenants)
    paths = sum(map(len, (*between.values(), *beside.values())))
    left_out = len(found.tenants) - len(tenants), len(every) - len(parts), paths - drawn.written
    return Picture(tenants, parts, rows, tuple(drawn.cells), left_out)


class _Drawn:
    """Cells so far, and how many paths are written out below them."""

    def __init__(self) -> None:
        self.cells: list[Cell] = []
        self.written = 0

    def cell(self, source: str, target: str, edges: Sequence[Edge]) -> Cell:
        if not edges:
            return Cell(source, target, (), "none", "·")
        fits = self.written + len(edges) <= MOST_PATHS
        anchor = f"paths-{len(self.cells) + 1}" if fits else ""
        cell = Cell(source, target, tuple(edges), _status(edges), _sign(source, edges), anchor)
        if fits:
            self.cells.append(cell)
            self.written += len(edges)
        return cell


def _status(edges: Iterable[Edge]) -> str:
    found = {_state(edge) for edge in edges}
    return next(each for each in _WORDS if each in found)


def _state(edge: Edge) -> str:
    if edge.refused:
        return "refused" if edge.certain else "unknown"
    return "declared" if edge.between_tenants else "design"


def _sign(source: str, edges: Sequence[Edge]) -> str:
    """Which way the paths go, as the row's tenant sees it, and how many there are."""
    out = any(edge.source.is_tenant and source in edge.source.names for edge in edges)
    back = any(not (edge.source.is_tenant and source in edge.source.names) for edge in edges)
    return f"{'↔' if out and back else '→' if out else '←'}{len(edges) if len(edges) > 1 else ''}"


def _first(names: Sequence[str], before: Iterable[str], most: int) -> tuple[str, ...]:
    """At most so many names in their order: where there are more, those of ``before`` rather than others."""
    if len(names) <= most:
        return tuple(names)
    wanted = set(before)
    kept = set([name for name in names if name in wanted][:most])
    kept |= set([name for name in names if name not in kept][:most - len(kept)])
    return tuple(name for name in names if name in kept)


def _place(party: Party) -> tuple[bool, str]:
    return party.side is Side.OUTSIDE, party.name
