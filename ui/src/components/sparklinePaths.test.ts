import { expect, it } from "vitest";
import { sparklinePaths } from "./sparklinePaths";

it("leaves a gap where nothing is known", () => {
  const { line } = sparklinePaths([1, 2, null, 3, 4], 44, 20);
  expect(line.match(/M/g)).toHaveLength(2);
});

it("starts at zero and shows a lone point as a dash", () => {
  const { line, last } = sparklinePaths([null, 5, null], 44, 20);
  expect(line).toBe("M21 2L23 2");
  expect(last).toEqual({ x: 22, y: 2 });
});

it("draws zeros at the bottom and nothing for nothing", () => {
  expect(sparklinePaths([0, 0], 44, 20).line).toBe("M2 18L42 18");
  expect(sparklinePaths([null, Number.NaN], 44, 20)).toEqual({ line: "", area: "", last: null });
});
