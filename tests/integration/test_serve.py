"""How the server starts, stops, reloads, and says why it does not start."""

import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gnomon_process import GnomonProcess, run_gnomon
from tests.integration.conftest import LaunchGnomon


def test_a_first_start_from_the_shell_logs_one_line_with_its_addresses_and_stops_on_sigterm(
    launch_gnomon: LaunchGnomon,
) -> None:
    server = launch_gnomon(from_shell=True).start()
    ready = [line for line in server.log_lines if line["message"] == "ready"]

    assert len(ready) == 1
    assert ready[0]["ui"] == server.url
    assert ready[0]["otlp_http"] == server.otlp_http_url
    assert ready[0]["otlp_grpc"] == server.otlp_grpc_address
    assert [line for line in server.log_lines if line["level"] in {"warning", "error"}] == []
    assert server.stop() == 0


def wait_for_message(server: GnomonProcess, message: str) -> dict[str, Any]:
    """Return the first line of the log that says so; fails after a minute."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if f'"{message}"' in server.log:
            return next(line for line in server.log_lines if line["message"] == message)
        time.sleep(0.05)
    pytest.fail(f"{message!r} was not logged in\n{server.log}")


def wait_until_read(server: GnomonProcess) -> None:
    """Return once the server has read what was sent before: it answers a probe that came later."""
    assert httpx.get(f"{server.url}/health/live", trust_env=False, timeout=60).is_success


def test_sigterm_drains_and_ends_with_zero(gnomon_server: GnomonProcess) -> None:
    gnomon_server.signal(signal.SIGTERM)

    assert gnomon_server.wait() == 0
    assert [line["message"] for line in gnomon_server.log_lines][-2:] == ["draining", "stopped"]


def test_a_request_under_way_is_answered_while_draining(gnomon_server: GnomonProcess) -> None:
    with socket.create_connection(("127.0.0.1", gnomon_server.port)) as connection:
        # The request is half sent when the signal comes.
        connection.sendall(b"POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n")
        connection.sendall(b'Content-Type: application/json\r\n\r\n{"key"')
        wait_until_read(gnomon_server)
        gnomon_server.signal(signal.SIGTERM)
        wait_for_message(gnomon_server, "draining")
        connection.sendall(b":1}")
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 400")
    assert gnomon_server.wait() == 0


def test_a_second_sigterm_ends_it_at_once(gnomon_server: GnomonProcess) -> None:
    with socket.create_connection(("127.0.0.1", gnomon_server.port)) as connection:
        connection.sendall(b"POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n")
        wait_until_read(gnomon_server)
        gnomon_server.signal(signal.SIGTERM)
        wait_for_message(gnomon_server, "draining")
        began = time.monotonic()
        gnomon_server.signal(signal.SIGTERM)

        assert gnomon_server.wait() != 0
        assert time.monotonic() - began < 10


def test_kill_and_restart_keep_the_ports(gnomon_server: GnomonProcess) -> None:
    gnomon_server.kill()
    gnomon_server.start()

    assert httpx.get(f"{gnomon_server.url}/health/live", trust_env=False).json() == {"status": "ok"}


@pytest.mark.parametrize("attribute", ["port", "otlp_http_port", "otlp_grpc_port"])
def test_a_taken_port_is_named_with_the_option_that_changes_it(launch_gnomon: LaunchGnomon, attribute: str) -> None:
    server = launch_gnomon()
    with socket.socket() as other:
        other.bind(("127.0.0.1", getattr(server, attribute)))
        other.listen()
        server.spawn()

        assert server.wait() == 1

    assert f"Port {getattr(server, attribute)} on 127.0.0.1 is taken" in server.log
    assert f"--{attribute.replace('_', '-')}" in server.log
    assert "Traceback" not in server.log


def test_a_second_server_on_the_same_directory_is_refused_with_the_owners_process(
    gnomon_server: GnomonProcess, launch_gnomon: LaunchGnomon
) -> None:
    second = launch_gnomon(data_dir=gnomon_server.data_dir)
    second.spawn()

    assert second.wait() == 1
    assert f"is in use by another Gnomon (process {gnomon_server.pid})" in second.log
    assert "--data-dir" in second.log


def test_any_other_address_than_loopback_needs_keys_first(launch_gnomon: LaunchGnomon) -> None:
    server = launch_gnomon("--host", "0.0.0.0")
    server.spawn()

    assert server.wait() == 1
    assert f"gnomon keys create --scope admin --data-dir {server.data_dir}" in server.log
    assert "Traceback" not in server.log

    token = run_gnomon("keys", "create", "--scope", "read", "--data-dir", str(server.data_dir)).stdout.strip()
    server.start()
    status = f"{server.url}/api/status"

    assert httpx.get(status, trust_env=False).status_code == 401
    assert httpx.get(status, headers={"Authorization": f"Bearer {token}"}, trust_env=False).status_code == 200


def test_a_key_that_is_created_or_revoked_takes_effect_while_the_server_runs(launch_gnomon: LaunchGnomon) -> None:
    server = launch_gnomon("--set", "auth.required=true")
    run_gnomon("keys", "create", "--scope", "admin", "--data-dir", str(server.data_dir))
    server.start()
    directory = ("--data-dir", str(server.data_dir))
    token = run_gnomon("keys", "create", "--scope", "read", "--name", "grafana", *directory).stdout.strip()

    def status_code() -> int:
        return httpx.get(f"{server.url}/api/status", headers={"X-API-Key": token}, trust_env=False).status_code

    assert status_code() == 200
    assert token.split("_")[1] in run_gnomon("keys", "list", *directory).stdout
    assert "grafana" in run_gnomon("keys", "revoke", token.split("_")[1], *directory).stdout
    deadline = time.monotonic() + 60
    while status_code() == 200 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert status_code() == 401
    assert "revoked" in run_gnomon("keys", "list", *directory).stdout


def test_wrong_settings_are_all_told_at_once_with_their_places(tmp_path: Path) -> None:
    (tmp_path / "gnomon.yml").write_text("storage:\n  max_bytes: lots\n  retentoin: {traces: 1d}\n", encoding="utf-8")

    ended = run_gnomon("serve", env={"GNOMON_PORT": "99999"}, cwd=tmp_path)

    assert ended.returncode == 2
    assert "gnomon.yml:2: storage.max_bytes = 'lots' is wrong" in ended.stderr
    assert "gnomon.yml:3: there is no setting 'storage.retentoin.traces'" in ended.stderr
    assert "Did you mean 'storage.retention.traces'?" in ended.stderr
    assert "environment GNOMON_PORT: port = '99999' is wrong" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("way", ["signal", "request"])
def test_a_reload_applies_what_can_change_and_tells_what_cannot(
    launch_gnomon: LaunchGnomon, tmp_path: Path, way: str
) -> None:
    config = tmp_path / "gnomon.yml"
    config.write_text("log: {level: info}\n", encoding="utf-8")
    server = launch_gnomon("--config", str(config)).start()
    config.write_text("log: {level: debug}\nstorage: {threads: 1}\n", encoding="utf-8")

    if way == "signal":
        server.signal(signal.SIGHUP)
        line = wait_for_message(server, "configuration read again")
        assert line["applied"] == ["log.level"]
        assert line["needs_restart"] == ["storage.threads"]
    else:
        answer = httpx.post(f"{server.url}/-/reload", trust_env=False)
        assert answer.json() == {"applied": ["log.level"], "needs_restart": ["storage.threads"]}

    settings = httpx.get(f"{server.url}/api/settings", trust_env=False).json()["settings"]
    values = {setting["key"]: (setting["value"], setting["source"]) for setting in settings}
    assert values["log.level"] == ("debug", f"{config}:1")
    assert values["storage.threads"] == ("0", "default")


def test_a_wrong_reload_changes_nothing(launch_gnomon: LaunchGnomon, tmp_path: Path) -> None:
    config = tmp_path / "gnomon.yml"
    config.write_text("", encoding="utf-8")
    server = launch_gnomon("--config", str(config)).start()
    config.write_text("log: {level: loud}\n", encoding="utf-8")

    answer = httpx.post(f"{server.url}/-/reload", trust_env=False)

    assert answer.status_code == 400
    assert f"{config}:1: log.level = 'loud' is wrong" in answer.json()["error"]["message"]
    assert httpx.get(f"{server.url}/health/ready", trust_env=False).is_success


def test_the_doctor_asks_the_server_and_opens_the_directory_once_it_is_gone(gnomon_server: GnomonProcess) -> None:
    directory = ("--data-dir", str(gnomon_server.data_dir))

    online = run_gnomon("doctor", "--url", gnomon_server.url)
    gnomon_server.stop()
    offline = run_gnomon("doctor", *directory, env={"GNOMON_PORT": str(gnomon_server.port)})

    assert online.returncode == 0, online.stderr
    assert f"running at {gnomon_server.url}" in online.stdout
    assert offline.returncode == 0, offline.stderr
    assert "not running" in offline.stdout
    for report in (online.stdout, offline.stdout):
        assert "trace_summaries" in report
        assert "0 set aside" in report
    assert "Journal: 0 segments" in offline.stdout


def test_health_answers_quickly_while_many_ask(gnomon_server: GnomonProcess) -> None:
    durations: list[float] = []

    def ask() -> None:
        with httpx.Client(trust_env=False) as client:
            for path in ("live", "ready", "startup", "detail"):
                began = time.monotonic()
                assert client.get(f"{gnomon_server.url}/health/{path}").is_success
                durations.append(time.monotonic() - began)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(durations) == 16
    assert sorted(durations)[8] < 0.5
