import { describe, expect, it } from "vitest";
import { quoteValue, serviceLink, serviceLogsLink, serviceTracesLink, traceLink, traceLogsLink } from "./links";

describe("links", () => {
  it("write queries in the search language", () => {
    expect(serviceTracesLink("gateway", { operation: "GET /answer", errors: true }).search?.q).toBe(
      'service:gateway name:"GET /answer" status:error',
    );
    expect(serviceTracesLink("gateway", { slowest: true }).search?.sort).toBe("slowest");
    expect(serviceLogsLink("my service", "level>=warn").search?.q).toBe('service:"my service" level>=warn');
    expect(traceLogsLink("ab", "cd").search?.q).toBe("trace_id:ab span_id:cd");
    expect(serviceLink("a/b c").to).toBe("/services/a%2Fb%20c");
    expect(traceLink("ab", "cd")).toEqual({ to: "/traces/ab", search: { span: "cd" } });
  });

  it.each([
    ["a-b_c.d/e", "a-b_c.d/e"],
    ["-a", '"-a"'],
    ["or", '"or"'],
    ['say "hi"\\', '"say \\"hi\\"\\\\"'],
    ["a*", '"a*"'],
    ["", '""'],
  ])("quote %s where needed", (value, text) => {
    expect(quoteValue(value)).toBe(text);
  });
});
