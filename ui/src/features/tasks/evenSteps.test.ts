import { expect, it } from "vitest";
import { evenSteps } from "./evenSteps";

it("fills what is missing", () => {
  expect(evenSteps([1_000, 1_020], { startMs: 1_000, endMs: 1_035 }, 10)).toEqual([
    { ms: 1_000, index: 0 },
    { ms: 1_010, index: null },
    { ms: 1_020, index: 1 },
    { ms: 1_030, index: null },
  ]);
});
