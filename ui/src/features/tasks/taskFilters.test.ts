import { describe, expect, it } from "vitest";
import { filterDuration, filterParams, isFiltered, joinList, meets, NO_FILTERS, readFilters, splitList, toggled } from "./taskFilters";

describe("lists in the address", () => {
  it.each([[[]], [["a"]], [["a", "b,c", "d\\e"]]])("come back as they went: %j", (values) => {
    expect(splitList(joinList(values))).toEqual(values);
  });
});

describe("filters", () => {
  const filters = readFilters({ state: "failed,timed_out", q: "ledger", min: "2s", max: "soon", retried: "yes", parent: "p" });

  it("are sent as the API names them, without what cannot be read", () => {
    expect(filterParams(filters)).toMatchObject({ q: "ledger", state: ["failed", "timed_out"], type: [], parent: "p", min_duration: "2s", max_duration: "", retried: true });
  });

  it("take values on and off", () => {
    expect(toggled(filters, "state", "failed")).toEqual({ state: "timed_out" });
    expect(toggled(filters, "type", "a,b")).toEqual({ type: "a\\,b" });
  });

  it("are gone when all are dropped", () => {
    expect(isFiltered(filters)).toBe(true);
    expect(isFiltered(readFilters(NO_FILTERS))).toBe(false);
  });
});

describe("meets", () => {
  const task = {
    task_id: "t-1", type: "report", state: "executing", agent: "ada", tenant: "acme", queue: "q", priority: "high", session: "s", chain: "c", parent_id: "p",
    error_type: "", error_message: "", attempts: 1,
  };

  it("goes by every field", () => {
    expect(meets(task, readFilters({ type: "report,other", agent: "ada", q: "T-1", parent: "p" }))).toBe(true);
    expect(meets(task, readFilters({ type: "other" }))).toBe(false);
    expect(meets(task, readFilters({ q: "elsewhere" }))).toBe(false);
    expect(meets(task, readFilters({ retried: "yes" }))).toBe(false);
    expect(meets(task, readFilters({ session: "other" }))).toBe(false);
  });
});

it("writes durations that the server reads", () => {
  expect(filterDuration(1_778_279_410)).toBe("1s778ms");
  expect(filterDuration(178_000)).toBe("178us");
});
