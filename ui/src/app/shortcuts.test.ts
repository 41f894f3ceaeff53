import { expect, it } from "vitest";
import { eventKeys } from "./shortcuts";

const press = (key: string, held: Partial<Record<"ctrlKey" | "metaKey" | "altKey", boolean>> = {}) =>
  eventKeys({ key, ctrlKey: false, metaKey: false, altKey: false, ...held });

it("writes keys as shortcuts do, with Command as Ctrl", () => {
  expect(press("?")).toBe("?");
  expect(press("k", { ctrlKey: true })).toBe("Ctrl+k");
  expect(press("K", { metaKey: true })).toBe("Ctrl+k");
  expect(press("Enter", { altKey: true })).toBe("Alt+Enter");
});
