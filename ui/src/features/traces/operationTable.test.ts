import { expect, it } from "vitest";
import { sumUp } from "./operationTable";

const trace = {
  services: ["gateway", "worker"],
  names: ["GET /", "run"],
  spans: {
    span_id: ["a", "b", "c"],
    service: [0, 1, 1],
    name: [0, 1, 1],
    status: [0, 2, 0],
    duration_ns: [100, 30, 60],
    self_ns: [10, 30, 60],
  },
} as unknown as Parameters<typeof sumUp>[0];

it("sums up by operation, the most own time first", () => {
  expect(sumUp(trace, "operation")).toEqual([
    { key: "3", service: "worker", name: "run", spans: 2, errors: 1, totalNs: 90, selfNs: 90, maxNs: 60, span: 2 },
    { key: "0", service: "gateway", name: "GET /", spans: 1, errors: 0, totalNs: 100, selfNs: 10, maxNs: 100, span: 0 },
  ]);
});

it("sums up by service", () => {
  expect(sumUp(trace, "service").map(({ service, name, spans }) => [service, name, spans])).toEqual([
    ["worker", "", 2],
    ["gateway", "", 1],
  ]);
});
