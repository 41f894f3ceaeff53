import { expect, test } from "vitest";
import { makePanel } from "./newPanel";
import { bindingsOf, repeatPanels } from "./repeats";

const bindings = { shop: { values: ["a", "b", "c", "d", "e"], multi: true }, none: { values: [], multi: true } };
const panel = (id: number, place: { x: number; y: number; w: number; h: number }, repeat = "", direction: "across" | "down" = "across") => ({
  ...makePanel([], "stat"),
  id,
  place,
  repeat,
  repeat_direction: direction,
});
const places = (panels: ReturnType<typeof repeatPanels>) => Object.fromEntries(panels.map(({ bound, id, place }) => [bound?.value ?? String(id), [place.x, place.y, place.w, place.h]]));

test("a panel is shown once for each value, four across, and what is below moves down", () => {
  const shown = repeatPanels([panel(1, { x: 0, y: 0, w: 24, h: 3 }), panel(2, { x: 0, y: 3, w: 12, h: 4 }, "shop"), panel(3, { x: 0, y: 7, w: 24, h: 2 })], bindings);
  expect(places(shown)).toEqual({ 1: [0, 0, 24, 3], a: [0, 3, 6, 4], b: [6, 3, 6, 4], c: [12, 3, 6, 4], d: [18, 3, 6, 4], e: [0, 7, 6, 4], 3: [0, 11, 24, 2] });
  expect(new Set(shown.map(({ id }) => id)).size).toBe(shown.length);
});

test("down keeps width and column", () => {
  const shown = repeatPanels([panel(1, { x: 6, y: 0, w: 8, h: 2 }, "shop", "down")], { shop: { values: ["a", "b"], multi: true } });
  expect(places(shown)).toEqual({ a: [6, 0, 8, 2], b: [6, 2, 8, 2] });
});

test("without values, or without such a variable, the panel stays one", () => {
  const panels = [panel(1, { x: 0, y: 0, w: 8, h: 2 }, "none"), panel(2, { x: 8, y: 0, w: 8, h: 2 }, "unknown")];
  expect(repeatPanels(panels, bindings)).toEqual(panels);
});

test("in a copy, the variable stands for its value alone", () => {
  const [first] = repeatPanels([panel(1, { x: 0, y: 0, w: 8, h: 2 }, "shop")], bindings);
  expect(first && bindingsOf(bindings, first).shop).toEqual({ values: ["a"], multi: true });
  expect(bindingsOf(bindings, panel(2, { x: 0, y: 0, w: 1, h: 1 }))).toBe(bindings);
});
