import { describe, expect, it } from "vitest";
import type { RedTotals, ServiceHealth } from "../../api/schema";
import { failingSince, judge, judgeAll } from "./verdict";

const totals = (errors: number, spans = 100, p95 = 10e6): RedTotals => ({
  spans,
  errors,
  rate_per_s: 1,
  error_share: errors / spans,
  p50_ns: 1e6,
  p95_ns: p95,
  p99_ns: p95,
});

const service = (now: RedTotals, before: RedTotals | null, shares: (number | null)[] = []): ServiceHealth => ({
  service: "gateway",
  totals: now,
  before,
  rate_per_s: [],
  error_share: shares,
  p95_ns: [],
});

describe("a service", () => {
  it("fails at 5 %, or at 1 % when that is twice what it was", () => {
    expect(judge(service(totals(6), totals(6)))).toBe("failing");
    expect(judge(service(totals(30, 1000), totals(10, 1000)))).toBe("failing");
    expect(judge(service(totals(30, 1000), totals(25, 1000)))).toBe("fine");
    expect(judge(service(totals(30, 1000), null))).toBe("fine");
  });

  it("does not fail for two errors", () => {
    expect(judge(service(totals(2, 4), null))).toBe("fine");
  });

  it("is slower when its p95 grew by half and noticeably", () => {
    expect(judge(service(totals(0, 100, 200e6), totals(0, 100, 100e6)))).toBe("slower");
    expect(judge(service(totals(0, 100, 2e6), totals(0, 100, 1e6)))).toBe("fine");
    expect(judge(service(totals(0, 100, 200e6), null))).toBe("fine");
  });
});

describe("since when", () => {
  const steps = [0, 10, 20, 30, 40];
  const since = (shares: (number | null)[]) => failingSince(service(totals(9), null, shares), steps);

  it("is where the last run of failing steps began", () => {
    expect(since([0, 0.2, 0, 0.3, 0.4])).toBe(30);
    expect(since([0, 0.3, null, 0.4, 0.4])).toBe(10);
  });

  it("is before the range when it failed from the first step on", () => {
    expect(since([0.2, 0.2, 0.3, 0.3, 0.4])).toBeNull();
  });

  it("is the last failing step when it has recovered", () => {
    expect(since([0, 0, 0.5, 0, 0])).toBe(20);
  });
});

it("names what fails most first", () => {
  const verdict = judgeAll([service(totals(10), null), service(totals(50), null), service(totals(0), null)]);
  expect(verdict.state).toBe("failing");
  expect(verdict.failing.map(({ totals: { errors } }) => errors)).toEqual([50, 10]);
});
