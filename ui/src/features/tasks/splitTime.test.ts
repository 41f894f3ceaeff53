import { expect, it } from "vitest";
import { splitTime } from "./splitTime";

it("divides the whole, and no more than it", () => {
  const parts = splitTime({ duration_ns: 100, queue_wait_ns: 30, busy_ns: 50 });
  expect(parts?.map(({ kind, ns }) => [kind, ns])).toEqual([
    ["wait", 30],
    ["work", 50],
    ["wait", 20],
  ]);
  expect(splitTime({ duration_ns: 100, queue_wait_ns: 30, busy_ns: 500 })?.reduce((sum, { share }) => sum + share, 0)).toBe(1);
});

it("says nothing of what still runs", () => {
  expect(splitTime({ duration_ns: null, queue_wait_ns: 30, busy_ns: 50 })).toBeNull();
});
