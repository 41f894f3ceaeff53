import { describe, expect, it } from "vitest";
import { asksServer, findSpans, indexesOf, nextMatch } from "./findSpans";

const trace = {
  services: ["gateway", "tool-executor"],
  names: ["GET /answer", "search files"],
  spans: { span_id: ["00aa11bb", "ffee0011", "12345678"], service: [0, 1, 1], name: [0, 1, 0] },
} as unknown as Parameters<typeof findSpans>[0];

describe("findSpans", () => {
  it("looks at service and name, ignoring case", () => {
    expect(findSpans(trace, "ANSWER")).toEqual([0, 2]);
    expect(findSpans(trace, "tool")).toEqual([1, 2]);
  });

  it("wants every word", () => {
    expect(findSpans(trace, "tool answer")).toEqual([2]);
  });

  it("finds ids by four digits and more", () => {
    expect(findSpans(trace, "ffee")).toEqual([1]);
    expect(findSpans(trace, "ff")).toEqual([]);
  });

  it("finds nothing for nothing", () => {
    expect(findSpans(trace, "  ")).toEqual([]);
  });
});

it("leaves conditions to the server", () => {
  expect(asksServer("http.status_code>=500")).toBe(true);
  expect(asksServer("GET /answer")).toBe(false);
});

it("finds the rows of ids", () => {
  expect(indexesOf(trace.spans.span_id, ["12345678", "00aa11bb", "unknown"])).toEqual([0, 2]);
});

it("goes round from match to match", () => {
  expect(nextMatch([2, 5], 2, 1)).toBe(5);
  expect(nextMatch([2, 5], 5, 1)).toBe(2);
  expect(nextMatch([2, 5], 2, -1)).toBe(5);
  expect(nextMatch([], 0, 1)).toBeNull();
});
