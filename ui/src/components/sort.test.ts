import { expect, it } from "vitest";
import { nextSort, sortRows } from "./sort";

it("puts missing values last in either direction", () => {
  const rows = [{ v: 2 }, { v: null }, { v: 10 }, { v: Number.NaN }, { v: 1 }];
  expect(sortRows(rows, (row) => row.v, false).map((row) => row.v)).toEqual([1, 2, 10, null, Number.NaN]);
  expect(sortRows(rows, (row) => row.v, true).map((row) => row.v)).toEqual([10, 2, 1, null, Number.NaN]);
});

it("sorts words as people do", () => {
  expect(sortRows(["worker-10", "worker-9", "Gateway"], (name) => name, false)).toEqual(["Gateway", "worker-9", "worker-10"]);
});

it("starts numbers with the largest, words with A, and turns round on the second click", () => {
  expect(nextSort(null, "rate", true)).toEqual({ key: "rate", descending: true });
  expect(nextSort({ key: "rate", descending: true }, "rate", true)).toEqual({ key: "rate", descending: false });
  expect(nextSort({ key: "rate", descending: true }, "name", false)).toEqual({ key: "name", descending: false });
});
