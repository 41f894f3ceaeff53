/** What completion asks of the server, with our requests, so that a login that ends is noticed. */

import type { PrometheusClient } from "@prometheus-io/codemirror-promql";
import { request } from "../../api/client";

const KEEP_MS = 30_000;
const LOOKBACK_S = 12 * 3_600;

const kept = new Map<string, { atMs: number; answer: Promise<unknown> }>();

/** Ask once in half a minute; a failure is no answer, and an editor must work without. */
function ask<T>(path: string, params: Record<string, string | readonly string[]>, otherwise: T): Promise<T> {
  const key = JSON.stringify([path, params]);
  const found = kept.get(key);
  if (found && Date.now() - found.atMs < KEEP_MS) return found.answer as Promise<T>;
  const answer = request<{ data: T }>(path, { params })
    .then(({ data }) => data)
    .catch(() => {
      kept.delete(key);
      return otherwise;
    });
  kept.set(key, { atMs: Date.now(), answer });
  return answer;
}

const recent = () => {
  const end = Math.ceil(Date.now() / 60_000) * 60;
  return { start: String(end - LOOKBACK_S), end: String(end) };
};

const selector = (metric: string) => (metric === "" ? "" : `{__name__=${JSON.stringify(metric)}}`);

export const metricsClient: PrometheusClient = {
  labelNames: (metric = "") => ask<string[]>("/api/v1/labels", { ...recent(), "match[]": selector(metric) }, []),
  labelValues: (label, metric = "") =>
    ask<string[]>(`/api/v1/label/${encodeURIComponent(label)}/values`, { ...recent(), "match[]": selector(metric) }, []),
  metricMetadata: () => ask("/api/v1/metadata", {}, {}),
  series: () => Promise.resolve([]),
  metricNames: () => ask<string[]>("/api/v1/label/__name__/values", recent(), []),
  flags: () => Promise.resolve({}),
};
