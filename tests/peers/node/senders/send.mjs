// Send one trace by OTLP/HTTP and one by OTLP/gRPC, one log record by OTLP/HTTP in JSON, and one by pino-loki:
//   node send.mjs OTLP_HTTP_URL OTLP_GRPC_ADDRESS MAIN_URL
import { once } from "node:events";

import { context, trace } from "@opentelemetry/api";
import { SeverityNumber } from "@opentelemetry/api-logs";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPTraceExporter as GrpcTraceExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import { OTLPTraceExporter as HttpTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import { BasicTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import pino from "pino";
import { pinoLoki } from "pino-loki";

const [otlpHttpUrl, otlpGrpcAddress, mainUrl] = process.argv.slice(2);

async function sendTrace(service, exporter) {
  const resource = resourceFromAttributes({ "service.name": service });
  const provider = new BasicTracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const tracer = provider.getTracer("senders");
  const parent = tracer.startSpan("order");
  const child = tracer.startSpan("charge", { attributes: { "order.items": 3 } }, trace.setSpan(context.active(), parent));
  child.recordException(new Error("card declined"));
  child.end();
  parent.end();
  await provider.shutdown();
}


async function sendLog() {
  const resource = resourceFromAttributes({ "service.name": "node-logs" });
  const exporter = new OTLPLogExporter({ url: `${otlpHttpUrl}/v1/logs` });
  const provider = new LoggerProvider({ resource, processors: [new SimpleLogRecordProcessor({ exporter })] });
  const logger = provider.getLogger("senders");
  logger.emit({ severityNumber: SeverityNumber.WARN, severityText: "WARN", body: "stock runs low", attributes: { sku: "a-1" } });
  await provider.forceFlush();
  await provider.shutdown();
}

async function sendPino() {
  const toLoki = pinoLoki({ host: mainUrl, labels: { service_name: "node-pino" }, batching: false, silenceErrors: false });
  pino(toLoki).error({ order: 42 }, "payment refused");
  toLoki.end();
  await once(toLoki, "close");
}

await sendTrace("node-http", new HttpTraceExporter({ url: `${otlpHttpUrl}/v1/traces` }));
await sendTrace("node-grpc", new GrpcTraceExporter({ url: `http://${otlpGrpcAddress}` }));
await sendLog();
await sendPino();
