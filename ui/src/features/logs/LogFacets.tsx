import { useState } from "react";
import { useRangeQuery } from "../../api/queries";
import type { FieldValuesResponse, LogFacetsResponse } from "../../api/schema";
import { useParam, useSetSearch } from "../../app/location";
import { levelColor, seriesColor } from "../../charts/palette";
import styles from "../../components/Facet.module.css";
import { FacetView } from "../../components/FacetView";
import { PartialNote, QueryView, Skeleton } from "../../components/states";
import { formatCount } from "../../format/numbers";
import { arrangeFacets } from "./arrangeFacets";
import own from "./LogFacets.module.css";

interface LogFacetsProps {
  query: string;
  onQuery: (query: string) => void;
}

const ATTRIBUTES = 24;
const VALUES = 8;
const VALUES_OF_GROUP = 30;
const MOST_ATTRIBUTES = 50;

/** How the matching lines break down by field. */
export function LogFacets({ query, onQuery }: LogFacetsProps) {
  const facets = useRangeQuery<LogFacetsResponse>("/api/logs/facets", { q: query, values: VALUES, fields: ATTRIBUTES });
  const [all, setAll] = useState(false);
  const group = useParam("group");
  return (
    <aside className={styles.facets} aria-label="Facets">
      {group !== "" && <Grouped field={group} query={query} onQuery={onQuery} />}
      <QueryView query={facets} failed="The facets could not be counted" skeleton={<Skeleton rows={12} />}>
        {({ data }) => {
          const { telling, others } = arrangeFacets(data.facets, data.lines);
          return (
            <>
              {(all ? [...telling, ...others] : telling)
                .filter(({ field }) => field !== group)
                .map((facet) => (
                  <FacetView
                    key={facet.field}
                    field={facet.field}
                    values={facet.values}
                    others={facet.other}
                    total={data.lines}
                    noun="lines"
                    query={query}
                    onQuery={onQuery}
                    mark={markOf(facet.field)}
                  />
                ))}
              {others.length > 0 && (
                <button type="button" className={own.more} title="Fields with one value on all lines, or one for nearly each" onClick={() => setAll(!all)}>
                  {all ? "Fewer fields" : `${formatCount(others.length)} more ${others.length === 1 ? "field" : "fields"}`}
                </button>
              )}
              {data.partial && <PartialNote>{data.partial.message}</PartialNote>}
            </>
          );
        }}
      </QueryView>
    </aside>
  );
}

/** The field whose distribution somebody asked for: of the matching lines where it is frequent enough to be counted for them, else of all. */
function Grouped({ field, query, onQuery }: { field: string } & LogFacetsProps) {
  const facets = useRangeQuery<LogFacetsResponse>("/api/logs/facets", { q: query, values: VALUES_OF_GROUP, fields: MOST_ATTRIBUTES });
  const name = field.replace(/^(?:attributes|log|resource)\./, "");
  const facet = facets.data?.data.facets.find((one) => one.field === field || one.field === name);
  const isRare = facets.data !== undefined && facet === undefined;
  const values = useRangeQuery<FieldValuesResponse>(`/api/logs/fields/${encodeURIComponent(field)}/values`, { limit: VALUES_OF_GROUP }, { enabled: isRare });
  const setSearch = useSetSearch();
  const onClose = () => setSearch({ group: undefined }, { replace: true });
  const shared = { field, noun: "lines", query, onQuery, mark: markOf(field), onClose };
  return (
    <div className={styles.group}>
      <QueryView query={facets} failed={`${field} could not be counted`} skeleton={<Skeleton rows={4} />}>
        {({ data }) =>
          facet ? (
            <FacetView {...shared} values={facet.values} others={facet.other} total={data.lines} />
          ) : (
            <QueryView query={values} failed={`${field} could not be counted`} skeleton={<Skeleton rows={4} />}>
              {({ data: { values: counted } }) => (
                <>
                  <FacetView {...shared} values={counted} others={0} total={counted.reduce((sum, { count }) => sum + count, 0)} />
                  {query !== "" && counted.length > 0 && <PartialNote>Counted over all lines of the time range, whatever the query.</PartialNote>}
                </>
              )}
            </QueryView>
          )
        }
      </QueryView>
    </div>
  );
}

/** Services and levels bear their colours here as everywhere. */
function markOf(field: string) {
  const color = field === "level" ? levelColor : field === "service" ? seriesColor : null;
  if (color === null) return () => null;
  const shape = field === "level" ? own.level : own.service;
  return function Mark(value: string) {
    return <span className={shape} style={{ background: color(value) }} aria-hidden />;
  };
}
