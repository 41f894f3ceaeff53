import { expect, test } from "vitest";
import { compact, fitPlace, freePlace, movePanel, type Place, rowMembers, visiblePanels } from "./gridLayout";

const panel = (id: number, x: number, y: number, w = 12, h = 4) => ({ id, place: { x, y, w, h } });
const places = (panels: readonly { id: number; place: Place }[]) => Object.fromEntries(panels.map(({ id, place }) => [id, [place.x, place.y]]));

test("panels close up", () => {
  expect(places(compact([panel(1, 0, 3), panel(2, 12, 9), panel(3, 0, 20)]))).toEqual({ 1: [0, 0], 2: [12, 0], 3: [0, 4] });
});

test("whoever is moved keeps its place, and those in its way go down", () => {
  const moved = movePanel([panel(1, 0, 0), panel(2, 12, 0), panel(3, 0, 4)], 3, { x: 0, y: 0, w: 12, h: 4 });
  expect(places(moved)).toEqual({ 1: [0, 4], 2: [12, 0], 3: [0, 0] });
});

test("a panel that grows pushes its neighbour below", () => {
  const moved = movePanel([panel(1, 0, 0), panel(2, 12, 0)], 1, { x: 0, y: 0, w: 24, h: 4 });
  expect(places(moved)).toEqual({ 1: [0, 0], 2: [12, 4] });
});

test("no two panels ever overlap, wherever one is put", () => {
  let panels = Array.from({ length: 12 }, (_, id) => panel(id, (id % 4) * 6, Math.floor(id / 4) * 4, 6, 4));
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  for (let turn = 0; turn < 200; turn += 1) {
    panels = movePanel(panels, random(12), fitPlace({ x: random(30) - 3, y: random(20) - 2, w: random(26), h: random(9) }));
    const cells = new Set<string>();
    for (const { place } of panels) {
      expect(place.x).toBeGreaterThanOrEqual(0);
      expect(place.x + place.w).toBeLessThanOrEqual(24);
      for (let x = place.x; x < place.x + place.w; x += 1) {
        for (let y = place.y; y < place.y + place.h; y += 1) {
          expect(cells.has(`${x},${y}`)).toBe(false);
          cells.add(`${x},${y}`);
        }
      }
    }
  }
});

test("a new panel stands beside the last where there is room, else below", () => {
  expect(freePlace([panel(1, 0, 0)], 12, 4)).toEqual({ x: 12, y: 0, w: 12, h: 4 });
  expect(freePlace([panel(1, 0, 0, 24)], 12, 4)).toEqual({ x: 0, y: 4, w: 12, h: 4 });
  expect(freePlace([], 12, 8)).toEqual({ x: 0, y: 0, w: 12, h: 8 });
});

const row = (id: number, y: number, collapsed: boolean) => ({ id, kind: "row", collapsed, place: { x: 0, y, w: 24, h: 1 } });
const stat = (id: number, y: number) => ({ id, kind: "stat", collapsed: false, place: { x: 0, y, w: 24, h: 4 } });

test("a folded row hides what is below it up to the next, and the rest moves up", () => {
  const panels = [row(1, 0, true), stat(2, 1), stat(3, 5), row(4, 9, false), stat(5, 10)];
  expect(visiblePanels(panels).map(({ id, place }) => [id, place.y])).toEqual([[1, 0], [4, 1], [5, 2]]);
  expect(rowMembers(panels, 1)).toEqual([2, 3]);
  expect(rowMembers(panels, 4)).toEqual([5]);
});
