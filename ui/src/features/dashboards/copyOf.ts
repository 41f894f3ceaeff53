import { request } from "../../api/client";
import type { Dashboard, OpenedDashboard } from "../../api/schema";

/** Keep a copy of a dashboard, and return its id. */
export async function copyOf(dashboard: Dashboard): Promise<string> {
  const title = /\(copy( \d+)?\)$/.test(dashboard.title) ? dashboard.title : `${dashboard.title.slice(0, 190)} (copy)`;
  const kept = await request<OpenedDashboard>("/api/dashboards", { method: "POST", body: { ...dashboard, title } });
  return kept.summary.id;
}
