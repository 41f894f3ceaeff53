"""OTLP/gRPC: the three services on raw bytes, so that a request is parsed only to be checked or translated."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import structlog

from gnomon.ingest import rpc_status
from gnomon.ingest.otlp_http import LOGS, METRICS, TRACES, OtlpReceiver, Signal
from gnomon.ingest.settings import IngestSettings
from gnomon.model.errors import GnomonError

log = structlog.get_logger(__name__)

Authorize = Callable[[Mapping[str, str]], Awaitable[None]]

_PROTOCOL = "otlp_grpc"
_SERVICES = {
    "opentelemetry.proto.collector.trace.v1.TraceService": TRACES,
    "opentelemetry.proto.collector.logs.v1.LogsService": LOGS,
    "opentelemetry.proto.collector.metrics.v1.MetricsService": METRICS,
}
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_DRAIN_S = 10.0

_Context = grpc.aio.ServicerContext[bytes, bytes]


@dataclass(frozen=True, slots=True)
class GrpcListener:
    """Where to listen; port 0 takes any free one. With both files set it speaks TLS."""

    host: str = "127.0.0.1"
    port: int = 4317
    tls_certificate: Path | None = None
    tls_key: Path | None = None


class OtlpGrpcServer:
    """Serve OTLP/gRPC (a Service). `port` tells where, once started."""

    def __init__(
        self,
        receiver: OtlpReceiver,
        settings: IngestSettings,
        listener: GrpcListener,
        authorize: Authorize | None = None,
    ) -> None:
        """Accept into `receiver`; `authorize` gets a call's metadata and raises AccessDeniedError to turn it away."""
        self._receiver = receiver
        self._settings = settings
        self._listener = listener
        self._authorize = authorize
        self._server: grpc.aio.Server | None = None
        self._certificate: Any = None
        self.port = listener.port

    async def start(self) -> None:
        """Listen; raises OSError when the address cannot be bound."""
        limit = self._settings.max_body_bytes
        server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", limit),
                ("grpc.so_reuseport", 0),
                ("grpc.http2.max_pings_without_data", 0),
            ],
            compression=grpc.Compression.NoCompression,
        )
        for service, signal in _SERVICES.items():
            handler = grpc.unary_unary_rpc_method_handler(self._export(signal))
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": handler}),))
        self.port = self._bind(server)
        await server.start()
        self._server = server

    async def stop(self) -> None:
        """Take no more calls and finish those under way."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop(_DRAIN_S)

    def reload_certificate(self) -> None:
        """Show the certificate that is in the files now to whoever connects from now on."""
        if self._listener.tls_certificate and self._listener.tls_key:
            pair = (self._listener.tls_key.read_bytes(), self._listener.tls_certificate.read_bytes())
            self._certificate = grpc.ssl_server_certificate_configuration([pair])

    def _bind(self, server: grpc.aio.Server) -> int:
        host = f"[{self._listener.host}]" if ":" in self._listener.host else self._listener.host
        address = f"{host}:{self._listener.port}"
        try:
            if self._listener.tls_certificate and self._listener.tls_key:
                self.reload_certificate()
                credentials = grpc.dynamic_ssl_server_credentials(self._certificate, lambda: self._certificate)
                return server.add_secure_port(address, credentials)
            return server.add_insecure_port(address)
        except RuntimeError as error:
            message = f"OTLP/gRPC cannot listen on {address}: {error}. Is the port in use? Set otlp_grpc_port."
            raise OSError(message) from error

    def _export(self, signal: Signal) -> Callable[[bytes, _Context], Awaitable[bytes]]:
        async def export(body: bytes, context: _Context) -> bytes:
            try:
                if self._authorize is not None:
                    await self._authorize(_text_metadata(context))
                accepted = await self._receiver.accept(signal, body, protocol=_PROTOCOL)
            except GnomonError as error:
                return await _abort(context, error)
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("request failed", signal=signal.name)
                await context.abort(
                    grpc.StatusCode.INTERNAL, "The request could not be stored; the server's log says why."
                )
            return signal.respond(accepted).SerializeToString()

        return export


async def _abort(context: _Context, error: GnomonError) -> bytes:
    status = rpc_status.to_status(error)
    details = (("grpc-status-details-bin", status.SerializeToString()),)
    await context.abort(_CODES[status.code], status.message, trailing_metadata=details)


def _text_metadata(context: _Context) -> dict[str, str]:
    pairs = context.invocation_metadata() or ()
    return {key: value if isinstance(value, str) else value.decode("latin-1") for key, value in pairs}
