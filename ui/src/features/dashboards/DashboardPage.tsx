import { Menu } from "@mantine/core";
import { useBlocker, useParams } from "@tanstack/react-router";
import { ChevronDown, Copy, Download, Pencil, Plus, Save, Settings2, Undo2 } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { withParams } from "../../api/client";
import { useApi } from "../../api/queries";
import type { Dashboard, OpenedDashboard, Panel } from "../../api/schema";
import { useSearch, useSetSearch } from "../../app/location";
import { useShortcuts } from "../../app/shortcuts";
import { usePageTitle } from "../../app/title";
import { Button } from "../../components/Button";
import { EmptyState, ErrorState, QueryView, Skeleton } from "../../components/states";
import { useOpen } from "../../components/useOpen";
import styles from "./DashboardPage.module.css";
import { DashboardSettings } from "./DashboardSettings";
import { Grid } from "./Grid";
import { duplicatePanel, makePanel, NEW_DASHBOARD, PANEL_KINDS } from "./newPanel";
import { compact } from "./gridLayout";
import { PanelsContext } from "./panelContext";
import { PanelEditor } from "./PanelEditor";
import { PanelFrame } from "./PanelFrame";
import { copyOf } from "./copyOf";
import { DashboardLinks } from "./DashboardLinks";
import { repeatPanels, storedId } from "./repeats";
import { useDraft } from "./useDraft";
import { useVariables } from "./useVariables";
import { VariableBar } from "./VariableBar";

/** A dashboard: seen, and edited in place. */
export default function DashboardPage() {
  const { dashboardId = "" }: { dashboardId?: string } = useParams({ strict: false });
  if (dashboardId === "new") return <DashboardView key="new" opened={null} />;
  return <StoredDashboard key={dashboardId} id={dashboardId} />;
}

function StoredDashboard({ id }: { id: string }) {
  const query = useApi<OpenedDashboard>(`/api/dashboards/${encodeURIComponent(id)}`);
  usePageTitle(query.data?.dashboard.title ?? "Dashboard", [{ label: "Dashboards", to: "/dashboards" }]);
  return (
    <QueryView query={query} failed="The dashboard could not be opened" skeleton={<Skeleton rows={8} height={40} />}>
      {(opened) => <DashboardView opened={opened} reload={() => void query.refetch()} />}
    </QueryView>
  );
}

function DashboardView({ opened, reload }: { opened: OpenedDashboard | null; reload?: () => void }) {
  const search = useSearch();
  const setSearch = useSetSearch();
  const open = useOpen();
  const draft = useDraft(opened, NEW_DASHBOARD);
  const { dashboard } = draft;
  usePageTitle(dashboard.title, [{ label: "Dashboards", to: "/dashboards" }]);
  useDefaultRange(dashboard);
  const path = opened?.summary.path ?? null;
  const fixed = path !== null || (opened?.summary.shipped ?? false);
  const editing = !fixed && (opened === null || search.edit === "on");
  const [folds, setFolds] = useState<ReadonlySet<number>>(new Set());
  const [saved, setSaved] = useState(false);
  const leaving = useRef(false);
  useBlocker({
    shouldBlockFn: ({ current, next }) =>
      !leaving.current && draft.changed && dashboard !== NEW_DASHBOARD && current.pathname !== next.pathname && !window.confirm("Leave without saving the changes to this dashboard?"),
    enableBeforeUnload: () => draft.changed && dashboard !== NEW_DASHBOARD,
  });
  const variables = useVariables(dashboard.variables);
  const context = useMemo(() => ({ bindings: variables.bindings, ready: variables.ready }), [variables.bindings, variables.ready]);
  const setPanels = (panels: readonly Panel[]) => draft.change({ ...dashboard, panels: [...panels] });
  // Folding is for whoever looks; only while one edits is it kept.
  const panels = useMemo(() => {
    const folded = dashboard.panels.map((panel) => (folds.has(panel.id) ? { ...panel, collapsed: !panel.collapsed } : panel));
    return editing ? folded : repeatPanels(folded, variables.bindings);
  }, [dashboard.panels, folds, editing, variables.bindings]);
  const panel = panels.find(({ id }) => String(id) === search.panel);
  const hasSettings = editing && search.settings === "on";
  const add = (kind: Panel["kind"]) => {
    const made = makePanel(dashboard.panels, kind);
    setPanels([...dashboard.panels, made]);
    setSearch({ panel: String(made.id) });
  };
  const fold = (id: number) => {
    if (editing) setPanels(dashboard.panels.map((one) => (one.id === id ? { ...one, collapsed: !one.collapsed } : one)));
    else {
      setFolds((before) => {
        const next = new Set(before);
        if (!next.delete(id)) next.add(id);
        return next;
      });
    }
  };
  const save = async (overwrite = false) => {
    const kept = await draft.save(overwrite);
    if (!kept) return;
    setSaved(true);
    setTimeout(() => setSaved(false), 2_000);
    if (opened === null) {
      leaving.current = true;
      open({ to: `/dashboards/${kept.summary.id}` });
    }
  };
  const duplicate = () => {
    leaving.current = true;
    void copyOf(dashboard).then((id) => open({ to: `/dashboards/${id}`, search: { edit: "on" } }));
  };
  useShortcuts([
    {
      keys: "e",
      does: fixed ? "Duplicate to edit" : "Edit the dashboard, or end editing",
      group: "Dashboard",
      run: () => (fixed ? duplicate() : setSearch({ edit: editing ? undefined : "on", settings: undefined })),
    },
    {
      keys: "Ctrl+s",
      does: "Save the dashboard",
      group: "Dashboard",
      inFields: true,
      run: () => {
        if (draft.changed) void save();
      },
    },
    {
      keys: "Escape",
      does: "Back from a panel to the dashboard",
      group: "Dashboard",
      run: () => {
        if (panel || hasSettings) setSearch({ panel: undefined, settings: undefined });
      },
    },
  ]);
  return (
    <PanelsContext.Provider value={context}>
      <div className={styles.page} data-filled={panel !== undefined || undefined}>
        <div className={styles.tools}>
          <VariableBar states={variables.states} />
          <DashboardLinks links={dashboard.links} />
          <div className={styles.actions}>
            {fixed && (
              <span className={`quiet truncate ${styles.origin ?? ""}`} title={path === null ? undefined : `Kept in ${path}: change it there, and reload the configuration`}>
                <bdi>{path ?? "Comes with Gnomon"}</bdi>
              </span>
            )}
            {draft.changed && opened !== null && <span className={styles.unsaved}>Not saved</span>}
            {saved && (
              <span role="status" className="quiet">
                Saved
              </span>
            )}
            {editing && (
              <>
                <Menu position="bottom-end" width={160}>
                  <Menu.Target>
                    <Button>
                      <Plus size={14} aria-hidden /> Add panel <ChevronDown size={14} aria-hidden />
                    </Button>
                  </Menu.Target>
                  <Menu.Dropdown>
                    {PANEL_KINDS.map(({ kind, label }) => (
                      <Menu.Item key={kind} onClick={() => add(kind)}>
                        {label}
                      </Menu.Item>
                    ))}
                  </Menu.Dropdown>
                </Menu>
                <Button aria-pressed={hasSettings} onClick={() => setSearch({ settings: hasSettings ? undefined : "on", panel: undefined })}>
                  <Settings2 size={14} aria-hidden /> Settings
                </Button>
                <Button icon disabled={draft.undo === null} aria-label="Undo" title="Undo" onClick={() => draft.undo?.()}>
                  <Undo2 size={14} />
                </Button>
                {opened !== null && draft.changed && <Button onClick={draft.discard}>Discard</Button>}
                <Button kind="primary" disabled={draft.saving || !draft.changed} onClick={() => void save()} title="Save (Ctrl+S)">
                  <Save size={14} aria-hidden /> {opened === null ? "Create" : "Save"}
                </Button>
              </>
            )}
            {opened !== null && <ExportMenu id={opened.summary.id} />}
            {fixed ? (
              <Button onClick={duplicate} title="Duplicate to edit (e)">
                <Copy size={14} aria-hidden /> Duplicate
              </Button>
            ) : (
              opened !== null && (
                <Button aria-pressed={editing} onClick={() => setSearch({ edit: editing ? undefined : "on", settings: undefined, panel: editing ? undefined : search.panel })} title="Edit (e)">
                  <Pencil size={14} aria-hidden /> {editing ? "Done" : "Edit"}
                </Button>
              )
            )}
          </div>
        </div>
        {draft.error && (
          <div className={styles.failed}>
            <ErrorState title={draft.conflict ? "Not saved" : "The dashboard could not be saved"} error={draft.error} />
            {draft.conflict && (
              <div className={styles.ways}>
                <Button
                  onClick={() => {
                    draft.discard();
                    reload?.();
                  }}
                >
                  Load theirs
                </Button>
                <Button onClick={duplicate}>Keep mine as a copy</Button>
                <Button onClick={() => void save(true)}>Overwrite theirs</Button>
              </div>
            )}
          </div>
        )}
        {hasSettings ? (
          <DashboardSettings dashboard={dashboard} onChange={draft.change} summary={opened?.summary ?? null} />
        ) : panel ? (
          editing ? (
            <PanelEditor
              key={panel.id}
              panel={dashboard.panels.find(({ id }) => id === panel.id) ?? panel}
              onChange={(next) => setPanels(dashboard.panels.map((one) => (one.id === next.id ? next : one)))}
              onRemove={() => {
                setPanels(compact(dashboard.panels.filter(({ id }) => id !== panel.id)));
                setSearch({ panel: undefined });
              }}
              onClose={() => setSearch({ panel: undefined })}
            />
          ) : (
            <div className={styles.alone}>
              <PanelFrame panel={panel} alone onView={() => setSearch({ panel: undefined })} />
            </div>
          )
        ) : dashboard.panels.length === 0 ? (
          <EmptyState title="No panels yet">
            <p>Add one: a graph, a figure, a table, lists of logs and traces. Each asks in PromQL, and is arranged by dragging.</p>
            {editing ? (
              <div>
                <Button kind="primary" onClick={() => add("timeseries")}>
                  <Plus size={14} aria-hidden /> Add a time series
                </Button>
              </div>
            ) : (
              <div>
                <Button onClick={() => setSearch({ edit: "on" })}>Edit the dashboard</Button>
              </div>
            )}
          </EmptyState>
        ) : (
          <Grid
            panels={panels}
            onChange={editing ? (next) => setPanels(compact(next)) : undefined}
            onEdit={fixed ? undefined : (id) => setSearch({ edit: "on", panel: String(storedId(id)) })}
            onDuplicate={editing ? (id) => setPanels(duplicatePanel(dashboard.panels, id)) : undefined}
            onView={(id) => setSearch({ panel: String(id), edit: undefined })}
            onFold={fold}
          />
        )}
      </div>
    </PanelsContext.Provider>
  );
}

function ExportMenu({ id }: { id: string }) {
  const path = `/api/dashboards/${id}/export`;
  return (
    <Menu position="bottom-end" width={200}>
      <Menu.Target>
        <Button icon aria-label="Export" title="Export">
          <Download size={14} />
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item component="a" href={withParams(path, { format: "gnomon" })} download={`${id}.gnomon.json`}>
          As JSON of Gnomon
        </Menu.Item>
        <Menu.Item component="a" href={withParams(path, { format: "grafana" })} download={`${id}.grafana.json`}>
          As JSON for Grafana
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** A dashboard has a range of its own, which holds where the address names none. */
function useDefaultRange({ time_from: from, time_to: to, refresh }: Dashboard): void {
  const search = useSearch();
  const setSearch = useSetSearch();
  const first = useRef(true);
  useEffect(() => {
    if (!first.current) return;
    first.current = false;
    const changes = {
      ...(search.from === undefined && search.to === undefined && (from !== "now-1h" || to !== "now") ? { from, to } : {}),
      ...(search.refresh === undefined && refresh !== "" ? { refresh } : {}),
    };
    if (Object.keys(changes).length > 0) setSearch(changes, { replace: true });
  }, [search, setSearch, from, to, refresh]);
}
