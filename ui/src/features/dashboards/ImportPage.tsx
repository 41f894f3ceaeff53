import { FileUp, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { ApiError, request } from "../../api/client";
import type { Finding, ImportedDashboard, OpenedDashboard } from "../../api/schema";
import { usePageTitle } from "../../app/title";
import { Button } from "../../components/Button";
import { ErrorState } from "../../components/states";
import { useOpen } from "../../components/useOpen";
import { formatCount } from "../../format/numbers";
import styles from "./ImportPage.module.css";

/** Read a dashboard's JSON, Grafana's or our own; say what does not come along, and keep it. */
export default function ImportPage() {
  usePageTitle("Import", [{ label: "Dashboards", to: "/dashboards" }]);
  const [text, setText] = useState("");
  const [imported, setImported] = useState<ImportedDashboard | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [title, setTitle] = useState("");
  const open = useOpen();
  const read = async (source: string) => {
    setText(source);
    setImported(null);
    setError(null);
    if (source.trim() === "") return;
    try {
      const found = await request<ImportedDashboard>("/api/dashboards/import", { method: "POST", body: JSON.parse(source) as unknown });
      setImported(found);
      setTitle(found.dashboard.title);
    } catch (failure) {
      setError(failure instanceof ApiError ? failure : new Error(`This is not JSON: ${failure instanceof Error ? failure.message : String(failure)}`));
    }
  };
  const create = async () => {
    if (!imported) return;
    try {
      const kept = await request<OpenedDashboard>("/api/dashboards", { method: "POST", body: { ...imported.dashboard, title: title.trim() || imported.dashboard.title } });
      open({ to: `/dashboards/${kept.summary.id}` });
    } catch (failure) {
      setError(failure instanceof Error ? failure : new Error(String(failure)));
    }
  };
  const take = (files: FileList | null) => {
    const file = files?.[0];
    if (file) void file.text().then(read);
  };
  return (
    <div
      className={styles.page}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        take(event.dataTransfer.files);
      }}
    >
      <div className={styles.source}>
        <p className="quiet">The JSON of a dashboard, exported from Grafana or from Gnomon. Drop a file here, choose one, or paste its text.</p>
        <label className={styles.file}>
          <FileUp size={14} aria-hidden /> Choose a file
          <input type="file" accept=".json,application/json" className="visually-hidden" onChange={(event) => take(event.target.files)} />
        </label>
        <textarea aria-label="JSON of the dashboard" value={text} placeholder='{"title": …, "panels": […]}' spellCheck={false} onChange={(event) => void read(event.target.value)} />
      </div>
      <div className={styles.outcome}>
        {error && <ErrorState title="It cannot be imported" error={error} />}
        {imported && (
          <>
            <label className={styles.title}>
              Title
              <input value={title} onChange={(event) => setTitle(event.target.value)} />
            </label>
            <p>
              {counted(imported.dashboard.panels.filter(({ kind }) => kind !== "row").length, "panel")} and {counted(imported.dashboard.variables.length, "variable")}, from{" "}
              {imported.source === "grafana" ? "Grafana" : "Gnomon"}.
            </p>
            <Findings findings={imported.findings} />
            <div>
              <Button kind="primary" onClick={() => void create()}>
                Create dashboard
              </Button>
            </div>
          </>
        )}
      </div>
    </div>
  );
}

const counted = (count: number, noun: string) => `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;

function Findings({ findings }: { findings: readonly Finding[] }) {
  if (findings.length === 0) return <p>Everything comes along.</p>;
  const groups = new Map<string, { title: string; messages: string[] }>();
  for (const { panel_id: id, panel, message } of findings) {
    const key = String(id);
    const group = groups.get(key) ?? { title: panel ?? "The dashboard", messages: [] };
    group.messages.push(message);
    groups.set(key, group);
  }
  return (
    <section aria-label="What is different" className={styles.findings}>
      <h2>
        <TriangleAlert size={14} aria-hidden /> Different or left out, in {formatCount(groups.size)} {groups.size === 1 ? "place" : "places"}
      </h2>
      <dl>
        {[...groups].map(([key, { title, messages }]) => (
          <div key={key}>
            <dt className="truncate" title={title}>
              {title}
            </dt>
            <dd>
              {messages.map((message, index) => (
                <p key={index}>{message}</p>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
