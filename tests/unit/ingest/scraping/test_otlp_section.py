"""The section `otlp` of prometheus.yml."""

from pathlib import Path

import pytest

from gnomon.config import load_config
from gnomon.ingest.otlp_names import TranslationStrategy
from gnomon.ingest.scraping.prometheus_file import PrometheusFileError, load_prometheus_file
from gnomon.ingest.settings import OtlpSettings

SECTION = """
otlp:
  promote_all_resource_attributes: true
  ignore_resource_attributes: [host.id]
  translation_strategy: NoTranslation
  convert_histograms_to_nhcb: true
"""


def test_it_takes_the_place_of_gnomons_own_settings(tmp_path: Path) -> None:
    """All of them but the bound on streams, which Prometheus does not have."""
    (tmp_path / "prometheus.yml").write_text(SECTION, encoding="utf-8")
    (tmp_path / "gnomon.yml").write_text(
        "prometheus: prometheus.yml\notlp: {promote_scope_metadata: true, max_delta_streams: 5}\n", encoding="utf-8"
    )
    assert load_config(tmp_path / "gnomon.yml", {}).ingest.otlp == OtlpSettings(
        translation_strategy=TranslationStrategy.NONE,
        promote_all_resource_attributes=True,
        ignore_resource_attributes=frozenset({"host.id"}),
        convert_histograms_to_nhcb=True,
        max_delta_streams=5,
    )


def test_without_it_gnomons_settings_hold(tmp_path: Path) -> None:
    """An empty file says nothing about OTLP."""
    (tmp_path / "prometheus.yml").write_text("global: {}\n", encoding="utf-8")
    (tmp_path / "gnomon.yml").write_text(
        "prometheus: prometheus.yml\notlp: {promote_scope_metadata: true}\n", encoding="utf-8"
    )
    assert load_config(tmp_path / "gnomon.yml", {}).ingest.otlp == OtlpSettings(promote_scope_metadata=True)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("otlp: {promote_resource_attributes: [a], promote_all_resource_attributes: true}", "simultaneously"),
        ("otlp: {ignore_resource_attributes: [a]}", "cannot be configured unless"),
        ("otlp: {translation_strategy: Underscores}", "UnderscoreEscapingWithSuffixes"),
        ("otlp: {promote: [a]}", "promote"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, text: str, fault: str) -> None:
    """In the words of the file."""
    path = tmp_path / "prometheus.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PrometheusFileError, match=fault):
        load_prometheus_file(path)
