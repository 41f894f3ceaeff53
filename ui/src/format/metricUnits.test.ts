import { expect, test } from "vitest";
import { guessUnit, METRIC_UNITS, metricFormat, toFormat } from "./metricUnits";

test("values are written in their unit", () => {
  const cases: [string, number, string][] = [
    ["seconds", 0.086, "86 ms"],
    ["bytes", 1536, "1.5 KiB"],
    ["bytes_per_second", 2048, "2 KiB/s"],
    ["share", 0.1234, "12.3 %"],
    ["percent", 12.34, "12.3 %"],
    ["bits_per_second", 1_200_000, "1.2 Mbit/s"],
    ["dollars", 0.0042, "$0.0042"],
    ["dollars", -1204, "−$1.2 k"],
    ["celsius", 41.27, "41.3 °C"],
    ["suffix:jobs", 3, "3 jobs"],
    ["prefix:#", 3, "#3"],
    ["yes_or_no", 1, "Yes"],
    ["nothing known", 1234, "1.23 k"],
  ];
  for (const [unit, value, written] of cases) expect(metricFormat(unit).write(value)).toBe(written);
});

test("fixed decimals are kept as they are asked for", () => {
  expect(metricFormat("number", 2).write(1234.5)).toBe("1,234.50");
  expect(metricFormat("share", 1).write(0.5)).toBe("50.0 %");
  expect(metricFormat("seconds", 3).write(0.0861)).toBe("0.086 s");
});

test("what is no number never appears as such", () => {
  for (const { id } of METRIC_UNITS) {
    expect(metricFormat(id).write(Number.NaN)).toBe("–");
    expect(metricFormat(id).write(null)).toBe("–");
    expect(metricFormat(id).write(Infinity)).toBe("∞");
    expect(metricFormat(id).write(-1.5)).not.toMatch(/NaN|undefined|Infinity/);
  }
});

test("the same unit is the same format, so that charts need not be built again", () => {
  expect(metricFormat("bytes")).toBe(metricFormat("bytes"));
  expect(toFormat("rate")).toBe(toFormat("rate"));
  expect(toFormat(metricFormat("bytes"))).toBe(metricFormat("bytes"));
});

test("units are guessed from names as Prometheus gives them", () => {
  const cases: [string, string][] = [
    ["process_resident_memory_bytes", "bytes"],
    ["rate(http_requests_total[5m])", "per_second"],
    ["rate(node_network_receive_bytes_total[5m])", "bytes_per_second"],
    ["histogram_quantile(0.9, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))", "seconds"],
    ["rate(process_cpu_seconds_total[1m])", "number"],
    ["rate(a_seconds_sum[1m]) / rate(a_seconds_count[1m])", "seconds"],
    ["node_memory_free_bytes / node_memory_total_bytes", "number"],
    ["up", "number"],
    ["rate(x[5m])", "per_second"],
  ];
  for (const [expression, unit] of cases) expect([expression, guessUnit(expression)]).toEqual([expression, unit]);
});
