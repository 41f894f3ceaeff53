import { ChartLine, ChartNoAxesColumn } from "lucide-react";
import type { Page } from "../../app/pages";

// The server's own metrics are at /metrics, for scrapers.
export const pages: readonly Page[] = [
  { path: "/explore", title: "Metrics", load: () => import("./ExplorePage"), rail: { icon: ChartLine, key: "m", order: 60 } },
  {
    path: "/explore/cardinality",
    title: "Cardinality",
    load: () => import("./CardinalityPage"),
    rail: { icon: ChartNoAxesColumn, key: "c", order: 61, under: "/explore" },
  },
];
