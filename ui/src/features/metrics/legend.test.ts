import { expect, test } from "vitest";
import { formatLegend, makeUnique, nameSeries, seriesText } from "./legend";

test("a series is written as PromQL selects it", () => {
  expect(seriesText({ __name__: "up", job: "a", instance: 'x"y' })).toBe('up{job="a", instance="x\\"y"}');
  expect(seriesText({ __name__: "http.requests", "service.name": "a" })).toBe('{"http.requests", "service.name"="a"}');
  expect(seriesText({ __name__: "up" })).toBe("up");
  expect(seriesText({})).toBe("{}");
});

test("labels are put into the legend", () => {
  expect(formatLegend("{{ job }} on {{instance}}{{missing}}", { job: "api", instance: "a:1" })).toBe("api on a:1");
});

test("without a format, series are told apart by the labels in which they differ", () => {
  const series = [
    { __name__: "up", job: "a", zone: "x" },
    { __name__: "up", job: "b", zone: "x" },
  ];
  expect(nameSeries(series, "", "up")).toEqual(['up{job="a"}', 'up{job="b"}']);
  expect(nameSeries(series.slice(0, 1), "", "up")).toEqual(['up{job="a", zone="x"}']);
  expect(nameSeries([{}], "", "sum(up)")).toEqual(["sum(up)"]);
});

test("no two series have the same name", () => {
  expect(nameSeries([{ a: "1" }, { a: "2" }, { a: "3" }], "same", "x")).toEqual(["same", "same (2)", "same (3)"]);
  expect(makeUnique(["a", "b", "a"])).toEqual(["a", "b", "a (2)"]);
});
