"""Where settings come from, what wins, and what is said about wrong ones."""

from pathlib import Path

import pytest

from gnomon.config import SettingsError, default_data_dir, list_settings, load_config


def _write(directory: Path, text: str) -> Path:
    path = directory / "gnomon.yml"
    path.write_text(text, encoding="utf-8")
    return path


def _sources(
    path: Path | None, environment: dict[str, str], command_line: dict[str, object], key: str
) -> tuple[str, str]:
    config = load_config(path, command_line, environment)
    [setting] = [setting for setting in config.effective() if setting.info.key == key]
    return setting.value, setting.source


def test_the_command_line_wins_over_the_environment_over_the_file_over_the_default(tmp_path: Path) -> None:
    path = _write(tmp_path, "port: 1\n")
    environment = {"GNOMON_PORT": "2"}
    command_line: dict[str, object] = {"port": 3}

    assert _sources(path, environment, command_line, "port") == ("3", "command line")
    assert _sources(path, environment, {"port": None}, "port") == ("2", "environment GNOMON_PORT")
    assert _sources(path, {}, {}, "port") == ("1", f"{path}:1")
    assert _sources(None, {}, {}, "port") == ("1212", "default")


def test_sections_of_several_sources_are_merged_setting_by_setting(tmp_path: Path) -> None:
    path = _write(tmp_path, "storage: {retention: {traces: 3d, logs: 2d}}\n")

    config = load_config(path, {"storage.max_bytes": "2GB"}, {"GNOMON_STORAGE__RETENTION__LOGS": "12h"})

    retention = config.storage.retention
    assert (retention.traces_s, retention.logs_s, retention.metrics_s) == (3 * 86400, 12 * 3600, 30 * 86400)
    assert config.storage.max_bytes == 2_000_000_000


@pytest.mark.parametrize(
    ("written", "size"),
    [("50GB", 50 * 10**9), ("512MiB", 512 * 2**20), ("1.5 GiB", 3 * 2**29), ("10kB", 10_000), ("4096", 4096), ("0", 0)],
)
def test_sizes_are_read_as_people_write_them(written: str, size: int) -> None:
    assert load_config(None, {"storage.max_bytes": written}, {}).storage.max_bytes == size


@pytest.mark.parametrize(("written", "seconds"), [("7d", 604_800), ("1h30m", 5400), ("500ms", 0.5)])
def test_durations_are_read_as_people_write_them(written: str, seconds: float) -> None:
    assert load_config(None, {"query.time": written}, {}).web.max_query_time_s == seconds


def test_lists_are_read_from_yaml_and_from_commas(tmp_path: Path) -> None:
    path = _write(tmp_path, "auth: {allowed_hosts: [a.example, b.example]}\n")

    assert load_config(path, {}, {}).web.allowed_hosts == ("a.example", "b.example")
    assert load_config(path, {}, {"GNOMON_AUTH__ALLOWED_HOSTS": "c.example, d.example"}).web.allowed_hosts == (
        "c.example",
        "d.example",
    )


def test_paths_in_the_file_are_relative_to_it(tmp_path: Path) -> None:
    path = _write(tmp_path, "data_dir: data\n")

    assert load_config(path, {}, {}).options.data_dir == tmp_path / "data"


def test_data_goes_where_the_desktop_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))

    assert default_data_dir() == tmp_path / "gnomon"
    assert load_config(None, {}, {}).options.data_dir == tmp_path / "gnomon"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("port: 99999", "{path}:1: port = 99999 is wrong: Input should be less than or equal to 65535."),
        ("\nstorage:\n  max_bytes: lots", "{path}:3: storage.max_bytes = 'lots' is wrong: Invalid size: 'lots'."),
        ("journal: {segment_age: 5}", None),
        ("journal: {segment_age: '5'}", "{path}:1: journal.segment_age = '5' is wrong: Invalid duration: '5'."),
        ("prot: 1", "{path}:1: there is no setting 'prot' (value 1). Did you mean 'port'?"),
        ("storage: {retention: 7d}", "{path}:1: storage.retention = '7d' is wrong"),
        ("tls: {certificate: missing.pem}", "TLS needs both tls.certificate and tls.key, but tls.key is not set."),
        ("tls: {certificate: a.pem, key: b.pem}", "There is no file '{directory}/a.pem', which tls.certificate names."),
        ("log: {level: loud}", "{path}:1: log.level = 'loud' is wrong: Input should be 'debug', 'info'"),
        ("- port", "The configuration '{path}' holds a list, not settings."),
        ("a: [", "Cannot read the configuration '{path}': it is not valid YAML."),
    ],
)
def test_a_wrong_file_is_told_with_place_setting_value_and_reason(
    tmp_path: Path, text: str, message: str | None
) -> None:
    path = _write(tmp_path, text)
    if message is None:
        load_config(path, {}, {})
        return

    with pytest.raises(SettingsError) as caught:
        load_config(path, {}, {})

    assert message.format(path=path, directory=tmp_path) in str(caught.value)


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    path = _write(tmp_path, "port: x\nhots: y\n")

    with pytest.raises(SettingsError) as caught:
        load_config(path, {"query.time": "soon"}, {"GNOMON_LOG__LEVEL": "loud"})

    faults = str(caught.value).splitlines()
    assert len(faults) == 4
    assert any(fault.startswith("command line: query.time = 'soon'") for fault in faults)
    assert any(fault.startswith("environment GNOMON_LOG__LEVEL: log.level = 'loud'") for fault in faults)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"Cannot read the configuration '.*nowhere\.yml': No such file"):
        load_config(tmp_path / "nowhere.yml", {}, {})


def test_an_unknown_variable_is_reported_but_no_error() -> None:
    assert load_config(None, {}, {"GNOMON_PROT": "1", "GNOMON_CONFIG": "x"}).unknown_variables == ("GNOMON_PROT",)


def test_secrets_are_not_shown() -> None:
    url = "clickhouse://user:password@host:8123/db"

    assert _sources(None, {}, {"storage.cluster_url": url}, "storage.cluster_url") == ("(hidden)", "command line")


def test_a_reload_takes_over_only_what_can_change() -> None:
    old = load_config(None, {"port": 1, "log.level": "info"}, {})
    new = load_config(None, {"port": 2, "log.level": "debug", "storage.retention.logs": "1d"}, {})

    merged = old.with_reloadable(new)

    assert merged.web.port == 1
    assert merged.telemetry.log_level == "debug"
    assert merged.storage.retention.logs_s == 86_400


def test_every_setting_has_a_description_that_ends_like_a_sentence() -> None:
    for setting in list_settings():
        assert setting.description.endswith("."), setting.key
