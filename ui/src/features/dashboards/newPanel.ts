/** Panels and dashboards as they begin. */

import type { Dashboard, Display, Panel } from "../../api/schema";
import { freePlace } from "./gridLayout";

export const NEW_DISPLAY: Display = {
  unit: "number",
  decimals: null,
  min: null,
  max: null,
  stack: "none",
  draw: "lines",
  logarithmic: false,
  legend: "list",
  calculation: "last",
  sparkline: true,
  thresholds: [],
  names: [],
  series: [],
};

export const NEW_DASHBOARD: Dashboard = {
  title: "New dashboard",
  description: "",
  folder: "",
  tags: [],
  time_from: "now-1h",
  time_to: "now",
  refresh: "",
  variables: [],
  panels: [],
  links: [],
};

export const PANEL_KINDS: readonly { kind: Panel["kind"]; label: string; w: number; h: number }[] = [
  { kind: "timeseries", label: "Time series", w: 12, h: 8 },
  { kind: "stat", label: "Stat", w: 6, h: 4 },
  { kind: "gauge", label: "Gauge", w: 6, h: 5 },
  { kind: "bar", label: "Bars", w: 12, h: 7 },
  { kind: "table", label: "Table", w: 12, h: 8 },
  { kind: "heatmap", label: "Heatmap", w: 12, h: 8 },
  { kind: "text", label: "Text", w: 12, h: 4 },
  { kind: "logs", label: "Logs", w: 24, h: 8 },
  { kind: "traces", label: "Traces", w: 12, h: 8 },
  { kind: "row", label: "Row", w: 24, h: 1 },
];

const nextId = (panels: readonly Panel[]) => Math.max(0, ...panels.map(({ id }) => id)) + 1;

/** Return a panel of a kind, where there is room for it. */
export function makePanel(panels: readonly Panel[], kind: Panel["kind"], more: Partial<Panel> = {}): Panel {
  const size = PANEL_KINDS.find((one) => one.kind === kind) ?? { w: 12, h: 8, label: "" };
  return {
    id: nextId(panels),
    kind,
    title: kind === "row" ? "New row" : "",
    description: "",
    place: freePlace(panels, size.w, size.h),
    queries: kind === "text" || kind === "row" || kind === "logs" || kind === "traces" ? [] : [NEW_QUERY],
    min_step: "",
    display: NEW_DISPLAY,
    text: kind === "text" ? "# A heading\n\nWords in **Markdown**." : "",
    search: "",
    collapsed: false,
    repeat: "",
    repeat_direction: "across",
    links: [],
    ...more,
  };
}

export const NEW_QUERY = { expression: "", legend: "", hidden: false, instant: false, exemplars: false };

/** Return the panels with a copy of one beside it. */
export function duplicatePanel(panels: readonly Panel[], id: number): Panel[] {
  const original = panels.find((panel) => panel.id === id);
  if (!original) return [...panels];
  const copy = { ...original, id: nextId(panels), place: freePlace(panels, original.place.w, original.place.h) };
  return [...panels, copy];
}
