/** Which facets tell something, and which only take room. */

import type { FacetResponse } from "../../api/schema";

export interface Arranged {
  /** Worth a look: what the lines are about, then where they come from, each in the order given. */
  telling: FacetResponse[];
  /** One value on every line, or almost a value a line. */
  others: FacetResponse[];
}

/** Namespaces of OpenTelemetry's resource conventions: where a line comes from asks less attention than what it is about. */
const ABOUT_SENDER = /^(?:resource|service|process|host|os|telemetry|deployment|container|k8s|cloud)\./;

/** Part facets into those that break the lines down and those with one value for all, or with one for nearly each, as ids have. */
export function arrangeFacets(facets: readonly FacetResponse[], lines: number): Arranged {
  const tells = ({ field, values, other }: FacetResponse) => {
    if (field === "service" || field === "level") return true;
    const listed = values.reduce((sum, { count }) => sum + count, 0);
    const isSame = values.length === 1 && other === 0 && listed >= lines * 0.99;
    return values.length > 0 && !isSame && other < listed * 4;
  };
  const telling = facets.filter(tells);
  return {
    telling: [...telling.filter(({ field }) => !ABOUT_SENDER.test(field)), ...telling.filter(({ field }) => ABOUT_SENDER.test(field))],
    others: facets.filter((facet) => !tells(facet)),
  };
}
