import logging

import pytest

from gnomon.sdk import faults
from gnomon.sdk.settings import Settings, load


def read(**environ: str) -> Settings:
    return load(environ=environ)


def test_an_argument_wins_over_gnomon_s_variable_and_that_over_opentelemetry_s() -> None:
    environ = {"GNOMON_SERVICE": "from-gnomon", "OTEL_SERVICE_NAME": "from-otel"}
    assert load(service="given", environ=environ).service == "given"
    assert load(environ=environ).service == "from-gnomon"
    assert read(OTEL_SERVICE_NAME="from-otel").service == "from-otel"
    assert read(OTEL_RESOURCE_ATTRIBUTES="service.name=from-resource").service == "from-resource"
    assert read().service.startswith("unknown_service:")


@pytest.mark.parametrize(
    ("environ", "ratio"),
    [
        ({}, 1.0),
        ({"GNOMON_ENDPOINT": "http://localhost:4318"}, 1.0),
        ({"GNOMON_ENDPOINT": "https://gnomon.example"}, 0.1),
        ({"GNOMON_SAMPLE_RATIO": "0.25"}, 0.25),
        ({"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"}, 0.5),
        ({"OTEL_TRACES_SAMPLER": "always_off"}, 0.0),
    ],
)
def test_a_tenth_is_sampled_over_the_network_and_everything_on_loopback(environ: dict[str, str], ratio: float) -> None:
    assert load(environ=environ).sample_ratio == ratio


def test_a_key_becomes_a_header_and_headers_are_read_as_opentelemetry_writes_them() -> None:
    settings = load(
        api_key="k1", headers={"X-Team": "a"}, environ={"OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=b%20c,broken"}
    )
    assert settings.headers == {"authorization": "Bearer k1", "x-team": "a", "x-tenant": "b c"}
    assert "k1" not in repr(settings)


@pytest.mark.parametrize("environ", [{"GNOMON_DISABLED": "true"}, {"OTEL_SDK_DISABLED": "TRUE"}])
def test_either_variable_disables(environ: dict[str, str]) -> None:
    assert load(environ=environ).disabled
    assert not load(disabled=False, environ=environ).disabled


def test_gnomon_s_variable_can_enable_what_opentelemetry_s_disables() -> None:
    assert not read(GNOMON_DISABLED="0", OTEL_SDK_DISABLED="true").disabled


def test_signals_are_switched_as_opentelemetry_names_them() -> None:
    settings = read(OTEL_TRACES_EXPORTER="none", OTEL_METRICS_EXPORTER="prometheus", OTEL_LOGS_EXPORTER="none")
    assert (settings.traces, settings.metrics, settings.logs) == (False, "scrape", False)


def test_instrumentors_are_chosen_by_name() -> None:
    assert read(GNOMON_INSTRUMENT="redis, httpx").instrument == ("redis", "httpx")
    assert load(instrument=["redis"], environ={}).instrument == ("redis",)
    assert read(OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="*").instrument == "none"


@pytest.mark.parametrize(("text", "seconds"), [("10", 10.0), ("2500", 2.5)])
def test_timeouts_are_milliseconds_but_small_ones_seconds(text: str, seconds: float) -> None:
    assert read(OTEL_EXPORTER_OTLP_TIMEOUT=text).timeout_s == seconds


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GNOMON_SAMPLE_RATIO", "7"),
        ("GNOMON_DISABLED", "perhaps"),
        ("GNOMON_METRICS", "pull"),
        ("GNOMON_ENDPOINT", "ftp://x"),
        ("GNOMON_NAMESPACE", "a-b"),
        ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
    ],
)
def test_a_wrong_variable_is_told_and_passed_over(
    name: str, value: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "_told", set())
    with caplog.at_level(logging.WARNING, "gnomon.sdk"):
        settings = read(**{name: value})
    assert settings == read()
    assert value in caplog.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"sample_ratio": 2},
        {"endpoint": "localhost:4318"},
        {"endpoint": "http://localhost:4318/v1/traces"},
        {"namespace": "9lives"},
        {"metrics": "pull"},
        {"label_values": 0},
    ],
)
def test_a_wrong_argument_is_refused_with_what_to_write(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"Invalid {next(iter(wrong))}: "):
        load(**wrong, environ={})  # type: ignore[arg-type]
