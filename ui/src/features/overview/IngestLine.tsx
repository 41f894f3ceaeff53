import type { UseQueryResult } from "@tanstack/react-query";
import { CircleAlert, CircleCheck, CircleDashed } from "lucide-react";
import type { IngestResponse, StatusResponse, StorageResponse } from "../../api/schema";
import { ErrorState } from "../../components/states";
import { PageLink } from "../../components/PageLink";
import { formatBytes, formatNumber, formatRate, formatShare } from "../../format/numbers";
import { formatDuration } from "../../format/durations";
import { ingestState } from "./ingest";
import styles from "./OverviewPage.module.css";

interface IngestLineProps {
  status: UseQueryResult<StatusResponse>;
  storage: UseQueryResult<StorageResponse>;
}

/** Younger data in the journal is the normal way of things. */
const SHOWN_FROM_S = 5;

const STATES = {
  refusing: { icon: CircleAlert, tone: styles.bad, word: "Refusing" },
  behind: { icon: CircleAlert, tone: styles.warn, word: "Behind" },
  quiet: { icon: CircleDashed, tone: undefined, word: "Nothing arrives" },
  fine: { icon: CircleCheck, tone: styles.good, word: "Receiving" },
};

/** The health of ingest and storage in one line. */
export function IngestLine({ status, storage }: IngestLineProps) {
  if (status.error) return <ErrorState title="The state of ingest could not be read" error={status.error} onRetry={() => void status.refetch()} />;
  if (!status.data) return <div className={styles.ingest} />;
  const { ingest } = status.data;
  const journal = storage.data?.journal;
  const state = STATES[ingestState(ingest, journal)];
  return (
    <div className={styles.ingest}>
      <span className={`${styles.state ?? ""} ${state.tone ?? ""}`}>
        <state.icon size={14} aria-hidden /> {state.word}
      </span>
      <span>
        <strong>{formatRate(ingest.spans_per_s)}</strong> spans
      </span>
      <span>
        <strong>{formatRate(ingest.log_records_per_s)}</strong> log lines
      </span>
      {ingest.refused_per_s > 0 && (
        <span className={styles.bad}>
          {formatRate(ingest.refused_per_s)} refused: {reasons(ingest)}
        </span>
      )}
      {journal && journal.oldest_age_s >= SHOWN_FROM_S && (
        <span>
          <strong>{formatBytes(journal.backlog_bytes)}</strong> wait to be loaded, the oldest for {formatDuration(journal.oldest_age_s * 1e9)}
        </span>
      )}
      {journal && journal.set_aside > 0 && (
        <span className={styles.warn}>{formatNumber(journal.set_aside)} segments set aside, see the settings</span>
      )}
      {storage.data && (
        <PageLink to="/settings">
          {formatBytes(storage.data.used_bytes)} stored
          {storage.data.budget_bytes !== null &&
            `, ${formatShare(storage.data.used_bytes / storage.data.budget_bytes)} of ${formatBytes(storage.data.budget_bytes)}`}
        </PageLink>
      )}
    </div>
  );
}

function reasons(ingest: IngestResponse): string {
  const names = new Set(ingest.protocols.flatMap(({ refusals }) => Object.keys(refusals)));
  return [...names].map((name) => name.replaceAll("_", " ")).join(", ");
}
