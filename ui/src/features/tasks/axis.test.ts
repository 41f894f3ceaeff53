import { expect, it } from "vitest";
import { axisOf, place, ticksOf } from "./axis";

it("holds all that happened, also what was told from before the start", () => {
  expect(axisOf([[0, 5e9], [-1e9, 2e9], [4e9, 4e9]])).toEqual({ startNs: -1e9, lengthNs: 9e9 });
  expect(axisOf([[0, 0]]).lengthNs).toBeGreaterThan(0);
});

it("has round ticks, not more than fit", () => {
  expect(ticksOf({ startNs: 0, lengthNs: 19e9 })).toEqual([0, 5e9, 10e9, 15e9]);
  expect(ticksOf({ startNs: 0, lengthNs: 86_400e9 }).length).toBeLessThanOrEqual(7);
});

it("cuts what lies outside", () => {
  expect(place({ startNs: 0, lengthNs: 10 }, 5, 20)).toEqual({ left: 0.5, width: 0.5 });
  expect(place({ startNs: 0, lengthNs: 10 }, -5, 10)).toEqual({ left: 0, width: 0.5 });
});
