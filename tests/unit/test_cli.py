"""Commands answer on standard output, complain on standard error, and never with a traceback."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gnomon import __version__
from gnomon.cli import app

RUNNER = CliRunner()


@pytest.fixture(autouse=True)
def _away_from_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


def test_the_version_is_printed() -> None:
    assert __version__ in RUNNER.invoke(app, ["version"]).stdout


def test_a_key_is_shown_once_and_can_be_piped() -> None:
    created = RUNNER.invoke(app, ["keys", "create", "--scope", "ingest", "--scope", "read", "--name", "collector"])
    listed = RUNNER.invoke(app, ["keys", "list"]).stdout

    token = created.stdout.strip()
    assert re.fullmatch(r"gnomon_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", token)
    assert "not shown again" in created.stderr
    assert token.split("_")[1] in listed
    assert "collector" in listed
    assert "ingest read" in listed
    assert token not in listed


def test_a_key_that_does_not_exist_cannot_be_revoked() -> None:
    ended = RUNNER.invoke(app, ["keys", "revoke", "000000000000"])

    assert ended.exit_code == 1
    assert "There is no living API key with the id '000000000000'. `gnomon keys list` shows them." in ended.stderr


def test_a_valid_configuration_is_said_to_be_valid(tmp_path: Path) -> None:
    (tmp_path / "gnomon.yml").write_text("port: 1\n", encoding="utf-8")

    ended = RUNNER.invoke(app, ["config", "check"], env={"GNOMON_PROT": "2"})

    assert (ended.exit_code, ended.stdout) == (0, "The configuration is valid.\n")
    assert "environment GNOMON_PROT: there is no such setting" in ended.stderr


def test_a_wrong_configuration_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / "gnomon.yml").write_text("port: many\n", encoding="utf-8")

    ended = RUNNER.invoke(app, ["config", "check"])

    assert ended.exit_code == 2
    assert "gnomon.yml:1: port = 'many' is wrong" in ended.stderr


def test_effective_settings_are_shown_with_their_sources_and_without_secrets() -> None:
    ended = RUNNER.invoke(
        app, ["config", "show", "--set", "storage.state_url=postgresql://user:hidden@host/db"], env={"GNOMON_PORT": "7"}
    )

    lines = {line.split()[0]: line for line in ended.stdout.splitlines() if line.strip()}
    assert lines["port"].split() == ["port", "7", "environment", "GNOMON_PORT"]
    assert "command line" in lines["storage.state_url"]
    assert "hidden@" not in ended.stdout


def test_an_assignment_without_a_value_is_explained() -> None:
    ended = RUNNER.invoke(app, ["config", "check", "--set", "port"])

    assert ended.exit_code == 2
    assert "Invalid --set 'port': write KEY=VALUE" in ended.stderr


def test_the_doctor_says_when_there_is_nothing_to_look_at() -> None:
    ended = RUNNER.invoke(app, ["doctor", "--set", "port=1"])

    assert ended.exit_code == 1
    assert "No server answers at http://127.0.0.1:1, and there is no data directory" in ended.stderr


def test_the_doctor_says_when_the_address_is_wrong() -> None:
    ended = RUNNER.invoke(app, ["doctor", "--url", "http://127.0.0.1:1"])

    assert ended.exit_code == 1
    assert "No Gnomon answers at 'http://127.0.0.1:1'" in ended.stderr


def test_unit_tests_of_rules_tell_by_their_status_whether_they_pass(tmp_path: Path) -> None:
    tests = tmp_path / "tests.yml"
    template = (
        "tests: [{interval: 1m, input_series: [{series: x, values: '1 2'}], "
        "promql_expr_test: [{expr: x, eval_time: 1m, exp_samples: [{labels: x, value: VALUE}]}]}]"
    )
    tests.write_text(template.replace("VALUE", "2"))
    passed = RUNNER.invoke(app, ["test", "rules", str(tests)])
    tests.write_text(template.replace("VALUE", "3"))
    failed = RUNNER.invoke(app, ["test", "rules", str(tests)])

    assert (passed.exit_code, failed.exit_code) == (0, 1)
    assert "SUCCESS" in passed.stdout
    assert 'got: {__name__="x"} 2E+00' in failed.stderr


def test_rules_are_part_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "gnomon.yml").write_text("prometheus: prometheus.yml")
    (tmp_path / "prometheus.yml").write_text("rule_files: [rules.yml]")
    (tmp_path / "rules.yml").write_text("groups: [{name: g, rules: [{record: a, expr: 'sum('}]}]")
    ended = RUNNER.invoke(app, ["config", "check", "--config", str(tmp_path / "gnomon.yml")])

    assert ended.exit_code == 2
    assert 'rules.yml: 1:46: group "g", rule 1, "a": could not parse expression: 1:5: parse error' in ended.stderr


def test_an_incident_needs_a_demo_that_runs(tmp_path: Path) -> None:
    ended = RUNNER.invoke(app, ["demo", "incident", "slow-tool", "--data-dir", str(tmp_path)])

    assert ended.exit_code == 1
    assert "Start one with `make demo`." in ended.stderr
