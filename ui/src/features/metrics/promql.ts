/** The answers of the Prometheus HTTP API, read into arrays of numbers. */

export type LabelSet = Readonly<Record<string, string>>;

/** A native histogram's buckets: `[boundary rule, lower, upper, count]`. */
export type Bucket = readonly [number, number, number, number];

export interface Histogram {
  count: number;
  sum: number;
  buckets: readonly Bucket[];
}

export interface PromSeries {
  labels: LabelSet;
  /** Unix milliseconds, ascending. */
  timesMs: readonly number[];
  values: readonly number[];
  histograms?: { timesMs: readonly number[]; values: readonly Histogram[] };
}

export interface QueryStats {
  samples: number | null;
  peakSamples: number | null;
  /** How long the server worked, in seconds. */
  serverS: number | null;
  /** Whatever else the server says about how it answered, in its own words. */
  notes: readonly string[];
}

export interface PromResult {
  kind: "matrix" | "vector" | "scalar" | "string";
  series: readonly PromSeries[];
  warnings: readonly string[];
  infos: readonly string[];
  stats: QueryStats;
}

type RawSample = readonly [number, string];

interface RawHistogram {
  count: string;
  sum: string;
  buckets?: readonly (readonly [number, string, string, string])[];
}

interface RawSeries {
  metric?: Record<string, string>;
  values?: readonly RawSample[];
  value?: RawSample;
  histograms?: readonly (readonly [number, RawHistogram])[];
  histogram?: readonly [number, RawHistogram];
}

/** What `/api/v1/query` and `/api/v1/query_range` answer. */
export interface PromAnswer {
  data: {
    resultType: PromResult["kind"];
    result: readonly RawSeries[] | RawSample;
    stats?: {
      timings?: Record<string, number>;
      samples?: Record<string, unknown>;
      [more: string]: unknown;
    };
  };
  warnings?: readonly string[];
  infos?: readonly string[];
}

/** Read a sample value, which JSON carries as text: `1.5`, `NaN`, `+Inf`. */
export function sampleValue(text: string): number {
  if (text === "+Inf" || text === "Inf") return Infinity;
  return text === "-Inf" ? -Infinity : Number(text);
}

const readHistogram = ({ count, sum, buckets }: RawHistogram): Histogram => ({
  count: sampleValue(count),
  sum: sampleValue(sum),
  buckets: (buckets ?? []).map(([rule, low, high, inside]) => [rule, sampleValue(low), sampleValue(high), sampleValue(inside)] as const),
});

function readSeries(raw: RawSeries): PromSeries {
  const samples = raw.values ?? (raw.value ? [raw.value] : []);
  const histograms = raw.histograms ?? (raw.histogram ? [raw.histogram] : []);
  return {
    labels: raw.metric ?? {},
    timesMs: samples.map(([seconds]) => Math.round(seconds * 1e3)),
    values: samples.map(([, text]) => sampleValue(text)),
    ...(histograms.length > 0
      ? {
          histograms: {
            timesMs: histograms.map(([seconds]) => Math.round(seconds * 1e3)),
            values: histograms.map(([, histogram]) => readHistogram(histogram)),
          },
        }
      : {}),
  };
}

/** Read an answer; a scalar becomes one series without labels. */
export function readAnswer({ data, warnings = [], infos = [] }: PromAnswer): PromResult {
  const { resultType: kind, result } = data;
  const series =
    kind === "scalar" || kind === "string" ? [readSeries({ value: result as RawSample })] : (result as readonly RawSeries[]).map(readSeries);
  return { kind, series, warnings, infos, stats: readStats(data.stats) };
}

function readStats(stats: PromAnswer["data"]["stats"]): QueryStats {
  const number = (value: unknown) => (typeof value === "number" ? value : null);
  const samples = stats?.samples ?? {};
  const known = new Set(["timings", "samples"]);
  const notes = Object.entries(stats ?? {}).flatMap(([key, value]) => {
    if (known.has(key) || value === false || value === null || value === undefined || value === 0) return [];
    const name = key.replaceAll("_", " ");
    return [value === true ? name : `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`];
  });
  return {
    samples: number(samples.totalQueryableSamples),
    peakSamples: number(samples.peakSamples),
    serverS: number(stats?.timings?.execTotalTime) ?? number(stats?.timings?.evalTotalTime),
    notes,
  };
}
