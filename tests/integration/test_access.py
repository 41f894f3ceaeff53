"""Keys and certificates on all three ports, with the senders' own libraries."""

import ssl
import subprocess
from pathlib import Path

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from tests.gnomon_process import GnomonProcess, run_gnomon
from tests.integration.conftest import LaunchGnomon

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def _request(number: int = 1) -> ExportTraceServiceRequest:
    span = Span(
        trace_id=number.to_bytes(16, "big"),
        span_id=b"12345678",
        name="work",
        start_time_unix_nano=1_800_000_000_000_000_000,
        end_time_unix_nano=1_800_000_000_100_000_000,
    )
    service = KeyValue(key="service.name", value=AnyValue(string_value="probe"))
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=Resource(attributes=[service]), scope_spans=[ScopeSpans(spans=[span])])]
    )


def _export_grpc(channel: grpc.Channel, token: str | None) -> ExportTraceServiceResponse:
    call = channel.unary_unary(
        EXPORT,
        request_serializer=ExportTraceServiceRequest.SerializeToString,
        response_deserializer=ExportTraceServiceResponse.FromString,
    )
    response: ExportTraceServiceResponse = call(
        _request(), metadata=(("authorization", f"Bearer {token}"),) if token else None, timeout=10
    )
    return response


def _create_key(server: GnomonProcess, scope: str) -> str:
    return run_gnomon("keys", "create", "--scope", scope, "--data-dir", str(server.data_dir)).stdout.strip()


@pytest.fixture
def guarded_server(launch_gnomon: LaunchGnomon) -> GnomonProcess:
    server = launch_gnomon("--set", "auth.required=true")
    _create_key(server, "admin")
    return server.start()


def test_ingest_over_grpc_needs_a_key_for_ingest(guarded_server: GnomonProcess) -> None:
    ingest, read = _create_key(guarded_server, "ingest"), _create_key(guarded_server, "read")
    with grpc.insecure_channel(guarded_server.otlp_grpc_address) as channel:
        with pytest.raises(grpc.RpcError) as nobody:
            _export_grpc(channel, None)
        with pytest.raises(grpc.RpcError) as reader:
            _export_grpc(channel, read)

        assert _export_grpc(channel, ingest) == ExportTraceServiceResponse()

    assert nobody.value.code() == grpc.StatusCode.UNAUTHENTICATED
    assert reader.value.code() == grpc.StatusCode.PERMISSION_DENIED
    assert "ingest" in str(nobody.value.details())


@pytest.mark.parametrize("port", ["main", "otlp"])
def test_ingest_over_http_needs_a_key_for_ingest_on_both_ports(guarded_server: GnomonProcess, port: str) -> None:
    url = (guarded_server.url if port == "main" else guarded_server.otlp_http_url) + "/v1/traces"
    ingest, read = _create_key(guarded_server, "ingest"), _create_key(guarded_server, "read")
    body = _request().SerializeToString()

    def send(token: str | None) -> int:
        headers = {"Content-Type": "application/x-protobuf"} | ({"Authorization": f"Bearer {token}"} if token else {})
        return httpx.post(url, content=body, headers=headers, trust_env=False).status_code

    assert (send(None), send(read), send(ingest)) == (401, 403, 200)


def _certify(certificate: Path, key: Path) -> None:
    """Write a new certificate for this machine."""
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "1",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout", str(key), "-out", str(certificate),
        ],
        check=True, capture_output=True,
    )  # fmt: skip


def test_with_a_certificate_all_three_ports_speak_tls(launch_gnomon: LaunchGnomon, tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    _certify(certificate, key)
    server = launch_gnomon("--set", f"tls.certificate={certificate}", "--set", f"tls.key={key}")
    server.scheme = "https"
    server.start()
    context = ssl.create_default_context(cafile=str(certificate))

    with httpx.Client(verify=context, trust_env=False) as client:
        status = client.get(f"{server.url}/api/status").json()
        sent = client.post(
            f"{server.otlp_http_url}/v1/traces",
            content=_request().SerializeToString(),
            headers={"Content-Type": "application/x-protobuf"},
        )
    credentials = grpc.ssl_channel_credentials(certificate.read_bytes())
    with grpc.secure_channel(server.otlp_grpc_address, credentials) as channel:
        assert _export_grpc(channel, None) == ExportTraceServiceResponse()
    assert sent.status_code == 200
    assert status["endpoints"]["ui"] == server.url
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{server.port}/api/status", trust_env=False)

    # Another certificate in the same files is shown after a reload; one that does not fit its key changes nothing.
    _certify(certificate, key)
    renewed = ssl.create_default_context(cafile=str(certificate))
    httpx.post(f"{server.url}/-/reload", verify=context, trust_env=False).raise_for_status()
    for url in (server.url, server.otlp_http_url):
        httpx.get(url, verify=renewed, trust_env=False)
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(url, verify=context, trust_env=False)
    with grpc.secure_channel(
        server.otlp_grpc_address, grpc.ssl_channel_credentials(certificate.read_bytes())
    ) as channel:
        assert _export_grpc(channel, None) == ExportTraceServiceResponse()
    shown = certificate.read_bytes()
    _certify(certificate, tmp_path / "other.pem")
    refused = httpx.post(f"{server.url}/-/reload", verify=renewed, trust_env=False)
    assert (refused.status_code, "belong together" in refused.text) == (400, True)
    certificate.write_bytes(shown)

    report = run_gnomon(
        "doctor", "--url", f"https://localhost:{server.port}",
        "--set", f"tls.certificate={certificate}", "--set", f"tls.key={key}",
    )  # fmt: skip
    assert report.returncode == 0, report.stderr
