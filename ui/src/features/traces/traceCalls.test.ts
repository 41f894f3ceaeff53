import { expect, it } from "vitest";
import { findCalls } from "./traceCalls";

it("counts spans whose parent is of another service, with errors and mean duration", () => {
  const trace = {
    services: ["gateway", "worker"],
    spans: {
      span_id: ["a", "b", "c", "d"],
      parent: [-1, 0, 0, 2],
      service: [0, 1, 1, 1],
      status: [0, 2, 0, 0],
      duration_ns: [100, 10, 30, 5],
    },
  } as unknown as Parameters<typeof findCalls>[0];
  expect(findCalls(trace)).toEqual([{ client: "gateway", server: "worker", calls: 2, errors: 1, meanNs: 20 }]);
});
