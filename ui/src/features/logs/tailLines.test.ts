import { expect, it } from "vitest";
import type { Line } from "./lineFields";
import { addBatches, NO_LINES, prepend, release, TAIL_LINES } from "./tailLines";

const lines = (count: number, from = 0) => Array.from({ length: count }, (_, index) => ({ id: String(from + index) }) as Line);
const ids = (shown: readonly Line[]) => shown.map(({ id }) => id);

it("shows what comes, and keeps no more than a bounded number of lines", () => {
  const tail = addBatches(NO_LINES, [{ lines: lines(TAIL_LINES), skipped: 0 }, { lines: lines(3, TAIL_LINES), skipped: 0 }], false);
  expect(tail.shown).toHaveLength(TAIL_LINES);
  expect(tail.shown[0]?.id).toBe("3");
  expect(tail.received).toBe(TAIL_LINES + 3);
});

it("holds lines back, counts them, and shows them in order when it is released", () => {
  const before = addBatches(NO_LINES, [{ lines: lines(2), skipped: 0 }], false);
  const held = addBatches(before, [{ lines: lines(2, 2), skipped: 0 }], true);
  expect(ids(held.shown)).toEqual(["0", "1"]);
  expect(held.held).toHaveLength(2);
  expect(ids(release(held).shown)).toEqual(["0", "1", "2", "3"]);
  expect(release(held).held).toEqual([]);
});

it("lets go of the oldest held lines, and says how many", () => {
  const held = addBatches(NO_LINES, [{ lines: lines(TAIL_LINES + 5), skipped: 0 }], true);
  expect(held.held).toHaveLength(TAIL_LINES);
  expect(held.letGo).toBe(5);
  expect(release(held).letGo).toBe(0);
});

it("counts what the server left out", () => {
  const tail = addBatches(NO_LINES, [{ lines: lines(2), skipped: 7 }], false);
  expect(tail.skipped).toBe(7);
  expect(tail.received).toBe(9);
});

it("puts earlier lines in front, each once", () => {
  const tail = addBatches(NO_LINES, [{ lines: lines(2, 3), skipped: 0 }], false);
  const whole = prepend(tail, lines(4));
  expect(ids(whole.shown)).toEqual(["0", "1", "2", "3", "4"]);
  expect(ids(addBatches(whole, [{ lines: [...lines(1, 2), ...lines(1, 5)], skipped: 0 }], false).shown)).toEqual(["0", "1", "2", "3", "4", "5"]);
});
