import { Check, EqualNot, X } from "lucide-react";
import { useRangeQuery } from "../../api/queries";
import type { Facet, Facets, TagValues } from "../../api/schema";
import { useParam, useSetSearch } from "../../app/location";
import { QueryView, PartialNote, Skeleton } from "../../components/states";
import { formatCount, formatNumber, formatShare } from "../../format/numbers";
import styles from "./FacetList.module.css";
import { standOf, withCondition, withoutCondition } from "./queryText";

interface FacetListProps {
  query: string;
  onQuery: (query: string) => void;
}

/** How the matching spans break down by field; a value narrows the search to it, or shuts it out. */
export function FacetList({ query, onQuery }: FacetListProps) {
  const facets = useRangeQuery<Facets>("/api/tracing/facets", { q: query });
  const group = useParam("group");
  return (
    <aside className={styles.facets} aria-label="Facets">
      {group !== "" && <Grouped field={group} query={query} onQuery={onQuery} />}
      <QueryView query={facets} failed="The facets could not be counted" skeleton={<Skeleton rows={12} />}>
        {({ data }) => (
          <>
            {data.facets
              .filter(({ field }) => field !== group)
              .map((facet) => (
                <FacetView key={facet.field} facet={facet} total={data.spans} query={query} onQuery={onQuery} />
              ))}
            {data.sampled && data.facets.length > 0 && <PartialNote>Counted from a sample and scaled up.</PartialNote>}
          </>
        )}
      </QueryView>
    </aside>
  );
}

const VALUES_OF_GROUP = 30;

/** The field that somebody chose to group by, with more of its values than the other facets show. */
function Grouped({ field, query, onQuery }: { field: string } & FacetListProps) {
  const values = useRangeQuery<TagValues>(`/api/tracing/tags/${encodeURIComponent(field)}/values`, { q: query, limit: VALUES_OF_GROUP });
  const setSearch = useSetSearch();
  return (
    <div className={styles.group}>
      <QueryView query={values} failed={`${field} could not be counted`} skeleton={<Skeleton rows={4} />}>
        {({ data }) => (
          <FacetView
            facet={{ field, values: data.values, others: 0 }}
            total={data.values.reduce((sum, { spans }) => sum + spans, 0)}
            query={query}
            onQuery={onQuery}
            onClose={() => setSearch({ group: undefined }, { replace: true })}
          />
        )}
      </QueryView>
    </div>
  );
}

function FacetView({ facet, total, query, onQuery, onClose }: { facet: Facet; total: number; onClose?: () => void } & FacetListProps) {
  const { field, values, others } = facet;
  const most = Math.max(...values.map(({ spans }) => spans), 1);
  return (
    <section className={styles.facet}>
      <h3>
        <span className="truncate" title={field}>
          {field}
        </span>
        {onClose && (
          <button type="button" aria-label={`Stop grouping by ${field}`} title="Stop grouping" onClick={onClose}>
            <X size={12} />
          </button>
        )}
      </h3>
      {values.length === 0 && <p className="quiet">No matching span has it.</p>}
      <ul>
        {values.map(({ value, spans }) => {
          const stand = standOf(query, field, value);
          return (
            <li key={value} className={styles.value} data-stand={stand ?? undefined}>
              <button
                type="button"
                className={styles.only}
                aria-pressed={stand === "only"}
                title={`${value === "" ? "(empty)" : value}: ${formatCount(spans)} spans, ${formatShare(total > 0 ? spans / total : null)} of those that match`}
                onClick={() => onQuery(stand ? withoutCondition(query, field, value) : withCondition(query, field, value, "="))}
              >
                <span className={styles.bar} style={{ width: `${(spans / most) * 100}%` }} aria-hidden />
                {stand === "only" && <Check size={12} aria-hidden />}
                <span className="truncate">{value === "" ? <i>empty</i> : value}</span>
                <span className="number quiet">{formatNumber(spans)}</span>
              </button>
              <button
                type="button"
                className={styles.not}
                aria-label={`Not ${value}`}
                title="Not this"
                onClick={() => onQuery(withCondition(query, field, value, "!="))}
              >
                <EqualNot size={12} />
              </button>
            </li>
          );
        })}
        {others > 0 && <li className={styles.others}>{formatNumber(others)} spans with other values</li>}
      </ul>
    </section>
  );
}
