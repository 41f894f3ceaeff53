"""A real Jaeger, and the OpenTelemetry Collector that the same program contains."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from tests.peers.installation import JAEGER
from tests.peers.processes import free_ports, running

Storage = Literal["memory", "badger", "badger-synced"]


@dataclass(frozen=True, slots=True)
class Jaeger:
    """Tell where a running Jaeger listens."""

    pid: int
    query_url: str
    otlp_http_url: str
    otlp_grpc_target: str


@dataclass(frozen=True, slots=True)
class Collector:
    """Tell where a running Collector listens."""

    pid: int
    otlp_http_url: str
    otlp_grpc_target: str


@contextmanager
def jaeger_running(folder: Path, storage: Storage = "memory") -> Iterator[Jaeger]:
    """Run Jaeger with its files in `folder`; `badger-synced` syncs each write to disk."""
    otlp_grpc, otlp_http, query_http, query_grpc, health = free_ports(5)
    config = {
        "extensions": {
            "healthcheckv2": _health(health),
            "jaeger_storage": {"backends": {"main": _backend(folder, storage)}},
            "jaeger_query": {
                "storage": {"traces": "main"},
                "enable_tracing": False,
                "http": {"endpoint": f"127.0.0.1:{query_http}"},
                "grpc": {"endpoint": f"127.0.0.1:{query_grpc}"},
            },
        },
        "receivers": _otlp_receiver(otlp_grpc, otlp_http),
        "exporters": {"jaeger_storage_exporter": {"trace_storage": "main"}},
        "service": {
            "extensions": ["healthcheckv2", "jaeger_storage", "jaeger_query"],
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["jaeger_storage_exporter"]}},
            "telemetry": _QUIET,
        },
    }
    with _program_running(folder, "jaeger", config, health) as pid:
        yield Jaeger(
            pid=pid,
            query_url=f"http://127.0.0.1:{query_http}",
            otlp_http_url=f"http://127.0.0.1:{otlp_http}",
            otlp_grpc_target=f"127.0.0.1:{otlp_grpc}",
        )


@contextmanager
def collector_running(
    folder: Path, *, export_url: str, signals: tuple[str, ...] = ("traces", "logs")
) -> Iterator[Collector]:
    """Run a Collector that hands what it receives to the OTLP/HTTP endpoint `export_url`."""
    otlp_grpc, otlp_http, health = free_ports(3)
    config = {
        "extensions": {"healthcheckv2": _health(health)},
        "receivers": _otlp_receiver(otlp_grpc, otlp_http),
        "processors": {"batch": {"timeout": "100ms"}},
        "exporters": {"otlphttp": {"endpoint": export_url}},
        "service": {
            "extensions": ["healthcheckv2"],
            "pipelines": {
                signal: {"receivers": ["otlp"], "processors": ["batch"], "exporters": ["otlphttp"]}
                for signal in signals
            },
            "telemetry": _QUIET,
        },
    }
    with _program_running(folder, "collector", config, health) as pid:
        yield Collector(pid, otlp_http_url=f"http://127.0.0.1:{otlp_http}", otlp_grpc_target=f"127.0.0.1:{otlp_grpc}")


_QUIET = {"logs": {"level": "warn"}, "metrics": {"level": "none"}}


@contextmanager
def _program_running(folder: Path, name: str, config: dict[str, Any], health_port: int) -> Iterator[int]:
    folder.mkdir(parents=True, exist_ok=True)
    config_file = folder / f"{name}.yaml"
    config_file.write_text(yaml.safe_dump(config), encoding="utf-8")
    command: list[str | Path] = [JAEGER.install(), "--config", config_file]
    with running(command, log=folder / f"{name}.log", ready_url=f"http://127.0.0.1:{health_port}/status") as pid:
        yield pid


def _health(port: int) -> dict[str, Any]:
    return {"use_v2": True, "http": {"endpoint": f"127.0.0.1:{port}"}}


def _otlp_receiver(grpc_port: int, http_port: int) -> dict[str, Any]:
    # As large a request as Gnomon takes, so that both are given the same.
    return {
        "otlp": {
            "protocols": {
                "grpc": {"endpoint": f"127.0.0.1:{grpc_port}", "max_recv_msg_size_mib": 64},
                "http": {"endpoint": f"127.0.0.1:{http_port}", "max_request_body_size": 64 * 1024 * 1024},
            }
        }
    }


def _backend(folder: Path, storage: Storage) -> dict[str, Any]:
    if storage == "memory":
        return {"memory": {"max_traces": 1_000_000}}
    return {
        "badger": {
            "ephemeral": False,
            "consistency": storage == "badger-synced",
            "directories": {"keys": str(folder / "keys"), "values": str(folder / "values")},
            "ttl": {"spans": "48h"},
        }
    }
