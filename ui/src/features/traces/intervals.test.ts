import { describe, expect, it } from "vitest";
import { childrenOf, ownIntervals, waitBefore } from "./intervals";

const tree = {
  parent: [-1, 0, 1, 0, 0],
  descendants: [4, 1, 0, 0, 0],
  start_ns: [0, 10, 12, 30, 120],
  duration_ns: [100, 30, 5, 20, 10],
};

describe("childrenOf", () => {
  it("skips grandchildren", () => {
    expect(childrenOf(tree, 0)).toEqual([1, 3, 4]);
    expect(childrenOf(tree, 2)).toEqual([]);
  });
});

describe("ownIntervals", () => {
  it("leaves out the union of the children, clipped to the span", () => {
    expect(ownIntervals(tree, 0)).toEqual([
      [0, 10],
      [50, 100],
    ]);
  });

  it("is all of a span without children", () => {
    expect(ownIntervals(tree, 2)).toEqual([[12, 17]]);
  });

  it("leaves out what is shorter than the resolution", () => {
    expect(ownIntervals(tree, 0, 10)).toEqual([[50, 100]]);
  });

  it("is nothing where children cover the span", () => {
    expect(ownIntervals({ parent: [-1, 0], descendants: [1, 0], start_ns: [0, 0], duration_ns: [10, 10] }, 0)).toEqual([]);
  });
});

describe("waitBefore", () => {
  it("tells how long a span lay in the queue after its parent ended", () => {
    expect(waitBefore(tree, 4)).toEqual([100, 120]);
  });

  it("is null for a root and for a span that began while its parent ran", () => {
    expect(waitBefore(tree, 0)).toBeNull();
    expect(waitBefore(tree, 3)).toBeNull();
  });
});
