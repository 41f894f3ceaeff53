import { expect, it } from "vitest";
import { matchScore } from "./match";

it("ranks whole, start, word, part and scattered letters in that order", () => {
  const scores = ["traces", "traces-api", "my-traces", "subtraces", "t-r-a-c-e-s", "logs"].map((name) => matchScore("traces", name));
  expect(scores).toEqual([5, 4, 3, 2, 1, 0]);
});
