import { expect, test } from "vitest";
import { alignRange, chooseStep, promDuration, rateInterval, readStep } from "./steps";

test("a step is round and cuts the range into no more pieces than there is room for", () => {
  expect(chooseStep(3_600_000, 300)).toBe(15_000);
  expect(chooseStep(6 * 3_600_000, 300)).toBe(120_000);
  expect(chooseStep(7 * 86_400_000, 300)).toBe(3_600_000);
  expect(chooseStep(3_600_000, 300, 60_000)).toBe(60_000);
  expect(chooseStep(300_000, 300, 1_000)).toBe(1_000);
});

test("no step asks for more points than servers answer", () => {
  expect((30 * 86_400_000) / chooseStep(30 * 86_400_000, 100_000, 1)).toBeLessThanOrEqual(11_000);
});

test("ranges end on multiples of the step", () => {
  expect(alignRange({ startMs: 61_234, endMs: 3_601_234 }, 15_000)).toEqual({ startMs: 60_000, endMs: 3_600_000 });
});

test("steps are read as people write them", () => {
  expect([readStep("30s"), readStep("15"), readStep("1h30m"), readStep("0"), readStep("soon"), readStep("")]).toEqual([30_000, 15_000, 5_400_000, null, null, null]);
});

test("durations are written as PromQL reads them", () => {
  expect([promDuration(90_000), promDuration(120_000), promDuration(7_200_000), promDuration(1_500), promDuration(86_400_000)]).toEqual(["90s", "2m", "2h", "1500ms", "1d"]);
});

test("a rate sees four scrapes", () => {
  expect(rateInterval(15_000)).toBe(60_000);
  expect(rateInterval(300_000)).toBe(315_000);
});
