/** How ingest does. */

import type { IngestResponse, JournalResponse } from "../../api/schema";

/** Data waits this long before it counts as behind: queryable within a second is what is promised. */
const BEHIND_S = 10;

/** Judge ingest: refusing counts more than being behind, both more than silence. */
export function ingestState(
  ingest: Pick<IngestResponse, "refused_per_s" | "spans_per_s" | "log_records_per_s">,
  journal: Pick<JournalResponse, "oldest_age_s"> | undefined,
): "refusing" | "behind" | "quiet" | "fine" {
  if (ingest.refused_per_s > 0) return "refusing";
  if (journal && journal.oldest_age_s >= BEHIND_S) return "behind";
  return ingest.spans_per_s + ingest.log_records_per_s > 0 ? "fine" : "quiet";
}
