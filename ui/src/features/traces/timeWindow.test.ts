import { expect, it } from "vitest";
import { parseWindow, rulerTicks, windowText } from "./timeWindow";

it("goes through the address and back", () => {
  expect(parseWindow(windowText({ startNs: 5, endNs: 70 }), 100)).toEqual({ startNs: 5, endNs: 70 });
});

it("is the whole trace where the address says nothing of use", () => {
  for (const text of ["", "x", "70-5", "5-5"]) expect(parseWindow(text, 100)).toEqual({ startNs: 0, endNs: 100 });
  expect(parseWindow("", 0)).toEqual({ startNs: 0, endNs: 1 });
});

it("falls on round moments", () => {
  expect(rulerTicks({ startNs: 0, endNs: 100 }, 5)).toEqual([0, 20, 40, 60, 80, 100]);
  expect(rulerTicks({ startNs: 7, endNs: 31 }, 4)).toEqual([10, 20, 30]);
});
