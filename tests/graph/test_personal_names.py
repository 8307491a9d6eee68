"""Names are looked for only where an environment asks for it, by what is installed, and nothing is fetched."""

import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from gpuplane.graph import personal_names
from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.text_leaves import Leaf
from gpuplane.policies.finding import Verdict
from gpuplane.policies.rules.privacy.personal_literals import PersonalLiterals
from gpuplane.spec.policies import Policies

MODEL = "en_core_web_lg"
NOTE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\ndata: {note: call Jane Doe first, name: Jane}\n"


@dataclass
class _Result:
    entity_type: str


class _Analyzer:
    """Presidio's ``AnalyzerEngine`` as far as it is used (presidio-analyzer 2.2.366)."""

    def __init__(self, nlp_engine: Any, supported_languages: list[str]) -> None:
        assert (nlp_engine, supported_languages) == (MODEL, ["en"])

    def analyze(self, text: str, language: str, entities: list[str], score_threshold: float) -> list[_Result]:
        assert (language, entities) == ("en", ["PERSON", "LOCATION"])
        return [_Result("PERSON")] * text.count("Jane")


class _Provider:
    def __init__(self, nlp_configuration: dict[str, Any]) -> None:
        self._configuration = nlp_configuration

    def create_engine(self) -> str:
        return str(self._configuration["models"][0]["model_name"])


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = {name: ModuleType(name) for name in ("presidio_analyzer", "presidio_analyzer.nlp_engine", "spacy", "spacy.util")}
    modules["presidio_analyzer"].AnalyzerEngine = _Analyzer  # type: ignore[attr-defined]
    modules["presidio_analyzer.nlp_engine"].NlpEngineProvider = _Provider  # type: ignore[attr-defined]
    modules["spacy"].util = modules["spacy.util"]  # type: ignore[attr-defined]
    modules["spacy.util"].is_package = lambda name: name == MODEL  # type: ignore[attr-defined]
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(personal_names, "find_spec", lambda name: name)
    personal_names._analyzer.cache_clear()


def _judged(model: str | None) -> list[tuple[Verdict, str]]:
    graph = PlannedGraph(views_of_text(NOTE), parameters=Policies(language_model=model))
    return [(finding.verdict, finding.message) for finding in PersonalLiterals().check(graph)]


def test_nobody_looks_for_names_unless_asked() -> None:
    assert _judged(None) == []


@pytest.mark.usefixtures("installed")
def test_a_name_in_a_sentence_is_told_without_it() -> None:
    assert _judged(MODEL) == [(Verdict.FAIL, "data.note of ConfigMap b/a holds a person's name.")]
    assert list(personal_names.names(Leaf("x", "x", "Jane"), MODEL)) == []


@pytest.mark.usefixtures("installed")
def test_a_model_that_is_not_there_is_not_fetched_and_nothing_passes() -> None:
    (verdict, message), = _judged("de_core_news_lg")

    assert verdict is Verdict.UNKNOWN
    assert "de_core_news_lg is not installed" in message


def test_without_presidio_nothing_passes_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(personal_names, "find_spec", lambda _: None)

    assert [verdict for verdict, _ in _judged(MODEL)] == [Verdict.UNKNOWN]
