"""The report in a real browser: on a phone and a screen, light and dark, by keyboard alone, with no network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gpuplane.delivery.preview_report import PreviewReport
from gpuplane.delivery.render_html import render_html
from gpuplane.delivery.wiring_figures import ServiceWiring
from tests.delivery.browser import Page, browser
from tests.delivery.pull_request.previews import changed
from tests.delivery.reports import hostile, report

LEAST_CONTRAST = 4.5
"""WCAG 2.2, success criterion 1.4.3, level AA."""

_CONTRAST = """(() => {
  const parse = text => { const n = text.match(/[\\d.]+/g).map(Number); return n.length > 3 ? n : [...n.slice(0, 3), 1]; };
  const light = c => { const [r, g, b] = c.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                       return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = node => { for (let at = node; at; at = at.parentElement) {
      const c = parse(getComputedStyle(at).backgroundColor); if (c[3] === 1) return c; } return [255, 255, 255]; };
  const low = [];
  document.querySelectorAll('details').forEach(each => each.open = true);
  for (const node of document.querySelectorAll('body *')) {
    const own = [...node.childNodes].some(each => each.nodeType === 3 && each.textContent.trim());
    const inChart = node.closest('svg') && !node.closest('svg.graph');
    if (!own || inChart || node.tagName === 'TITLE' || node.tagName === 'OPTION' || !node.getClientRects().length) continue;
    const style = getComputedStyle(node), svg = node.closest('svg.graph');
    const front = parse(svg ? style.fill : style.color);
    const back = svg ? parse(getComputedStyle(node.parentElement.querySelector('rect') || node).fill) : behind(node);
    const [a, b] = [light(front.slice(0, 3)), light(back.slice(0, 3))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < LEAST) low.push([node.tagName, node.className.baseVal ?? node.className, node.textContent.slice(0, 40),
                                               ((a + 0.05) / (b + 0.05)).toFixed(2)]);
  }
  return low.slice(0, 10);
})()""".replace("LEAST", str(LEAST_CONTRAST))


def wired(made: PreviewReport) -> PreviewReport:
    """The report with links to draw, one of them broken."""
    rows = (("route to backend", "backend of HTTPRoute acme/chat", "Service acme/chat-predictor port 80", "there", ""),
            ("port to container", "port 80 of Service acme/chat-predictor", "port 8080 of the pods of InferenceService acme/chat", "there", ""),
            ("queue label to quota", "queue label of InferenceService acme/chat", "LocalQueue acme/gpu", "broken", "no such queue"))
    return replace(made, wirings=(ServiceWiring("acme/chat", rows, (("there", 2), ("broken", 1))),))


REPORTS = {"pass": wired(report()), "refused": wired(changed(min_replicas=1, surge=0)), "hostile": hostile()}


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    found = {name: folder / f"{name}.html" for name in REPORTS}
    for name, made in REPORTS.items():
        found[name].write_text(render_html(made), encoding="utf-8")
    return found


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_scrolls_sideways_nothing_is_asked_for_nothing_complains_and_all_can_be_read(
        page: Page, files: dict[str, Path], name: str, width: int, scheme: str) -> None:
    page.open(files[name], width, scheme=scheme)

    assert page.evaluate(_CONTRAST) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width  # with every fold open
    assert page.requests == []
    assert page.complaints == []


def tabbed(page: Page, most: int = 60) -> list[str]:
    """What the tab key reaches, in its order."""
    found = []
    for _ in range(most):
        page.press("Tab", 9)
        found.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    return found


def test_the_keyboard_reaches_links_then_the_filter_then_folds_and_tables(page: Page, files: dict[str, Path]) -> None:
    page.open(files["refused"], 1280)
    reached = tabbed(page)

    assert reached[0] == "A"
    assert reached.index("who") < reached.index("SUMMARY")
    assert "DIV" in reached  # tables that scroll


def test_enter_opens_a_fold_that_has_the_focus_and_the_focus_is_seen(page: Page, files: dict[str, Path]) -> None:
    page.open(files["refused"], 1280)
    page.evaluate("document.querySelector('details:not([open]) > summary').setAttribute('id', 'fold')")
    while page.evaluate("document.activeElement.id") != "fold":
        page.press("Tab", 9)

    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert not page.evaluate("document.activeElement.parentElement.open")
    page.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
    page.call("Input.dispatchKeyEvent", type="keyUp", key="Enter", code="Enter", windowsVirtualKeyCode=13)
    assert page.evaluate("document.activeElement.parentElement.open")


def shown(page: Page) -> dict[str, Any]:
    """Numbers of tenants whose rows are shown."""
    return page.evaluate("""[...new Set([...document.querySelectorAll('[data-who]')].filter(
        each => getComputedStyle(each).display !== 'none').flatMap(each => each.dataset.who.split(' ')))].sort()""")


def test_the_filter_shows_one_tenant_and_all_again_by_keyboard_and_without_a_script(page: Page, files: dict[str, Path]) -> None:
    page.open(files["refused"], 1280)
    everybody = shown(page)
    assert set(everybody) > {"1"}
    page.evaluate("document.getElementById('who').focus()")
    page.press("ArrowDown", 40)
    assert page.evaluate("document.getElementById('who').selectedOptions[0].textContent") == "the platform"
    page.press("ArrowDown", 40)

    assert page.evaluate("document.getElementById('who').selectedOptions[0].textContent") == "acme"
    assert "1" in shown(page)
    assert page.evaluate("""[...document.querySelectorAll('[data-who]')].filter(each => getComputedStyle(each).display !== 'none'
        && !each.dataset.who.split(' ').includes('1')).length""") == 0
    assert page.evaluate("document.querySelector('#cost tbody').innerText").count("beta") == 0
    page.press("ArrowUp", 38)
    page.press("ArrowUp", 38)
    assert shown(page) == everybody
    assert page.evaluate("document.scripts.length") == 0


def test_the_graph_draws_boxes_and_the_broken_link(page: Page, files: dict[str, Path]) -> None:
    page.open(files["refused"], 1280)

    assert page.evaluate("document.querySelectorAll('#graph svg g').length") == 4
    assert page.evaluate("document.querySelectorAll('#graph path.broken').length") == 1
    assert page.evaluate("document.querySelectorAll('#graph g.moved').length") == 1
    assert page.evaluate("""(() => { const boxes = [...document.querySelectorAll('#graph rect')].map(each => each.getBoundingClientRect());
        return boxes.some((a, i) => boxes.some((b, j) => i < j && a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom));
        })()""") is False
    assert page.evaluate("""[...document.querySelectorAll('#graph g')].every(each =>
        [...each.querySelectorAll('text')].every(text => text.getBBox().width <= each.querySelector('rect').getBBox().width - 8))""")
