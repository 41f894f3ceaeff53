import { expect, it } from "vitest";
import { describeChange } from "./describeChange";

const change = (kind: string, rest: Partial<Parameters<typeof describeChange>[0]> = {}) =>
  describeChange({ kind, service: "router", name: "", before: "", after: "", at_ns: null, ...rest });

it("says each change in words", () => {
  expect(change("new_service")).toBe("New service router");
  expect(change("new_version", { before: "1.2", after: "1.3" })).toBe("New version of router: 1.2 → 1.3");
  expect(change("more_errors", { name: "pick", before: "0 %", after: "12 %" })).toBe("More errors in router pick: 0 % → 12 %");
  expect(change("gone_service", { before: "3 /s" })).toBe("router sends no more");
  expect(change("something_else", { after: "x" })).toBe("something else router: x");
});
