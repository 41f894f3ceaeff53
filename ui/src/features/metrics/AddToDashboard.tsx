import { Menu } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { LayoutGrid } from "lucide-react";
import { useState } from "react";
import { ApiError, request } from "../../api/client";
import { useApi } from "../../api/queries";
import type { Dashboard, DashboardListResponse, OpenedDashboard, Panel } from "../../api/schema";
import { Button } from "../../components/Button";
import { useOpen } from "../../components/useOpen";
import { makePanel, NEW_DASHBOARD, NEW_DISPLAY, NEW_QUERY } from "../dashboards/newPanel";
import type { ExploreQuery, View } from "./exploreState";

interface AddToDashboardProps {
  queries: readonly ExploreQuery[];
  unit: string;
  view: View;
  stacked: boolean;
}

const KINDS: Record<View, Panel["kind"]> = { graph: "timeseries", table: "table", heatmap: "heatmap" };

/** Put what is on view into a dashboard, as a panel that is edited there at once. */
export function AddToDashboard({ queries, unit, view, stacked }: AddToDashboardProps) {
  const [opened, setOpened] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const list = useApi<DashboardListResponse>("/api/dashboards", {}, { enabled: opened });
  const client = useQueryClient();
  const open = useOpen();
  const extend = (dashboard: Dashboard): { dashboard: Dashboard; id: number } => {
    const panel = makePanel(dashboard.panels, KINDS[view], {
      queries: queries.map(({ expression, legend }) => ({ ...NEW_QUERY, expression: expression.trim(), legend, instant: view === "table" })),
      display: { ...NEW_DISPLAY, unit, stack: stacked ? "normal" : "none" },
    });
    return { dashboard: { ...dashboard, panels: [...dashboard.panels, panel] }, id: panel.id };
  };
  const add = async (dashboardId: string | null) => {
    setError(null);
    try {
      let kept: OpenedDashboard;
      let panel: number;
      if (dashboardId === null) {
        const { dashboard, id } = extend(NEW_DASHBOARD);
        kept = await request<OpenedDashboard>("/api/dashboards", { method: "POST", body: dashboard });
        panel = id;
      } else {
        const path = `/api/dashboards/${dashboardId}`;
        const before = await request<OpenedDashboard>(path);
        const { dashboard, id } = extend(before.dashboard);
        kept = await request<OpenedDashboard>(path, { method: "PUT", body: { version: before.summary.version, dashboard } });
        panel = id;
      }
      client.setQueryData([`/api/dashboards/${kept.summary.id}`, {}], kept);
      open({ to: `/dashboards/${kept.summary.id}`, search: { edit: "on", panel: String(panel) } });
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      setError(failure.message);
    }
  };
  return (
    <>
      <Menu position="bottom-end" width={240} opened={opened} onChange={setOpened}>
        <Menu.Target>
          <Button icon title="Add to a dashboard" aria-label="Add to a dashboard">
            <LayoutGrid size={14} aria-hidden />
          </Button>
        </Menu.Target>
        <Menu.Dropdown mah={360} style={{ overflow: "auto" }}>
          <Menu.Item onClick={() => void add(null)}>New dashboard</Menu.Item>
          {list.data?.dashboards
            .filter(({ shipped, path }) => !shipped && path === null)
            .map(({ id, title }) => (
              <Menu.Item key={id} onClick={() => void add(id)}>
                {title}
              </Menu.Item>
            ))}
        </Menu.Dropdown>
      </Menu>
      {error !== null && <span role="alert">{error}</span>}
    </>
  );
}
