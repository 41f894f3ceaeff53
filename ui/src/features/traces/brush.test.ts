import { expect, it } from "vitest";
import { brushParams, brushText, countBrushed, parseBrush } from "./brush";

it("goes through the address and back", () => {
  for (const text of ["1000-2000", "1000-2000_5-70", "1000-2000_5-"]) {
    const brush = parseBrush(text);
    expect(brush && brushText(brush)).toBe(text);
  }
});

it("is nothing where the address holds none", () => {
  for (const text of ["", "x", "2000-1000", "1000-2000_70-5"]) expect(parseBrush(text)).toBeNull();
});

it("is written for the API, without limits that are none", () => {
  expect(brushParams({ startMs: 0, endMs: 1000, minValue: 0, maxValue: Infinity })).toEqual({
    brush_from: "1970-01-01T00:00:00Z",
    brush_to: "1970-01-01T00:00:01Z",
    min_duration: "",
    max_duration: "",
  });
});

it("counts the points within", () => {
  const points = { start_ms: [1, 5, 9], duration_ns: [10, 20, 30] };
  expect(countBrushed(points, { startMs: 4, endMs: 10, minValue: 0, maxValue: 25 })).toBe(1);
});
