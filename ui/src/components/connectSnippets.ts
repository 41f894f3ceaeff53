/** How to send to this Gnomon, ready to be pasted. */

import type { EndpointsResponse } from "../api/schema";

export interface ConnectSnippet {
  name: string;
  /** Where it goes. */
  where: string;
  text: string;
}

/** Replace an address that means "all interfaces" by the host that the browser reached. */
export function reachable(endpoint: string, hostname: string): string {
  const host = hostname.includes(":") && !hostname.startsWith("[") ? `[${hostname}]` : hostname;
  return endpoint.replace(/^((?:\w+:\/\/)?)(0\.0\.0\.0|\[::\])(?=[:/]|$)/, `$1${host}`);
}

/** Return snippets for the usual senders; `keysRequired` adds where the API key goes. */
export function connectSnippets(endpoints: EndpointsResponse, hostname: string, keysRequired: boolean): ConnectSnippet[] {
  const http = reachable(endpoints.otlp_http, hostname);
  const grpc = reachable(endpoints.otlp_grpc, hostname);
  const remoteWrite = reachable(endpoints.remote_write, hostname);
  const loki = reachable(endpoints.loki_push, hostname);
  const jsonl = reachable(endpoints.jsonl, hostname);
  const header = keysRequired ? `export OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20$GNOMON_KEY"\n` : "";
  const bearer = keysRequired ? ` \\\n  -H "Authorization: Bearer $GNOMON_KEY"` : "";
  const collectorHeader = keysRequired ? `\n    headers: { authorization: "Bearer \${env:GNOMON_KEY}" }` : "";
  const environment = `export OTEL_EXPORTER_OTLP_ENDPOINT=${http}\nexport OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n${header}export OTEL_SERVICE_NAME=my-service\n`;
  return [
    {
      name: "Any SDK",
      where: "Environment of the process",
      text: `${environment}export OTEL_TRACES_EXPORTER=otlp OTEL_LOGS_EXPORTER=otlp OTEL_METRICS_EXPORTER=otlp`,
    },
    {
      name: "Python",
      where: "Shell",
      text: `pip install opentelemetry-distro opentelemetry-exporter-otlp\nopentelemetry-bootstrap -a install\n${environment}export OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED=true\nopentelemetry-instrument python app.py`,
    },
    {
      name: "Node.js",
      where: "Shell",
      text: `npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node\n${environment}node --require @opentelemetry/auto-instrumentations-node/register app.js`,
    },
    {
      name: "Java",
      where: "Shell",
      text: `${environment}java -javaagent:opentelemetry-javaagent.jar -jar app.jar`,
    },
    {
      name: "Collector",
      where: "OpenTelemetry Collector configuration",
      text: `exporters:
  otlp_http/gnomon:
    endpoint: ${http}${collectorHeader}
service:
  pipelines:
    traces: { receivers: [otlp], exporters: [otlp_http/gnomon] }
    logs: { receivers: [otlp], exporters: [otlp_http/gnomon] }
    metrics: { receivers: [otlp], exporters: [otlp_http/gnomon] }`,
    },
    {
      name: "gRPC",
      where: "Environment of the process",
      text: `export OTEL_EXPORTER_OTLP_ENDPOINT=http://${grpc.replace(/^\w+:\/\//, "")}\nexport OTEL_EXPORTER_OTLP_PROTOCOL=grpc\n${header}export OTEL_SERVICE_NAME=my-service`,
    },
    {
      name: "Prometheus",
      where: "prometheus.yml; agents and vmagent take the same URL",
      text: `remote_write:
  - url: ${remoteWrite}${keysRequired ? `\n    authorization: { credentials: GNOMON_KEY } # the key itself, or a credentials_file` : ""}`,
    },
    {
      name: "Loki shippers",
      where: "Alloy configuration; Promtail's clients and Vector's loki sink take the same URL",
      text: `loki.write "gnomon" {
  endpoint {
    url = "${loki}"${keysRequired ? `\n    bearer_token = sys.env("GNOMON_KEY")` : ""}
  }
}`,
    },
    {
      name: "JSON Lines",
      where: "Shell",
      text: `curl ${jsonl}${bearer} \\
  -H "Content-Type: application/x-ndjson" \\
  --data-binary '{"service": "my-service", "level": "info", "message": "hello"}'`,
    },
  ];
}
