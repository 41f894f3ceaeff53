import { LayoutDashboard } from "lucide-react";
import type { Page } from "../../app/pages";

export const pages: readonly Page[] = [
  {
    path: "/",
    title: "Overview",
    load: () => import("./OverviewPage"),
    rail: { icon: LayoutDashboard, key: "o", order: 10 },
  },
];
