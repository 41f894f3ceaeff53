import { Menu } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Copy, Download, EllipsisVertical, Plus, Trash2, Upload } from "lucide-react";
import { useState } from "react";
import { request, withParams } from "../../api/client";
import { useApi } from "../../api/queries";
import type { DashboardListResponse, DashboardSummary, OpenedDashboard } from "../../api/schema";
import { useParam, useSetSearch } from "../../app/location";
import { matchScore } from "../../app/match";
import { Button } from "../../components/Button";
import { PageLink } from "../../components/PageLink";
import { ErrorState, QueryView, Skeleton } from "../../components/states";
import { type Column, Table } from "../../components/Table";
import { Time } from "../../components/Time";
import { useOpen } from "../../components/useOpen";
import { formatCount } from "../../format/numbers";
import { copyOf } from "./copyOf";
import styles from "./DashboardsPage.module.css";

/** All dashboards: those that people made, those kept as files, and those that come with Gnomon. */
export default function DashboardsPage() {
  const query = useApi<DashboardListResponse>("/api/dashboards", {}, { refresh: true });
  const typed = useParam("q");
  const tag = useParam("tag");
  const folder = useParam("folder");
  const setSearch = useSetSearch();
  const open = useOpen();
  const client = useQueryClient();
  const [error, setError] = useState<Error | null>(null);
  const act = (work: Promise<unknown>) => {
    setError(null);
    void work.then(() => client.invalidateQueries({ queryKey: ["/api/dashboards"] })).catch((failure: unknown) => setError(failure instanceof Error ? failure : new Error(String(failure))));
  };
  const columns: Column<DashboardSummary>[] = [
    {
      key: "title",
      title: "Dashboard",
      sortBy: ({ title }) => title,
      cell: ({ id, title, description }) => (
        <span className={styles.title}>
          <PageLink to={`/dashboards/${id}`}>{title}</PageLink>
          <span className="quiet truncate" title={description}>
            {description}
          </span>
        </span>
      ),
    },
    {
      key: "folder",
      title: "Folder",
      width: "128px",
      sortBy: (row) => row.folder,
      cell: (row) => row.folder !== "" && (
        <button type="button" className={styles.tag} onClick={() => setSearch({ folder: folder === row.folder ? undefined : row.folder })}>
          {row.folder}
        </button>
      ),
    },
    {
      key: "tags",
      title: "Tags",
      width: "22%",
      cell: ({ tags }) => (
        <span className={styles.tags}>
          {tags.map((one) => (
            <button key={one} type="button" className={styles.tag} aria-pressed={one === tag} onClick={() => setSearch({ tag: one === tag ? undefined : one })}>
              {one}
            </button>
          ))}
        </span>
      ),
    },
    { key: "panels", title: "Panels", numeric: true, width: "72px", sortBy: ({ panels }) => panels, cell: ({ panels }) => formatCount(panels) },
    {
      key: "updated",
      title: "Changed",
      numeric: true,
      width: "152px",
      sortBy: ({ updated_ms: ms }) => ms,
      cell: ({ updated_ms: ms, path }) =>
        ms === null ? (
          <span className="quiet" title={path ?? undefined}>
            {path === null ? "comes with Gnomon" : "kept as a file"}
          </span>
        ) : (
          <Time ms={ms} style="age" />
        ),
    },
    {
      key: "actions",
      title: "",
      width: "40px",
      cell: (row) => <RowMenu row={row} onCopy={() => act(duplicate(row.id))} onDelete={() => act(request(`/api/dashboards/${row.id}`, { method: "DELETE", params: { version: row.version } }))} />,
    },
  ];
  return (
    <div className={styles.page}>
      <div className={styles.tools}>
        <input
          data-page-search
          className={styles.search}
          value={typed}
          placeholder="Search dashboards"
          aria-label="Search dashboards"
          onChange={(event) => setSearch({ q: event.target.value }, { replace: true })}
        />
        {(tag !== "" || folder !== "") && (
          <Button kind="plain" onClick={() => setSearch({ tag: undefined, folder: undefined })}>
            Only {[folder, tag].filter(Boolean).join(", ")}; show all
          </Button>
        )}
        <span className={styles.end}>
          <Button onClick={() => open({ to: "/dashboards/import" })}>
            <Upload size={14} aria-hidden /> Import
          </Button>
          <Button kind="primary" onClick={() => open({ to: "/dashboards/new" })}>
            <Plus size={14} aria-hidden /> New dashboard
          </Button>
        </span>
      </div>
      {error && <ErrorState title="That did not work" error={error} />}
      <div className={styles.fill}>
        <QueryView query={query} failed="The dashboards could not be listed" skeleton={<Skeleton rows={6} />}>
          {({ dashboards }) => {
            const found = dashboards.filter(
              (one) => (tag === "" || one.tags.includes(tag)) && (folder === "" || one.folder === folder) && (typed === "" || matchScore(typed, one.title) > 0 || one.tags.some((word) => matchScore(typed, word) > 1)),
            );
            return found.length === 0 ? (
              <p className="quiet">No dashboard is called so.</p>
            ) : (
              <Table label="Dashboards" rows={found} columns={columns} rowKey={({ id }) => id} onOpen={({ id }) => open({ to: `/dashboards/${id}` })} rowHeight={32} height="100%" keyboard />
            );
          }}
        </QueryView>
      </div>
    </div>
  );
}

async function duplicate(id: string): Promise<void> {
  const { dashboard } = await request<OpenedDashboard>(`/api/dashboards/${id}`);
  await copyOf(dashboard);
}

function RowMenu({ row, onCopy, onDelete }: { row: DashboardSummary; onCopy: () => void; onDelete: () => void }) {
  const [sure, setSure] = useState(false);
  const path = `/api/dashboards/${row.id}/export`;
  return (
    <Menu position="bottom-end" width={200} onClose={() => setSure(false)}>
      <Menu.Target>
        <button type="button" className={styles.menu} aria-label={`Actions on ${row.title}`}>
          <EllipsisVertical size={14} />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<Copy size={14} />} onClick={onCopy}>
          Duplicate
        </Menu.Item>
        <Menu.Item leftSection={<Download size={14} />} component="a" href={withParams(path, { format: "gnomon" })} download={`${row.id}.gnomon.json`}>
          Export as JSON
        </Menu.Item>
        <Menu.Item leftSection={<Download size={14} />} component="a" href={withParams(path, { format: "grafana" })} download={`${row.id}.grafana.json`}>
          Export for Grafana
        </Menu.Item>
        {row.updated_ms !== null && (
          <Menu.Item leftSection={<Trash2 size={14} />} closeMenuOnClick={sure} onClick={() => (sure ? onDelete() : setSure(true))}>
            {sure ? "Delete for good" : "Delete"}
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
