import { expect, test } from "vitest";
import { parseSearch, stringifySearch } from "../../app/location";
import { moveQuery, readQueries, selectorOf, showsMeasurements, starterQuery, writeQueries } from "./exploreState";

const query = (expression: string, legend = "", hidden = false) => ({ expression, legend, hidden });

test("queries stand in the address and are read from it again", () => {
  const queries = [query("up", "{{job}}"), query("rate(x[5m])", "", true), query("")];
  const address = stringifySearch(writeQueries(queries, { q4: "old", legend2: "old", view: "table" }));
  const read = readQueries(parseSearch(address));
  expect(read.map(({ expression, ...rest }) => ({ ...rest, expression: expression.trim() }))).toEqual(queries);
});

test("there is always a query to begin with", () => {
  expect(readQueries({})).toEqual([query("")]);
});

test("queries change places, not beyond the ends", () => {
  expect(moveQuery(["a", "b", "c"], 2, -1)).toEqual(["a", "c", "b"]);
  expect(moveQuery(["a", "b"], 0, -1)).toEqual(["a", "b"]);
});

test("a metric starts with a query that fits its type", () => {
  expect(starterQuery("http_requests_total", "counter")).toBe("rate(http_requests_total[5m])");
  expect(starterQuery("x_seconds_bucket", "histogram")).toBe("histogram_quantile(0.95, sum by (le) (rate(x_seconds_bucket[5m])))");
  expect(starterQuery("x_seconds", "histogram")).toBe("histogram_quantile(0.95, sum(rate(x_seconds[5m])))");
  expect(starterQuery("x_seconds_count", "histogram")).toBe("rate(x_seconds_count[5m])");
  expect(starterQuery("up", "gauge")).toBe("up");
  expect(selectorOf("http.requests")).toBe('{"http.requests"}');
});

test("exemplars are shown where their values belong", () => {
  expect(showsMeasurements("histogram_quantile(0.9, sum by (le) (rate(a_bucket[5m])))")).toBe(true);
  expect(showsMeasurements("rate(a_sum[5m]) / rate(a_count[5m])")).toBe(true);
  expect(showsMeasurements("rate(a_count[5m])")).toBe(false);
});
