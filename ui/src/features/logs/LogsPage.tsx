import { PanelLeftClose, PanelLeftOpen, Radio } from "lucide-react";
import { useCallback } from "react";
import { ApiError } from "../../api/client";
import { usePages } from "../../api/pages";
import { useRangeQuery } from "../../api/queries";
import type { LogHistogramResponse, LogSearchResponse } from "../../api/schema";
import { useParam, useSetSearch } from "../../app/location";
import { useShortcuts } from "../../app/shortcuts";
import { levelColor, LEVELS } from "../../charts/palette";
import { Button } from "../../components/Button";
import { QueryLine, useQueryDraft } from "../../components/QueryLine";
import { standOf, withCondition, withoutCondition } from "../../components/queryText";
import { Segmented } from "../../components/Segmented";
import { formatCount, formatNumber } from "../../format/numbers";
import { AroundView } from "./AroundView";
import { Histogram } from "./Histogram";
import { LogFacets } from "./LogFacets";
import styles from "./LogsPage.module.css";
import { Hints, Nothing } from "./Nothing";
import { Patterns } from "./Patterns";
import { type Order, SearchView } from "./SearchView";
import { TailView } from "./TailView";
import { useLineView } from "./useLineView";
import { useLogSuggestions } from "./useLogSuggestions";

const PAGE_LINES = 200;
const BUCKETS = 120;

/** Find log lines: a query, how many by level over time, what they break down to, and the lines themselves. */
export default function LogsPage() {
  const view = useLineView();
  const { query } = view;
  const order: Order = useParam("order") === "oldest" ? "oldest" : "newest";
  const around = useParam("around");
  const isTail = useParam("tail") === "on" && around === "";
  const isPatterns = useParam("view") === "patterns" && !isTail && around === "";
  const hasFacets = useParam("facets") !== "hidden";
  const setSearch = useSetSearch();
  const histogram = useRangeQuery<LogHistogramResponse>("/api/logs/histogram", { q: query, buckets: BUCKETS });
  const search = usePages<LogSearchResponse>("/api/logs/search", { q: query, order, limit: PAGE_LINES }, { enabled: !isTail && around === "" });
  const onQuery = useCallback((text: string) => setSearch({ q: text, around: undefined, line: undefined }), [setSearch]);
  const toggleTail = () => setSearch({ tail: isTail ? undefined : "on", view: undefined, around: undefined, line: undefined });
  useShortcuts([{ keys: "t", does: "Live tail", group: "Logs", run: toggleTail }]);
  const refusal = [histogram.error, search.first.error].find((error) => error instanceof ApiError && error.status === 400) ?? null;
  const counted = histogram.data?.data;
  const isEmpty = query === "" && around === "" && !isTail && search.first.data?.data.lines.length === 0 && !search.first.isPlaceholderData;
  return (
    <div className={styles.page}>
      <LogQuery query={query} onQuery={onQuery} error={refusal} />
      {refusal ? (
        <Hints />
      ) : isEmpty ? (
        <Nothing query="" />
      ) : (
        <div className={styles.body} data-facets={hasFacets || undefined}>
          {hasFacets && <LogFacets query={query} onQuery={onQuery} />}
          <div className={styles.main}>
            <div className={styles.head}>
              <Button
                kind="plain"
                icon
                aria-label={hasFacets ? "Hide the facets" : "Show the facets"}
                title={hasFacets ? "Hide the facets" : "Show the facets"}
                onClick={() => setSearch({ facets: hasFacets ? "hidden" : undefined }, { replace: true })}
              >
                {hasFacets ? <PanelLeftClose size={15} /> : <PanelLeftOpen size={15} />}
              </Button>
              <h2>{counted ? `${formatCount(counted.total)} ${counted.total === 1 ? "line" : "lines"}` : "Lines"}</h2>
              <Levels counts={counted?.counts ?? {}} query={query} onQuery={onQuery} />
              <Segmented
                label="View"
                value={isPatterns ? "patterns" : "lines"}
                options={[
                  { value: "lines", label: "Lines" },
                  { value: "patterns", label: "Patterns" },
                ]}
                onChange={(value) => setSearch({ view: value === "patterns" ? value : undefined, tail: undefined, around: undefined, line: undefined })}
              />
              <Button aria-pressed={isTail} title="Follow new lines (t)" onClick={toggleTail}>
                <Radio size={14} aria-hidden /> Live tail
              </Button>
            </div>
            <Histogram query={histogram} />
            <div className={styles.results}>
              {around !== "" ? (
                <AroundView key={around} lineId={around} view={view} />
              ) : isTail ? (
                <TailView key={query} view={view} />
              ) : isPatterns ? (
                <Patterns query={query} />
              ) : (
                <SearchView search={search} order={order} view={view} />
              )}
            </div>
          </div>
        </div>
      )}
    </div>
  );
}

function LogQuery({ query, onQuery, error }: { query: string; onQuery: (query: string) => void; error: Error | null }) {
  const draft = useQueryDraft(query);
  const suggestions = useLogSuggestions(draft.typing, draft.open);
  return (
    <QueryLine
      draft={draft}
      query={query}
      onQuery={onQuery}
      error={error}
      suggestions={suggestions}
      label="Search logs"
      placeholder='service:gateway level>=warn "connection reset" -healthcheck http.response.status_code>=500'
    />
  );
}

/** How many lines of each level; a click narrows the search to it. */
function Levels({ counts, query, onQuery }: { counts: LogHistogramResponse["counts"]; query: string; onQuery: (query: string) => void }) {
  return (
    <div className={styles.levels} role="group" aria-label="Levels">
      {[...LEVELS, "unknown" as const].toReversed().map((level) => {
        const total = counts[level]?.reduce((sum, count) => sum + count, 0) ?? 0;
        const isOnly = standOf(query, "level", level) === "only";
        if (total === 0) return null;
        return (
          <button
            key={level}
            type="button"
            aria-pressed={isOnly}
            title={`${formatCount(total)} lines. ${isOnly ? "Show all levels." : "Only this level."}`}
            onClick={() => onQuery(isOnly ? withoutCondition(query, "level", level) : withCondition(query, "level", level, "="))}
          >
            <span style={{ background: levelColor(level) }} aria-hidden />
            {level} <b>{formatNumber(total)}</b>
          </button>
        );
      })}
    </div>
  );
}
