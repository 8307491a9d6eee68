"""The isolation proof as people read it: one line, the paths between tenants, and a matrix whose cells lead to objects."""

from __future__ import annotations

import json
from dataclasses import replace

from gpuplane.delivery.isolation_figures import isolation_change, isolation_line, isolation_lines, listed_paths
from gpuplane.delivery.isolation_json import changed, edges_from_json
from gpuplane.delivery.isolation_matrix import MOST_PATHS, MOST_TENANTS, picture
from gpuplane.delivery.render_html import render_html
from gpuplane.delivery.render_json import to_json
from gpuplane.delivery.render_markdown import render_markdown
from gpuplane.graph.reachability import Matrix
from tests.delivery.reports import isolation, path, refused, report
from tests.delivery.test_render_html import Page


def test_the_matrix_makes_the_trip_through_json() -> None:
    made = refused()

    assert edges_from_json(json.loads(to_json(made))) == made.isolation.edges
    assert edges_from_json({"plan": {}}) is None


def test_one_line_says_whether_tenants_are_apart() -> None:
    apart, declared = Matrix(("acme", "beta"), isolation("acme", "beta").edges[3:]), Matrix(("acme", "beta"), isolation("acme", "beta").edges[2:])

    assert isolation_line(report()) == ""
    assert isolation_line(report(isolation=apart)) == "Isolation: 2 tenants, 1 path from or to them, none between tenants."
    assert isolation_line(report(isolation=declared)) == (
        "Isolation: 2 tenants, 2 paths from or to them; 1 path between tenants, each declared or by design.")
    assert isolation_line(refused()) == "Isolation: 2 tenants, 4 paths from or to them, 2 of them undeclared."


def test_what_is_new_and_what_is_gone_is_said() -> None:
    change = isolation_change(refused())

    assert change is not None
    assert [edge.sentence for edge in change.added] == ["acme may read pods", "beta may read files", "pods of acme run there"]
    assert [edge.sentence for edge in change.removed] == ["acme may gone"]
    assert isolation_lines(refused())[1:] == (
        "  + tenant acme to tenant beta by kubernetes-api: acme may read pods", "  + tenant beta to tenant acme by volumes: beta may read files",
        "  + tenant acme to pool h100 by devices: pods of acme run there", "  - tenant acme to tenant beta by kubernetes-api: acme may gone")


def test_a_ref_without_a_matrix_is_not_compared_with() -> None:
    made = refused()
    assert made.comparison is not None

    assert isolation_change(replace(made, comparison=replace(made.comparison, edges=None))) is None
    assert isolation_change(replace(made, comparison=None)) is None
    assert changed(made.isolation.edges, made.isolation.edges) == ((), ())


def test_a_short_report_lists_undeclared_paths_before_declared_ones() -> None:
    assert [edge.refused for edge in listed_paths(refused())] == [True, True, False]
    text = render_markdown(refused())
    assert text.index("acme may read pods") < text.index("beta may call models")
    assert "Paths removed: 1" in text


def test_each_cell_of_the_picture_says_the_worst_of_its_paths() -> None:
    drawn = picture(refused())

    assert drawn.tenants == ("acme", "beta")
    assert drawn.parts == ("pool h100",)
    assert [[cell and (cell.status, cell.sign) for cell in row] for row in drawn.rows] == [
        [None, ("refused", "→"), ("design", "→")], [("unknown", "→2"), None, ("none", "·")]]
    assert [cell.label for cell in drawn.undeclared] == [
        "acme and beta: 1 path, undeclared", "beta and acme: 2 paths, cannot be excluded"]


def test_every_cell_of_the_page_leads_to_its_paths_and_they_to_their_objects() -> None:
    page = Page(render_html(refused()))
    links = [attributes["href"].removeprefix("#") for tag, attributes in page.tags if tag == "a" and attributes["href"].startswith("#")]

    assert {"paths-1", "paths-2", "paths-3"} <= set(links)
    assert any(link.startswith("object-") for link in links)
    assert set(links) <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_the_picture_of_many_tenants_is_cut_and_says_so() -> None:
    names = [f"t{number:03}" for number in range(60)]
    edges = tuple(path(one, other, "read pods") for one in names for other in names if one != other)
    drawn = picture(report(isolation=Matrix(tuple(names), edges)))

    assert len(drawn.tenants) == MOST_TENANTS
    assert sum(len(cell.edges) for cell in drawn.cells) == MOST_PATHS
    assert drawn.left_out == (20, 0, len(edges) - MOST_PATHS)
    assert "Not drawn: 20 tenants" in render_html(report(isolation=Matrix(tuple(names), edges)))


def test_tenants_with_paths_are_drawn_before_others() -> None:
    names = tuple(f"t{number:03}" for number in range(60))
    drawn = picture(report(isolation=Matrix(names, (path("t058", "t059", "read pods"),))))

    assert {"t058", "t059"} <= set(drawn.tenants)

