import { describe, expect, it } from "vitest";
import { parseTraceReference, shortId } from "./ids";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

describe("trace references", () => {
  it.each([
    [TRACE, { traceId: TRACE }],
    [` ${TRACE.toUpperCase()} `, { traceId: TRACE }],
    ["4bf92f35-77b3-4da6-a3ce-929d0e0e4736", { traceId: TRACE }],
    [`00-${TRACE}-${SPAN}-01`, { traceId: TRACE, spanId: SPAN }],
    [`traceparent: 00-${TRACE}-${SPAN}-01`, { traceId: TRACE, spanId: SPAN }],
    [`${TRACE}:${SPAN}:0:1`, { traceId: TRACE, spanId: SPAN }],
    ["5b8aa5a2d2c872e8:321bc0f1d:0:1", { traceId: "00000000000000005b8aa5a2d2c872e8", spanId: "0000000321bc0f1d" }],
  ])("are read from %s", (text, reference) => {
    expect(parseTraceReference(text)).toEqual(reference);
  });

  it.each(["", "gateway", TRACE.slice(1), `${TRACE}0`, "0".repeat(32), `00-${TRACE}-xyz-01`])("are not seen in %j", (text) => {
    expect(parseTraceReference(text)).toBeNull();
  });
});

describe("short ids", () => {
  it("keep both ends", () => {
    expect(shortId(TRACE)).toBe("4bf92f3…0e4736");
    expect(shortId("short")).toBe("short");
  });
});
