"""Prometheus' configuration file."""

from pathlib import Path

import pytest

from gnomon.ingest.exposition.negotiation import NATIVE_PROTOCOLS
from gnomon.ingest.scraping.jobs import Limits
from gnomon.ingest.scraping.prometheus_file import PrometheusConfig, PrometheusFileError, load_prometheus_file

SHIPPED = Path(__file__).parents[4] / "deploy/prometheus/prometheus.yml"


def load(tmp_path: Path, text: str, **environment: str) -> PrometheusConfig:
    path = tmp_path / "prometheus.yml"
    path.write_text(text, encoding="utf-8")
    return load_prometheus_file(path, environment)


def fault(tmp_path: Path, text: str) -> str:
    with pytest.raises(PrometheusFileError) as raised:
        load(tmp_path, text)
    return str(raised.value).replace(f"{tmp_path}/prometheus.yml:", "")


def test_the_shipped_file_is_read_as_it_stands() -> None:
    """Six services and three exporters, every 15 seconds."""
    config = load_prometheus_file(SHIPPED)
    assert [(job.name, *job.static[0].targets) for job in config.jobs] == [
        ("gateway", "gateway:8010"),
        ("conversation-worker", "conversation-worker:8011"),
        ("tool-executor", "tool-executor:8012"),
        ("router", "router:8013"),
        ("canvas-service", "canvas-service:8014"),
        ("delegation-gateway", "delegation-gateway:8015"),
        ("kafka", "kafka:9092"),
        ("redis", "redis-exporter:9121"),
        ("postgres", "postgres-exporter:9187"),
    ]
    assert {(job.interval_ms, job.timeout_ms, job.metrics_path) for job in config.jobs} == {
        (15_000, 10_000, "/metrics")
    }
    assert config.evaluation_interval_ms == 15_000
    assert config.external_labels == {"cluster": "somaagent01", "environment": "production"}
    assert config.rule_files == (str(SHIPPED.parent / "alerts.yml"), str(SHIPPED.parent / "recording_rules.yml"))
    assert config.alerting.alertmanagers[0].static_configs[0].targets == ("alertmanager:9093",)
    assert not config.warnings


def test_an_empty_file_has_prometheus_defaults(tmp_path: Path) -> None:
    config = load(tmp_path, "")
    assert (config.jobs, config.evaluation_interval_ms) == ((), 60_000)


def test_jobs_take_from_global_what_they_leave_out(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        """
global:
  scrape_interval: 30s
  scrape_timeout: 20s
  sample_limit: 7
  body_size_limit: 1.5MB
  scrape_native_histograms: true
  label_limit:
scrape_configs:
  - job_name: 007
    static_configs: [{targets: [a:1]}]
  - job_name: yes
    scrape_interval: 1m30s
    scrape_timeout: 1m
    sample_limit: 9
    scrape_native_histograms: false
    honor_timestamps: no
    params: {module: [x, "1"]}
  - {job_name: quick, scrape_interval: 5s}
""",
    )
    first, second, quick = config.jobs
    assert (first.name, first.interval_ms, first.timeout_ms) == ("007", 30_000, 20_000)
    assert first.limits == Limits(samples=7, body_bytes=1_572_864)
    assert first.protocols == NATIVE_PROTOCOLS
    assert (second.name, second.interval_ms, second.timeout_ms, second.limits.samples) == ("yes", 90_000, 60_000, 9)
    assert (second.native_histograms, second.honor_timestamps) == (False, False)
    assert second.params == (("module", ("x", "1")),)
    assert quick.timeout_ms == 5_000


def test_paths_are_relative_to_the_file_and_labels_take_the_environment(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        """
global: {external_labels: {cluster: "${REGION}-a", cost: "5$$", none: "$NONE"}}
rule_files: [rules/*.yml, /etc/x.yml]
scrape_configs:
  - job_name: a
    basic_auth: {username: u, password_file: secret}
    tls_config: {ca_file: ca.pem}
    file_sd_configs: [{files: [targets/*.json]}]
    http_sd_configs: [{url: "http://x/", authorization: {credentials_file: token}}]
""",
        REGION="eu",
    )
    (job,) = config.jobs
    assert config.external_labels == {"cluster": "eu-a", "cost": "5$", "none": ""}
    assert config.rule_files == (f"{tmp_path}/rules/*.yml", "/etc/x.yml")
    assert job.http.basic_auth is not None
    assert job.http.basic_auth.password_file == f"{tmp_path}/secret"
    assert job.http.tls_config.ca_file == f"{tmp_path}/ca.pem"
    assert job.files[0].files == (f"{tmp_path}/targets/*.json",)
    assert job.services[0].authorization is not None
    assert job.services[0].authorization.credentials_file == f"{tmp_path}/token"


def test_jobs_of_other_files_are_taken_in(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs/one.yml").write_text(
        "scrape_configs: [{job_name: other, file_sd_configs: [{files: [t.yml]}]}]", encoding="utf-8"
    )
    config = load(tmp_path, "scrape_config_files: [jobs/*.yml]\nscrape_configs: [{job_name: own}]")
    assert [job.name for job in config.jobs] == ["own", "other"]
    assert config.jobs[1].files[0].files == (f"{tmp_path}/jobs/t.yml",)
    with pytest.raises(PrometheusFileError, match='multiple scrape configs with job name "other"'):
        load(tmp_path, "scrape_config_files: [jobs/*.yml]\nscrape_configs: [{job_name: other}]")


def test_what_is_not_used_is_told(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "remote_write: [{url: http://x}]\nstorage: {tsdb: {}}\ntracing: {endpoint: x}\n"
        "scrape_configs: [{job_name: a, native_histogram_bucket_limit: 5}]",
    )
    assert [warning.partition("yml:")[2] for warning in config.warnings] == [
        "1: remote_write is not used: Gnomon sends its samples nowhere.",
        "2: storage is not used: see storage in gnomon.yml.",
        "3: tracing is not used: see own_traces in gnomon.yml.",
        f"4: native_histogram_bucket_limit is not used (job 'a' in {tmp_path}/prometheus.yml).",
    ]


def test_secrets_are_hidden_from_whoever_asks_for_the_file(tmp_path: Path) -> None:
    config = load(tmp_path, "scrape_configs: [{job_name: a, basic_auth: {username: u, password: hush}}]")
    assert "hush" not in str(config.content)
    assert "hush" not in repr(config)
    assert config.content["scrape_configs"][0]["basic_auth"] == {"username": "u", "password": "<secret>"}


JOB = "scrape_configs:\n- job_name: a\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("globl: {}", "1: there is no key 'globl'"),
        ("global:\n  scrape_intervall: 5s", "2: there is no key 'global.scrape_intervall' (value '5s')"),
        ("global:\n  scrape_interval: 15", "2: global.scrape_interval = '15' is wrong: not a valid duration"),
        ("global:\n  scrape_interval: 5s\n  scrape_timeout: 6s", "1: global is wrong: global scrape timeout greater"),
        ("- a\n", "1: the file is wrong"),
        ("a: b: c", "1: this is no YAML"),
        ("global: {}\nglobal: {}", "2: the key 'global' is there twice"),
        ("scrape_configs: [{}]", "1: scrape_configs[0].job_name is missing"),
        (JOB + "- job_name: a", '3: found multiple scrape configs with job name "a"'),
        (JOB + "  scrape_timeout: 2m", "2: scrape timeout greater than scrape interval"),
        (JOB + "  honor_labels: maybe", "3: scrape_configs[0].honor_labels = 'maybe' is wrong"),
        (JOB + "  sample_limit: -1", "3: scrape_configs[0].sample_limit = '-1' is wrong"),
        (JOB + "  scheme: ftp", "3: scrape_configs[0].scheme = 'ftp' is wrong"),
        (JOB + "  scrape_protocols: [Text]", "3: scrape_configs[0].scrape_protocols[0] = 'Text' is wrong: unknown"),
        (JOB + "  scrape_protocols: []", "3: scrape_configs[0].scrape_protocols is wrong: scrape_protocols cannot be"),
        (JOB + "  static_configs:\n  - targets: ['http://x']", '"http://x" is not a valid hostname'),
        (JOB + "  kubernetes_sd_configs: [{role: pod}]", "kubernetes_sd_configs is not supported: Gnomon finds"),
        (JOB + "  file_sd_configs: [{files: [x.txt]}]", 'path name "x.txt" is not valid for file discovery'),
        (JOB + "  http_sd_configs: [{url: 'ftp://x'}]", "URL scheme must be 'http' or 'https'"),
        (JOB + "  oauth2: {client_id: a}", "oauth2 is not supported"),
        (JOB + "  proxy_url: http://x", "proxy_url is not supported"),
        (JOB + "  bearer_token: a\n  basic_auth: {username: x}", "at most one of basic_auth"),
        (JOB + "  authorization: {type: Basic}", 'authorization type cannot be set to "basic"'),
        (JOB + "  tls_config: {cert_file: x}", "certificate and key must be configured together"),
        (JOB + "  http_headers: {Authorization: {values: [x]}}", "may not set 'Authorization'"),
        (JOB + "  relabel_configs:\n  - {action: hashmod, target_label: x}", "requires non-zero modulus"),
        (
            JOB + "  relabel_configs:\n  - {action: keep, regex: '('}",
            "4: scrape_configs[0].relabel_configs[0] is wrong",
        ),
        (
            JOB + "  metric_relabel_configs:\n  - {action: shout}",
            "4: scrape_configs[0].metric_relabel_configs[0].action",
        ),
        (JOB + "  metric_relabel_configs:\n  - {action: labeldrop, source_labels: [a]}", "requires only regex"),
        ("rule_files: ['a/*/b.yml']", 'invalid rule file path "a/*/b.yml"'),
        ("global: {metric_name_validation_scheme: legacy, metric_name_escaping_scheme: allow-utf-8}\n" + JOB, "utf8"),
    ],
)
def test_a_fault_names_its_line_key_and_value(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in fault(tmp_path, text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PrometheusFileError, match=r"Cannot read .*nowhere.yml"):
        load_prometheus_file(tmp_path / "nowhere.yml")
