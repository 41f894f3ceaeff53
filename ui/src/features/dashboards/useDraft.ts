import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { ApiError, request } from "../../api/client";
import type { Dashboard, OpenedDashboard } from "../../api/schema";

export interface Draft {
  dashboard: Dashboard;
  /** Whether it differs from what is kept. */
  changed: boolean;
  saving: boolean;
  error: Error | null;
  /** Somebody else has changed it since it was loaded. */
  conflict: boolean;
  change: (dashboard: Dashboard) => void;
  undo: (() => void) | null;
  discard: () => void;
  /** Keep it; over what somebody else kept meanwhile when `overwrite` is set. Returns what is kept, null when it failed. */
  save: (overwrite?: boolean) => Promise<OpenedDashboard | null>;
}

const MOST_STEPS = 100;

/** Hold the changes to a dashboard until they are kept; `opened` is null for a new one. */
export function useDraft(opened: OpenedDashboard | null, start: Dashboard): Draft {
  const client = useQueryClient();
  const [steps, setSteps] = useState<readonly Dashboard[]>([]);
  const [state, setState] = useState<{ saving: boolean; error: Error | null; conflict: boolean }>({ saving: false, error: null, conflict: false });
  const kept = opened?.dashboard ?? start;
  const dashboard = steps.at(-1) ?? kept;
  const change = useCallback((next: Dashboard) => setSteps((before) => [...before.slice(-MOST_STEPS), next]), []);
  const save = useCallback(
    async (overwrite = false): Promise<OpenedDashboard | null> => {
      setState({ saving: true, error: null, conflict: false });
      try {
        const path = `/api/dashboards/${opened?.summary.id ?? ""}`;
        let result: OpenedDashboard;
        if (opened === null) result = await request<OpenedDashboard>("/api/dashboards", { method: "POST", body: dashboard });
        else {
          const version = overwrite ? (await request<OpenedDashboard>(path)).summary.version : opened.summary.version;
          result = await request<OpenedDashboard>(path, { method: "PUT", body: { version, dashboard } });
        }
        client.setQueryData([`/api/dashboards/${result.summary.id}`, {}], result);
        void client.invalidateQueries({ queryKey: ["/api/dashboards"] });
        setSteps([]);
        setState({ saving: false, error: null, conflict: false });
        return result;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        setState({ saving: false, error, conflict: error.status === 409 });
        return null;
      }
    },
    [client, opened, dashboard],
  );
  const discard = useCallback(() => {
    setSteps([]);
    setState({ saving: false, error: null, conflict: false });
  }, []);
  const undo = useCallback(() => setSteps((before) => before.slice(0, -1)), []);
  const changed = steps.length > 0 && JSON.stringify(dashboard) !== JSON.stringify(kept);
  return useMemo(
    () => ({ dashboard, changed: changed || opened === null, ...state, change, undo: steps.length > 0 ? undo : null, discard, save }),
    [dashboard, changed, opened, state, change, undo, steps.length, discard, save],
  );
}
