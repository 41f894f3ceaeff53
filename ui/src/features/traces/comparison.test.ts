import { describe, expect, it } from "vitest";
import { isMarked, scaleOf } from "./comparison";

const side = (duration_ns: number, spans = 1, errors = 0) => ({ duration_ns, spans, errors, self_ns: 0, start_offset_ns: 0, first_span_id: "" });

describe("isMarked", () => {
  it("marks what only one side has", () => {
    expect(isMarked({ left: null, right: side(1), change_ns: 1 })).toBe(true);
  });

  it("marks other counts and errors", () => {
    expect(isMarked({ left: side(1, 1), right: side(1, 2), change_ns: 0 })).toBe(true);
    expect(isMarked({ left: side(1), right: side(1, 1, 1), change_ns: 0 })).toBe(true);
  });

  it("marks time from a fifth and a millisecond on", () => {
    expect(isMarked({ left: side(10e6), right: side(13e6), change_ns: 3e6 })).toBe(true);
    expect(isMarked({ left: side(10e6), right: side(11e6), change_ns: 1e6 })).toBe(false);
    expect(isMarked({ left: side(1e3), right: side(9e3), change_ns: 8e3 })).toBe(false);
  });
});

it("measures by the longest side", () => {
  expect(scaleOf([{ left: side(5), right: null }, { left: side(1), right: side(9) }])).toBe(9);
  expect(scaleOf([])).toBe(1);
});
