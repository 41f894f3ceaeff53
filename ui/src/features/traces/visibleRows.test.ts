import { describe, expect, it } from "vitest";
import { foldingText, isFolded, layOutRows, NOTHING_FOLDED, parseFolding, toggleFold, unfoldTo } from "./visibleRows";

// a ─ b ─ c
//       └ d
//   └ e
const tree = {
  span_id: ["a0000000", "b0000000", "c0000000", "d0000000", "e0000000"],
  parent: [-1, 0, 1, 1, 0],
  descendants: [4, 2, 0, 0, 0],
};

describe("layOutRows", () => {
  it("gives every span a row when nothing is closed", () => {
    expect([...layOutRows(tree, () => false).spans]).toEqual([0, 1, 2, 3, 4]);
  });

  it("leaves out what is below a closed span, and maps it to the span's row", () => {
    const { spans, rowOf } = layOutRows(tree, (span) => span === 1);
    expect([...spans]).toEqual([0, 1, 4]);
    expect([...rowOf]).toEqual([0, 1, 1, 1, 2]);
  });

  it("keeps a closed leaf's sibling", () => {
    expect([...layOutRows(tree, (span) => span === 2).spans]).toEqual([0, 1, 2, 3, 4]);
  });
});

describe("folding", () => {
  it("goes through the address and back", () => {
    for (const text of ["", "all", "all.b0000000", "b0000000.e0000000"]) expect(foldingText(parseFolding(text))).toBe(text);
  });

  it("toggles one span", () => {
    const folded = toggleFold(NOTHING_FOLDED, "b0000000");
    expect(isFolded(folded, "b0000000")).toBe(true);
    expect(isFolded(folded, "a0000000")).toBe(false);
    expect(isFolded(toggleFold(folded, "b0000000"), "b0000000")).toBe(false);
  });

  it("unfolds the ancestors of a span, whether all or some are folded", () => {
    for (const folding of [parseFolding("all"), parseFolding("a0000000.b0000000")]) {
      const opened = unfoldTo(folding, tree, 2);
      expect(isFolded(opened, "a0000000")).toBe(false);
      expect(isFolded(opened, "b0000000")).toBe(false);
    }
    expect(isFolded(unfoldTo(parseFolding("all"), tree, 2), "e0000000")).toBe(true);
  });
});
