import { LayoutGrid } from "lucide-react";
import type { Page } from "../../app/pages";

export const pages: readonly Page[] = [
  { path: "/dashboards", title: "Dashboards", load: () => import("./DashboardsPage"), rail: { icon: LayoutGrid, key: "d", order: 70 } },
  { path: "/dashboards/import", title: "Import a dashboard", load: () => import("./ImportPage") },
  { path: "/dashboards/$dashboardId", title: "Dashboard", load: () => import("./DashboardPage") },
];
