/** What costs are broken down by, and what they can be restricted to; both stand in the address. */

import type { Params } from "../../api/client";
import type { Search } from "../../app/location";

export const DIMENSIONS = [
  { value: "tenant", label: "Tenant", none: "no tenant" },
  { value: "agent", label: "Agent", none: "no agent" },
  { value: "type", label: "Task type", none: "no type" },
  { value: "model", label: "Model", none: "no model (resources)" },
  { value: "queue", label: "Queue", none: "no queue" },
  { value: "day", label: "Day", none: "–" },
] as const;

export type Dimension = (typeof DIMENSIONS)[number]["value"];
/** What a breakdown can be restricted to. */
export type Restriction = Exclude<Dimension, "day">;

export const RESTRICTIONS: readonly Restriction[] = ["tenant", "agent", "type", "model", "queue"];

/** Return the dimension that an address names; the tenant when it names none. */
export const readDimension = (text: string): Dimension => DIMENSIONS.find(({ value }) => value === text)?.value ?? "tenant";

/** Return the restrictions in an address. */
export const readRestrictions = (search: Search): Params =>
  Object.fromEntries(RESTRICTIONS.map((name) => [name, search[name] ?? ""] as const).filter(([, value]) => value !== ""));

/** Return the dimension to look at next, once one value of `by` was chosen: the first that is not decided yet. */
export function nextDimension(by: Dimension, restricted: Params): Dimension {
  const order: readonly Dimension[] = ["type", "model", "agent", "tenant", "queue", "day"];
  return order.find((dimension) => dimension !== by && restricted[dimension] === undefined) ?? "day";
}

/** Write a value as people read it: what nobody named has words of its own. */
export const valueWords = (by: Dimension, value: string): string => (value === "" ? (DIMENSIONS.find((dimension) => dimension.value === by)?.none ?? "–") : value);
