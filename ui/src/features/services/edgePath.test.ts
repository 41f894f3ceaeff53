import { expect, it } from "vitest";
import { edgePath } from "./edgePath";

it("is a curve with its figures half-way", () => {
  expect(edgePath({ x: 0, y: 0 }, [], { x: 100, y: 50 })).toEqual({ path: "M0 0C50 0 50 50 100 50", label: { x: 50, y: 25 } });
});

it("is straight between what stands level", () => {
  expect(edgePath({ x: 0, y: 0 }, [], { x: 100, y: 0 }).path).toBe("M0 0L100 0");
});

it("runs level where it passes nodes", () => {
  const { path, label } = edgePath({ x: 0, y: 0 }, [{ x: 100, y: 40 }], { x: 400, y: 0 });
  expect(path).toContain("100 40L288 40");
  expect(label).toEqual({ x: 194, y: 40 });
});

it("goes round below when it leads back", () => {
  const { label } = edgePath({ x: 400, y: 0 }, [], { x: 0, y: 0 });
  expect(label.x).toBe(200);
  expect(label.y).toBeGreaterThan(60);
});
