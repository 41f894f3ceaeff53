import { useRangeQuery } from "../../api/queries";
import type { Facets, TagValues, ValueCount } from "../../api/schema";
import { useParam, useSetSearch } from "../../app/location";
import { type FacetValue, FacetView } from "../../components/FacetView";
import styles from "../../components/Facet.module.css";
import { QueryView, PartialNote, Skeleton } from "../../components/states";

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
                <FacetView
                  key={facet.field}
                  field={facet.field}
                  values={counts(facet.values)}
                  others={facet.others}
                  total={data.spans}
                  noun="spans"
                  query={query}
                  onQuery={onQuery}
                />
              ))}
            {data.sampled && data.facets.length > 0 && <PartialNote>Counted from a sample and scaled up.</PartialNote>}
          </>
        )}
      </QueryView>
    </aside>
  );
}

const counts = (values: readonly ValueCount[]): FacetValue[] => values.map(({ value, spans }) => ({ value, count: spans }));

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
            field={field}
            values={counts(data.values)}
            others={0}
            noun="spans"
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
