import { useApi } from "../../api/queries";
import type { SettingsResponse } from "../../api/schema";
import { QueryView } from "../../components/states";
import { Table } from "../../components/Table";

/** What Gnomon was told, and where that stands. */
export default function SettingsPage() {
  const settings = useApi<SettingsResponse>("/api/settings");
  return (
    <QueryView query={settings} failed="The settings could not be read">
      {({ settings: rows }) => (
        <Table
          label="Settings"
          rows={rows}
          rowKey={(row) => row.key}
          columns={[
            { key: "key", title: "Setting", cell: (row) => <code>{row.key}</code>, sortBy: (row) => row.key },
            { key: "value", title: "Value", cell: (row) => <code>{row.value}</code> },
            { key: "source", title: "From", cell: (row) => row.source },
          ]}
        />
      )}
    </QueryView>
  );
}
