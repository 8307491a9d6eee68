"""The page: complete, self-contained, and never somebody else's markup."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gpuplane.delivery.capacity_report import capacity_rows
from gpuplane.delivery.charts import cost_chart, gpu_chart
from gpuplane.delivery.preview_report import PreviewReport
from gpuplane.delivery.render_html import render_html
from gpuplane.delivery.report_figures import pool_rows, tenant_rows
from gpuplane.delivery.resource_tree import resource_tree
from tests.delivery.reports import AS_OF, hostile, refused, report

REPORTS = {"pass": report(), "refused": refused(), "hostile": hostile()}
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """Tags, attributes and text of a page; every tag that is opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.mark.parametrize("made", REPORTS.values(), ids=list(REPORTS))
def test_every_page_is_well_formed_and_has_its_sections(made: PreviewReport) -> None:
    page = Page(render_html(made))

    assert page.open == []
    assert {"verdict", "findings", "gpus", "cost", "proofs", "resources", "notes"} <= set(page.ids)
    assert ("changes" in page.ids) == (made.comparison is not None)


@pytest.mark.parametrize("made", REPORTS.values(), ids=list(REPORTS))
def test_no_page_loads_or_runs_anything(made: PreviewReport) -> None:
    text = render_html(made)
    page = Page(text)
    policy = next(found["content"] for _, found in page.tags if found.get("http-equiv") == "Content-Security-Policy")

    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert not {"script", "link", "iframe", "img", "object", "embed", "base", "form"} & {tag for tag, _ in page.tags}
    assert not re.search(r"https?://", text)
    assert all(attributes[name].startswith("#") for _, attributes in page.tags for name in ("href", "src", "xlink:href")
               if name in attributes)
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]


@pytest.mark.parametrize("made", REPORTS.values(), ids=list(REPORTS))
def test_ids_are_unique_and_every_reference_has_its_target(made: PreviewReport) -> None:
    text = render_html(made)
    page = Page(text)

    assert len(page.ids) == len(set(page.ids))
    assert set(re.findall(r"(?:href=\"|url\()#([^\")]+)", text)) <= set(page.ids)


@pytest.mark.parametrize("made", REPORTS.values(), ids=list(REPORTS))
def test_the_same_report_gives_the_same_bytes(made: PreviewReport) -> None:
    assert render_html(made) == render_html(made)


def test_another_process_gives_the_same_bytes() -> None:
    program = ("import sys, hashlib; from tests.delivery.reports import refused; "
               "from gpuplane.delivery.render_html import render_html; "
               "print(hashlib.sha256(render_html(refused()).encode()).hexdigest())")
    root = Path(__file__).parents[2]
    variables = {"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"}
    hashes = {subprocess.run([sys.executable, "-c", program], cwd=root, check=True, capture_output=True, text=True,
                             env={**variables, "PYTHONHASHSEED": seed}).stdout for seed in ("1", "2")}

    assert len(hashes) == 1


def test_hostile_names_are_shown_and_never_obeyed() -> None:
    text = render_html(hostile())

    assert "<script" not in text
    assert "\x1b" not in text
    assert "&lt;script&gt;alert(" in text


def test_the_page_says_what_the_report_says() -> None:
    text = Page(render_html(refused())).text

    for expected in ("REFUSED", "acme, beta and old are affected", "environments/prod/services/acme/chat.yaml:21",
                     "Lower max_replicas", "unknown before apply", "2 waived", "1 advisory", "+7 995",
                     "spec.predictor.maxReplicas", "instances.tsv: p5.48xlarge, as of 2026-07-01",
                     "Costs are of GPU nodes alone.", AS_OF.isoformat()):
        assert expected in text


def test_charts_have_a_title_and_take_the_colour_of_the_page() -> None:
    for chart in (gpu_chart(pool_rows(report())), cost_chart(tenant_rows(report()))):
        assert chart.startswith("<svg viewBox=")
        assert 'role="img" aria-labelledby="' in chart
        assert "currentColor" in chart
        assert "#010203" not in chart


def test_the_page_says_who_is_guaranteed_may_borrow_and_can_at_most_use_what() -> None:
    made = report()
    section = render_html(made).partition('id="capacity">')[2].partition("<h3>Pools")[0].partition("</h3>")[2]
    page, row = Page(section), capacity_rows(made.plan)[0]

    assert "href=\"#capacity\"" in render_html(made)
    for word in ("guaranteed", "may borrow", "at most", "at minimum", "peak", "head room"):
        assert word in page.text
    figures = (row.nominal, row.guaranteed, row.may_borrow, row.at_most, row.committed_at_minimum, row.peak, row.head_room)
    assert " ".join(map(str, (row.key, *figures))) in page.text
    assert f"{row.tenant} {row.key} " in page.text  # a bar of the picture


def test_a_quota_that_is_broken_stands_out() -> None:
    plan = report().plan
    tenant = plan.tenants["beta"]
    quotas = {key: replace(quota, peak_with_surge=quota.maximum + 1, committed=quota.guaranteed + 1) for key, quota in tenant.quotas.items()}
    broken = replace(plan, tenants={"beta": replace(tenant, quotas=quotas)})
    section = render_html(report(plan=broken)).partition('<h3 id="capacity">')[2].partition("<h3>Pools")[0]

    assert section.count('class="n over"') == 2 * len(quotas)
    assert '<td class="n">-1</td>' in section


def test_large_numbers_are_not_broken_over_two_lines() -> None:
    assert "8\u00a0000" in render_html(report())


def test_charts_name_their_tenants_in_text() -> None:
    words = Page(gpu_chart(pool_rows(report()))).text + Page(cost_chart(tenant_rows(report()))).text

    for expected in ("h100", "acme", "beta", "unallocated", "budget", "8 000 → 12 000 / 10 000"):
        assert expected in words


def test_nothing_to_draw_is_no_chart() -> None:
    assert gpu_chart(()) == ""
    assert cost_chart(()) == ""
    empty = replace(report().plan, pools={}, tenants={})
    assert "<svg" not in render_html(report(plan=empty))


def test_unknown_prices_and_unknown_hardware_are_drawn_without_inventing_anything() -> None:
    plan = report().plan
    pool = replace(plan.pools["h100"], capacity={}, gpus_per_node=0, usd_per_node_hour=None, committed_usd_per_month=None)
    tenant = replace(plan.tenants["acme"], committed_usd_per_month=None, worst_case_usd_per_month=None)
    unknown = replace(plan, pools={"h100": pool}, tenants={"acme": tenant}, committed_usd_per_month=None, idle_usd_per_month=None,
                      worst_case_usd_per_month=None)
    text = Page(render_html(report(plan=unknown))).text

    assert "committed cost is unknown" in text
    assert "unknown" in text.partition("Cost")[2]


def test_a_hundred_tenants_are_drawn_with_the_largest_named_and_the_rest_together() -> None:
    tenant = report().plan.tenants["beta"]
    tenants = {f"team-{index:03}": replace(tenant, name=f"team-{index:03}", worst_case_usd_per_month=Decimal(index))
               for index in range(100)}
    made = report(plan=replace(report().plan, tenants=tenants))
    words = Page(gpu_chart(pool_rows(made))).text

    assert "team-000" in words
    assert "other tenants" in words
    assert "team-099" not in words
    assert "team-099" in render_html(made)


def test_resources_stand_below_their_components_by_layer() -> None:
    tree = dict(resource_tree(report()))

    assert list(tree) == ["cluster", "platform", "tenants"]
    acme, beta = tree["tenants"]
    assert [str(node.view) for node in acme.children] == ["InferenceService acme/chat", "Namespace acme", "Secret acme/token"]
    assert (acme.count, beta.count) == (3, 2)
