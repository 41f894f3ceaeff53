import { ArrowDownToLine, X } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import { withParams } from "../../api/client";
import type { Pages } from "../../api/pages";
import { useApi } from "../../api/queries";
import type { LogLineDetailResponse, LogSearchResponse } from "../../api/schema";
import { holdRefresh } from "../../app/clock";
import { useSetSearch } from "../../app/location";
import { momentText } from "../../app/timeRange";
import { Button } from "../../components/Button";
import { Segmented } from "../../components/Segmented";
import { ErrorState, PartialNote, QueryView, Skeleton } from "../../components/states";
import { Time } from "../../components/Time";
import { formatCount } from "../../format/numbers";
import { nsToMs } from "../../format/times";
import { LineDetails } from "./LineDetails";
import type { Resources } from "./lineFields";
import { LinesPanel } from "./LinesPanel";
import styles from "./LogsPage.module.css";
import { Nothing } from "./Nothing";
import type { LineView } from "./useLineView";

export type Order = "newest" | "oldest";

interface SearchViewProps {
  search: Pages<LogSearchResponse>;
  order: Order;
  view: LineView;
}

/** The lines that a search finds, page after page as one scrolls. */
export function SearchView({ search, order, view }: SearchViewProps) {
  const setSearch = useSetSearch();
  const [isAway, setAway] = useState(false);
  const { first, pages, more, moreError } = search;
  const lines = useMemo(() => pages.flatMap((page) => page.lines), [pages]);
  const resources = useMemo(() => Object.assign({}, ...pages.map((page) => page.resources)) as Resources, [pages]);
  // New lines would push away what somebody reads.
  const isReading = isAway || view.opened !== "";
  useEffect(() => (isReading ? holdRefresh() : undefined), [isReading]);
  const partial = pages.at(-1)?.partial ?? null;
  const range = first.data?.range;
  const elsewhere = view.opened !== "" && first.data !== undefined && !first.isPlaceholderData && lines.every(({ id }) => id !== view.opened);
  return (
    <QueryView query={first} failed="The lines could not be searched" skeleton={<Skeleton rows={16} height={16} />}>
      {() => (
        <LinesPanel
          label="Log lines"
          view={view}
          lines={lines}
          resources={resources}
          status={
            <>
              <span className="truncate">
                {more === null ? `${formatCount(lines.length)} ${lines.length === 1 ? "line" : "lines"}` : `The ${order} ${formatCount(lines.length)}, more as you scroll`}
              </span>
              {partial && <PartialNote>{partial.message}</PartialNote>}
            </>
          }
          tools={
            <>
              <Segmented
                label="Order"
                value={order}
                options={[
                  { value: "newest", label: "Newest" },
                  { value: "oldest", label: "Oldest" },
                ]}
                onChange={(value) => setSearch({ order: value === "oldest" ? value : undefined }, { replace: true })}
              />
              {range && (
                <a
                  className={styles.export}
                  href={withParams("/api/logs/export", { q: view.query, from: momentText(range.startMs), to: momentText(range.endMs), order })}
                  download
                  title="Export every line that matches as JSON Lines"
                >
                  <ArrowDownToLine size={15} aria-hidden /> Export
                </a>
              )}
            </>
          }
          onNearEnd={more ?? undefined}
          onScrolled={setAway}
          notice={elsewhere ? <Elsewhere view={view} /> : undefined}
          after={
            moreError ? (
              <ErrorState title="More lines could not be read" error={moreError} onRetry={more ?? undefined} />
            ) : more === null && lines.length > 20 ? (
              <p className={styles.end}>No more lines in this time range</p>
            ) : undefined
          }
          empty={<Nothing query={view.query} />}
        />
      )}
    </QueryView>
  );
}

/** The line of a shared link that is not among the lines that are loaded. */
function Elsewhere({ view }: { view: LineView }) {
  const query = useApi<LogLineDetailResponse>(`/api/logs/line/${encodeURIComponent(view.opened)}`);
  return (
    <QueryView query={query} failed="The line of this link could not be read" skeleton={<Skeleton rows={3} />}>
      {({ line, resource }) => (
        <section aria-label="Line of the link">
          <p className={styles.elsewhere}>
            <span>
              Opened from a link, <Time ms={nsToMs(line.ts_ns)} style="date" millis />
            </span>
            <Button kind="plain" icon aria-label="Close the line" title="Close (Esc)" onClick={() => view.setOpened("")}>
              <X size={14} />
            </Button>
          </p>
          <LineDetails line={line} resource={resource} actions={view.actions} />
        </section>
      )}
    </QueryView>
  );
}
