import { describe, expect, it } from "vitest";
import type { FacetResponse, FieldResponse } from "../../api/schema";
import { arrangeFacets } from "./arrangeFacets";
import { fieldsLike } from "./fieldsLike";

const facet = (field: string, counts: readonly number[], other = 0): FacetResponse => ({
  field,
  values: counts.map((count, index) => ({ value: `v${index}`, count, query: "", exclude: "" })),
  other,
});

describe("arrangeFacets", () => {
  const arranged = (...facets: FacetResponse[]) => arrangeFacets(facets, 100).telling.map(({ field }) => field);

  it("keeps what breaks the lines down, in order", () => {
    expect(arranged(facet("tenant", [60, 40]), facet("tool", [10]))).toEqual(["tenant", "tool"]);
  });

  it("puts where lines come from after what they are about", () => {
    expect(arranged(facet("process.pid", [60, 40]), facet("tenant", [60, 40]))).toEqual(["tenant", "process.pid"]);
  });

  it("puts aside what is the same on every line, and ids", () => {
    expect(arranged(facet("sdk", [100]), facet("task.id", [1, 1, 1], 97))).toEqual([]);
  });

  it("always keeps service and level", () => {
    expect(arranged(facet("service", [100]), facet("level", [100]))).toEqual(["service", "level"]);
  });
});

it("finds fields that begin with a part before those that hold it", () => {
  const field = (name: string, kind: FieldResponse["kind"], count: number | null): FieldResponse => ({ name, kind, description: "", count });
  const fields = [field("service", "built_in", null), field("resource.service.version", "resource", 9), field("serial", "attribute", 3), field("service.instance.id", "resource", 5)];
  expect(fieldsLike(fields, "ser").map(({ name }) => name)).toEqual(["service", "serial", "service.instance.id", "resource.service.version"]);
});
