import { useApi } from "../../api/queries";
import type { StatusResponse } from "../../api/schema";
import { reachable } from "../../components/connectSnippets";
import { Snippet } from "../../components/Copyable";
import { EmptyState } from "../../components/states";
import styles from "./NoMetrics.module.css";
import { useMetricCatalog } from "./useMetricCatalog";

const EXAMPLES: readonly { words: string; expression: string; needs: string }[] = [
  { words: "What is scraped, and whether it answers", expression: "up", needs: "up" },
  { words: "How busy each service is, by its spans", expression: "sum by (service_name) (rate(traces_span_metrics_calls_total[5m]))", needs: "traces_span_metrics_calls_total" },
  { words: "How busy the processors are", expression: 'sum by (mode) (rate(node_cpu_seconds_total{mode!="idle"}[5m]))', needs: "node_cpu_seconds_total" },
  { words: "What Gnomon itself takes in", expression: "sum by (signal) (rate(gnomon_ingest_items_total[5m]))", needs: "gnomon_ingest_items_total" },
];

/** Before a query is asked: what could be, or how metrics come in. */
export function NoMetrics({ onShow }: { onShow: (expression: string) => void }) {
  const { metrics } = useMetricCatalog();
  const status = useApi<StatusResponse>("/api/status");
  if (metrics?.length === 0) {
    const base = status.data ? reachable(status.data.endpoints.loki_push, window.location.hostname).replace(/\/loki\/.*$/, "") : window.location.origin;
    return (
      <EmptyState title="No metrics have come in yet">
        <p>Let a Prometheus, an agent or a collector write them here:</p>
        <Snippet text={`# prometheus.yml\nremote_write:\n  - url: ${base}/api/v1/write`} />
        <p>Or let Gnomon scrape, by a configuration in Prometheus&apos; own format that gnomon.yml names:</p>
        <Snippet text={"# gnomon.yml\nprometheus: prometheus.yml\n\n# prometheus.yml\nscrape_configs:\n  - job_name: app\n    static_configs:\n      - targets: [localhost:8000]"} />
        <p>OpenTelemetry SDKs send metrics the way they send traces. This page turns live with the first sample.</p>
      </EmptyState>
    );
  }
  const known = new Set(metrics?.map(({ name }) => name));
  const examples = EXAMPLES.filter(({ needs }) => known.has(needs));
  return (
    <div className={styles.hints}>
      <h2>Write a query, or choose a metric at the left</h2>
      <p className="quiet">Names and labels complete as you type; Enter runs the query, Shift-Enter begins a line.</p>
      {examples.length > 0 && (
        <ul>
          {examples.map(({ words, expression }) => (
            <li key={expression}>
              <button type="button" onClick={() => onShow(expression)}>
                <span>{words}</span>
                <code className="truncate">{expression}</code>
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
