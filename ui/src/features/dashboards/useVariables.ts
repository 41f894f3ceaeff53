import { type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { request } from "../../api/client";
import type { Variable } from "../../api/schema";
import { pageNow } from "../../app/clock";
import { useSearch, useSetSearch } from "../../app/location";
import { type MomentRange, resolveRange } from "../../app/timeRange";
import { useRangeText } from "../../app/useTimeRange";
import { type PromAnswer, readAnswer } from "../metrics/promql";
import { ALL, type Bindings, type Bound, interpolate, readValues, timeBindings, writeValues } from "./interpolation";
import { type Choice, listedChoices, makeChoices, readVariableQuery, resultTexts } from "./variableQueries";

export interface VariableState {
  variable: Variable;
  choices: readonly Choice[];
  /** What is chosen; `$__all` for all. */
  values: readonly string[];
  error: Error | null;
  set: (values: readonly string[]) => void;
}

export interface Variables {
  states: readonly VariableState[];
  bindings: Bindings;
  ready: boolean;
}

const NO_CHOICES: readonly Choice[] = [];
const STEP_MS = 60_000;

interface Resolved {
  choices: readonly Choice[];
  error: Error | null;
}

/** Give the variables of a dashboard their values: from the address, else from their defaults, else the first there is. */
export function useVariables(variables: readonly Variable[]): Variables {
  const client = useQueryClient();
  const search = useSearch();
  const setSearch = useSetSearch();
  const rangeText = useRangeText();
  const chosen = useMemo(
    () => Object.fromEntries(variables.flatMap(({ name }) => (search[`var-${name}`] ? [[name, readValues(search[`var-${name}`] ?? "")]] : []))) as Record<string, string[]>,
    [variables, search],
  );
  const asks = variables.some(({ kind }) => kind === "query");
  // One variable may ask with the value of another: they are resolved one after the other.
  const query = useQuery({
    queryKey: ["variables", variables, chosen, rangeText],
    queryFn: async ({ signal }) => {
      const range = resolveRange(rangeText, pageNow());
      const resolved: Resolved[] = [];
      const bindings: Record<string, Bound> = {};
      for (const variable of variables) {
        const one = await resolve(client, variable, bindings, range, signal);
        resolved.push(one);
        bindings[variable.name] = bind(variable, one.choices, chosen[variable.name]);
      }
      return resolved;
    },
    enabled: asks,
    staleTime: 60_000,
  });
  const set = useCallback(
    (name: string, values: readonly string[]) => setSearch({ [`var-${name}`]: writeValues(values) }),
    [setSearch],
  );
  return useMemo(() => {
    const bindings: Record<string, Bound> = {};
    const states = variables.map((variable, index): VariableState => {
      const resolved = query.data?.[index];
      const choices = resolved?.choices ?? fixedChoices(variable);
      bindings[variable.name] = bind(variable, choices, chosen[variable.name]);
      return {
        variable,
        choices,
        values: selected(variable, choices, chosen[variable.name]),
        error: resolved?.error ?? null,
        set: (values) => set(variable.name, values),
      };
    });
    return { states, bindings, ready: !asks || (query.data !== undefined && !query.isPlaceholderData) };
  }, [variables, query.data, query.isPlaceholderData, chosen, asks, set]);
}

const fixedChoices = (variable: Variable): readonly Choice[] =>
  variable.kind === "query" ? NO_CHOICES : listedChoices(variable.kind === "custom" || variable.kind === "interval" ? variable.options : variable.default);

function selected(variable: Variable, choices: readonly Choice[], fromAddress: readonly string[] | undefined): readonly string[] {
  if (fromAddress && fromAddress.length > 0) return variable.multi ? fromAddress : fromAddress.slice(0, 1);
  if (variable.kind === "text" || variable.kind === "constant") return variable.default.slice(0, 1);
  const offered = new Set(choices.map(({ value }) => value));
  const usual = variable.default.filter((value) => offered.has(value) || (value === ALL && variable.include_all));
  if (usual.length > 0) return variable.multi ? usual : usual.slice(0, 1);
  if (variable.include_all && variable.multi) return [ALL];
  return choices.slice(0, 1).map(({ value }) => value);
}

function bind(variable: Variable, choices: readonly Choice[], fromAddress: readonly string[] | undefined): Bound {
  const values = selected(variable, choices, fromAddress);
  const many = variable.multi || variable.include_all;
  if (!values.includes(ALL)) return { values, multi: many };
  if (variable.all_value !== "") return { values: choices.map(({ value }) => value), multi: true, raw: variable.all_value };
  return { values: choices.map(({ value }) => value), multi: true };
}

async function resolve(client: QueryClient, variable: Variable, bindings: Bindings, range: MomentRange, signal: AbortSignal): Promise<Resolved> {
  if (variable.kind !== "query") return { choices: fixedChoices(variable), error: null };
  try {
    const texts = await askTexts(client, variable.query, bindings, range);
    return { choices: makeChoices(texts, variable), error: null };
  } catch (error) {
    if (signal.aborted || !(error instanceof Error)) throw error;
    return { choices: NO_CHOICES, error };
  }
}

async function askTexts(client: QueryClient, text: string, bindings: Bindings, range: MomentRange): Promise<readonly string[]> {
  const query = readVariableQuery(interpolate(text, { ...timeBindings(STEP_MS, range), ...bindings }));
  if (!query) throw new Error(`The query ${JSON.stringify(text)} is none that is known. Write label_values(metric, label) or query_result(…).`);
  const { startMs, endMs } = range;
  const times = { start: Math.floor(startMs / STEP_MS) * 60, end: Math.ceil(endMs / STEP_MS) * 60 };
  const ask = <T>(path: string, params: Record<string, string | number>) =>
    client.query({
      queryKey: ["variable", path, params],
      // Others may wait for the same answer: it is not given up with one of them.
      queryFn: ({ signal }) => request<T>(path, { params, signal }),
      staleTime: 60_000,
    });
  switch (query.kind) {
    case "values":
      return (await ask<{ data: string[] }>(`/api/v1/label/${encodeURIComponent(query.label)}/values`, { ...times, "match[]": query.selector })).data;
    case "names":
      return (await ask<{ data: string[] }>("/api/v1/labels", { ...times, "match[]": query.selector })).data;
    case "metrics": {
      const names = (await ask<{ data: string[] }>("/api/v1/label/__name__/values", times)).data;
      const pattern = new RegExp(query.pattern);
      return names.filter((name) => pattern.test(name));
    }
    case "result":
      return resultTexts(readAnswer(await ask<PromAnswer>("/api/v1/query", { query: query.expression, time: times.end })));
  }
}
