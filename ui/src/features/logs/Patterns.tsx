import { useCallback, useMemo } from "react";
import { useRangeQuery } from "../../api/queries";
import type { LogPatternResponse, LogPatternsResponse } from "../../api/schema";
import { useSetSearch } from "../../app/location";
import { levelColor, LEVELS } from "../../charts/palette";
import { withTerms } from "../../components/queryText";
import { ServiceName } from "../../components/ServiceName";
import { Sparkline } from "../../components/Sparkline";
import { PartialNote, QueryView, Skeleton } from "../../components/states";
import { type Column, Table } from "../../components/Table";
import { formatCount, formatNumber, formatShare } from "../../format/numbers";
import { oneLine } from "./lineFields";
import { Nothing } from "./Nothing";
import styles from "./Patterns.module.css";
import { templatePieces } from "./templatePieces";

const PATTERNS = 200;
const TREND_BUCKETS = 40;

/** Similar lines as templates, the most frequent first; a click searches for them. */
export function Patterns({ query }: { query: string }) {
  const patterns = useRangeQuery<LogPatternsResponse>("/api/logs/patterns", { q: query, limit: PATTERNS, buckets: TREND_BUCKETS });
  const setSearch = useSetSearch();
  const onOpen = useCallback(
    (pattern: LogPatternResponse) => setSearch({ q: withTerms(query, pattern.query), view: undefined }),
    [query, setSearch],
  );
  const columns = useMemo(
    (): Column<LogPatternResponse>[] => [
      { key: "count", title: "Lines", cell: ({ count }) => formatNumber(count), sortBy: ({ count }) => count, numeric: true, width: "72px" },
      { key: "share", title: "Share", cell: ({ share }) => formatShare(share), sortBy: ({ share }) => share, numeric: true, width: "72px", hint: "Of the lines that match" },
      { key: "trend", title: "Trend", cell: ({ trend }) => <Sparkline values={trend} label="Lines over the range" width={104} />, width: "128px", hint: "Lines over the time range" },
      { key: "levels", title: "Levels", cell: ({ levels }) => <LevelMix levels={levels} />, sortBy: ({ levels }) => severity(levels), width: "88px" },
      {
        key: "services",
        title: "Services",
        cell: ({ services }) => (
          <span className={styles.services} title={services.join(", ")}>
            {services[0] !== undefined && <ServiceName name={services[0]} link={false} />}
            {services.length > 1 && <span className="quiet">+{services.length - 1}</span>}
          </span>
        ),
        sortBy: ({ services }) => services[0] ?? "",
        width: "144px",
      },
      {
        key: "template",
        title: "Pattern, and the last line of its kind",
        cell: ({ template, example }) => (
          <div className={styles.pattern}>
            <div className="truncate" title={template}>
              {templatePieces(template).map(({ text, isPlace }, index) => (isPlace ? <i key={index}>{text}</i> : text))}
            </div>
            <div className={styles.example} title={example}>
              {oneLine(example)}
            </div>
          </div>
        ),
      },
    ],
    [],
  );
  return (
    <QueryView query={patterns} failed="The lines could not be grouped" skeleton={<Skeleton rows={12} height={36} />}>
      {({ data }) =>
        data.patterns.length === 0 ? (
          <Nothing query={query} />
        ) : (
          <div className={styles.panel}>
            <div className={styles.status}>
              <span>
                {formatCount(data.patterns.length)} {data.patterns.length === 1 ? "pattern" : "patterns"} in {formatCount(data.lines)} {data.lines === 1 ? "line" : "lines"}
              </span>
              {data.partial && <PartialNote>{data.partial.message}</PartialNote>}
            </div>
            <Table
              label="Patterns"
              columns={columns}
              rows={data.patterns}
              rowKey={({ template }) => template}
              onOpen={onOpen}
              initialSort={{ key: "count", descending: true }}
              height="100%"
              rowHeight={48}
              keyboard
            />
          </div>
        )
      }
    </QueryView>
  );
}

/** Which levels the lines have, as parts of a bar. */
function LevelMix({ levels }: { levels: LogPatternResponse["levels"] }) {
  const parts = [...LEVELS, "unknown" as const].toReversed().flatMap((level) => {
    const count = levels[level] ?? 0;
    return count > 0 ? [{ level, count }] : [];
  });
  const words = parts.map(({ level, count }) => `${level} ${formatCount(count)}`).join(", ");
  return (
    <div className={styles.mix} title={words}>
      <span>{parts.length === 1 ? parts[0]?.level : `${parts[0]?.level ?? ""} +${parts.length - 1}`}</span>
      <div aria-hidden>
        {parts.map(({ level, count }) => (
          <span key={level} style={{ flexGrow: count, background: levelColor(level) }} />
        ))}
      </div>
    </div>
  );
}

/** How severe the worst lines of a pattern are. */
const severity = (levels: LogPatternResponse["levels"]) => LEVELS.findLastIndex((level) => (levels[level] ?? 0) > 0);
