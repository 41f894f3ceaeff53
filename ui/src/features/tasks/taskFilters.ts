/** Which tasks are wanted, as it stands in the address: `?state=failed,timed_out&type=report&min=2s`. */

import type { Params } from "../../api/client";
import type { Search } from "../../app/location";
import { durationText, MILLISECOND_NS, parseDuration } from "../../format/durations";

/** Filters by a list of values, in the order in which they are shown. */
export const LISTED = ["state", "type", "agent", "tenant", "queue", "priority", "error"] as const;
export type Listed = (typeof LISTED)[number];
/** Filters by one value. */
export const SINGLE = ["session", "chain", "parent"] as const;
export type Single = (typeof SINGLE)[number];

export interface TaskFilters {
  text: string;
  lists: Readonly<Record<Listed, readonly string[]>>;
  single: Readonly<Record<Single, string>>;
  /** As written: `2s`; empty without. */
  min: string;
  max: string;
  retried: boolean;
}

/** Split `a,b\\,c` into `a` and `b,c`. */
export function splitList(text: string): string[] {
  const found: string[] = [];
  let item = "";
  for (let at = 0; at < text.length; at += 1) {
    const letter = text.charAt(at);
    if (letter === "\\") {
      at += 1;
      item += text.charAt(at);
    } else if (letter === ",") {
      found.push(item);
      item = "";
    } else item += letter;
  }
  return text === "" ? [] : [...found, item];
}

/** Join values so that `splitList` reads them back. */
export const joinList = (values: readonly string[]): string => values.map((value) => value.replace(/[\\,]/g, "\\$&")).join(",");

/** Read the filters from the search parameters of the page. */
export function readFilters(search: Search): TaskFilters {
  const list = (name: Listed) => splitList(search[name] ?? "");
  return {
    text: search.q ?? "",
    lists: Object.fromEntries(LISTED.map((name) => [name, list(name)])) as Record<Listed, string[]>,
    single: Object.fromEntries(SINGLE.map((name) => [name, search[name] ?? ""])) as Record<Single, string>,
    min: validDuration(search.min),
    max: validDuration(search.max),
    retried: search.retried === "yes",
  };
}

const validDuration = (text: string | undefined) => (text !== undefined && parseDuration(text) !== null ? text : "");

/** Return what the API calls the filters. */
export function filterParams({ text, lists, single, min, max, retried }: TaskFilters): Params {
  return { q: text, ...lists, ...single, min_duration: min, max_duration: max, ...(retried ? { retried: true } : {}) };
}

/** Return the change of the search parameters that adds a value to a list, or takes it away. */
export function toggled(filters: TaskFilters, name: Listed, value: string): Search {
  const values = filters.lists[name];
  return { [name]: joinList(values.includes(value) ? values.filter((one) => one !== value) : [...values, value]) };
}

/** The change that takes all filters away. */
export const NO_FILTERS: Search = Object.fromEntries([...LISTED, ...SINGLE, "q", "min", "max", "retried"].map((name) => [name, undefined]));

/** Tell whether anything is filtered. */
export const isFiltered = ({ text, lists, single, min, max, retried }: TaskFilters): boolean =>
  text !== "" || min !== "" || max !== "" || retried || LISTED.some((name) => lists[name].length > 0) || SINGLE.some((name) => single[name] !== "");

/** Write a duration for a filter: whole milliseconds, and microseconds where these would say too little. */
export const filterDuration = (ns: number): string => (ns < 10 * MILLISECOND_NS ? `${Math.round(ns / 1e3)}us` : durationText(ns));

interface Filterable {
  task_id: string;
  type: string;
  state: string;
  agent: string;
  tenant: string;
  queue: string;
  priority: string;
  session: string;
  chain: string;
  parent_id: string;
  error_type: string;
  error_message: string;
  attempts: number;
}

/** Tell whether a task under way meets the filters, durations aside, as the server would. */
export function meets(task: Filterable, { text, lists, single, retried }: TaskFilters): boolean {
  const fields: Record<Listed, string> = { ...task, error: task.error_type };
  const words = [task.task_id, task.type, task.agent, task.tenant, task.error_type, task.error_message].join(" ").toLowerCase();
  return (
    LISTED.every((name) => lists[name].length === 0 || lists[name].includes(fields[name])) &&
    (single.session === "" || single.session === task.session) &&
    (single.chain === "" || single.chain === task.chain) &&
    (single.parent === "" || single.parent === task.parent_id) &&
    words.includes(text.toLowerCase()) &&
    (!retried || task.attempts > 1)
  );
}
