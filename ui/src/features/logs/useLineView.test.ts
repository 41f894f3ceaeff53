import { expect, it } from "vitest";
import { readColumns, writeColumns } from "./useLineView";

it("keeps columns in the URL, names with commas included", () => {
  expect(readColumns("")).toEqual(["service"]);
  expect(writeColumns(["service"])).toBeUndefined();
  for (const columns of [["service", "task.id"], ["a,b", "c"], []]) expect(readColumns(writeColumns(columns) ?? "")).toEqual(columns);
});
