import { Waypoints } from "lucide-react";
import type { Page } from "../../app/pages";

export const pages: readonly Page[] = [
  { path: "/traces", title: "Traces", load: () => import("./TracesPage"), rail: { icon: Waypoints, key: "t", order: 40 } },
  { path: "/traces/compare", title: "Compare traces", load: () => import("./ComparePage") },
  { path: "/traces/$traceId", title: "Trace", load: () => import("./TracePage") },
];
