import { useMemo } from "react";
import { useApi } from "../../api/queries";
import { makeCatalog, type Metadata, type Metric, type TsdbStatus } from "./metricCatalog";

/** As many as the server lists with their number of series. */
const COUNTED = 10_000;

export interface MetricCatalog {
  metrics: readonly Metric[] | null;
  error: Error | null;
  retry: () => void;
}

/** Fetch which metrics there are. */
export function useMetricCatalog(enabled = true): MetricCatalog {
  const names = useApi<{ data: readonly string[] }>("/api/v1/label/__name__/values", {}, { enabled, refresh: true });
  const metadata = useApi<{ data: Record<string, readonly Metadata[]> }>("/api/v1/metadata", {}, { enabled });
  const status = useApi<TsdbStatus>("/api/v1/status/tsdb", { limit: COUNTED }, { enabled });
  const list = names.data?.data;
  const described = metadata.data?.data;
  const counts = status.data?.data.seriesCountByMetricName;
  const metrics = useMemo(() => (list ? makeCatalog(list, described ?? {}, counts ?? []) : null), [list, described, counts]);
  return { metrics, error: names.error, retry: () => void names.refetch() };
}
