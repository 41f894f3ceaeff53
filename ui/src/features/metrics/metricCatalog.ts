/** What metrics there are: names, what they are, and how many series each has. */

export interface Metadata {
  type: string;
  help: string;
  unit: string;
}

export interface Metric {
  name: string;
  type: string;
  help: string;
  unit: string;
  /** Null where the server does not say: it lists those with the most. */
  series: number | null;
}

export interface NameValue {
  name: string;
  value: number;
}

/** What `/api/v1/status/tsdb` answers. */
export interface TsdbStatus {
  data: {
    headStats: { numSeries: number; numLabelPairs?: number };
    seriesCountByMetricName: readonly NameValue[];
    labelValueCountByLabelName: readonly NameValue[];
    memoryInBytesByLabelName?: readonly NameValue[];
    seriesCountByLabelValuePair: readonly NameValue[];
  };
}

/** Put together what three answers tell; the metadata of a histogram stands under its family's name. */
export function makeCatalog(names: readonly string[], metadata: Readonly<Record<string, readonly Metadata[]>>, counts: readonly NameValue[]): Metric[] {
  const series = new Map(counts.map(({ name, value }) => [name, value]));
  return names.map((name) => {
    const family = name.replace(/_(bucket|sum|count|total|created|info)$/, "");
    const found = metadata[name]?.[0] ?? metadata[family]?.[0];
    return {
      name,
      type: found && found.type !== "unknown" ? found.type : "",
      help: found?.help ?? "",
      unit: found?.unit ?? "",
      series: series.get(name) ?? null,
    };
  });
}

export type Order = "name" | "series";

/** Return the metrics that hold every word typed, in name or help; those with the word in their name first. */
export function searchMetrics(metrics: readonly Metric[], typed: string, type: string, order: Order): Metric[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const found = metrics.flatMap((metric) => {
    if (type !== "" && metric.type !== type) return [];
    const name = metric.name.toLowerCase();
    const help = metric.help.toLowerCase();
    if (!words.every((word) => name.includes(word) || help.includes(word))) return [];
    return [{ metric, inName: words.every((word) => name.includes(word)) }];
  });
  const bySeries = (a: Metric, b: Metric) => (b.series ?? -1) - (a.series ?? -1);
  found.sort((a, b) =>
    order === "series" ? bySeries(a.metric, b.metric) : Number(b.inName) - Number(a.inName) || a.metric.name.localeCompare(b.metric.name),
  );
  return found.map(({ metric }) => metric);
}

/** Count the values of each label over series, the most first. */
export function labelCounts(series: readonly Readonly<Record<string, string>>[]): { label: string; values: number; examples: string[] }[] {
  const values = new Map<string, Set<string>>();
  for (const labels of series) {
    for (const [label, value] of Object.entries(labels)) {
      if (label === "__name__") continue;
      const found = values.get(label) ?? new Set();
      found.add(value);
      values.set(label, found);
    }
  }
  return [...values]
    .map(([label, found]) => ({ label, values: found.size, examples: [...found].sort().slice(0, 50) }))
    .sort((a, b) => b.values - a.values || a.label.localeCompare(b.label));
}
