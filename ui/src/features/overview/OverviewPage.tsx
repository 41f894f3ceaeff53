import { useApi } from "../../api/queries";
import type { StatusResponse } from "../../api/schema";
import { QueryView } from "../../components/states";
import { formatRate } from "../../format/numbers";

/** Is anything wrong, and since when? */
export default function OverviewPage() {
  const status = useApi<StatusResponse>("/api/status", {}, { refresh: true });
  return (
    <QueryView query={status} failed="The state of ingest could not be read">
      {({ ingest }) => (
        <p>
          {formatRate(ingest.spans_per_s)} spans, {formatRate(ingest.log_records_per_s)} log lines
        </p>
      )}
    </QueryView>
  );
}
