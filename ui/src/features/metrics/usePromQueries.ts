import type { UseQueryResult } from "@tanstack/react-query";
import { ApiError, request } from "../../api/client";
import { type Ranged, useRanged } from "../../api/queries";
import type { MomentRange } from "../../app/timeRange";
import { type PromAnswer, type PromResult, readAnswer } from "./promql";
import { alignRange, chooseStep, DEFAULT_MIN_STEP_MS } from "./steps";

export interface Asked {
  expression: string;
  legend: string;
  /** Only the last moment. */
  instant?: boolean;
}

/** What one query yielded: a result or the server's refusal, and how long one waited for it. */
export interface Answered extends Asked {
  result: PromResult | null;
  error: ApiError | null;
  waitedMs: number;
}

export interface Answers {
  answered: readonly Answered[];
  stepMs: number;
  /** The moments that were asked for, on multiples of the step. */
  grid: MomentRange;
}

interface Options {
  /** How many points there is room for. */
  points?: number;
  stepMs?: number | null;
  minStepMs?: number | null;
  enabled?: boolean;
  /** Put values for `$__interval` and the like into an expression, once the step is known. */
  expand?: (expression: string, stepMs: number, range: MomentRange) => string;
}

const DEFAULT_POINTS = 300;

/** Ask PromQL queries over the page's range, all at once; one that fails leaves the others alone. */
export function usePromQueries(queries: readonly Asked[], options: Options = {}): UseQueryResult<Ranged<Answers>> {
  const { stepMs = null, minStepMs = null, expand } = options;
  // A panel that grows by a few pixels asks nothing anew.
  const points = Math.ceil((options.points ?? DEFAULT_POINTS) / 100) * 100;
  // What variables stand for is part of the question.
  const expanded = queries.map(({ expression }) => expand?.(expression, 60_000, { startMs: 0, endMs: 3_600_000 }) ?? "");
  return useRanged<Answers>(
    ["promql", queries, expanded, points, stepMs, minStepMs],
    async (range, signal) => {
      const step = stepMs ?? chooseStep(range.endMs - range.startMs, points, minStepMs ?? DEFAULT_MIN_STEP_MS);
      const grid = alignRange(range, step);
      const answered = await Promise.all(
        queries.map(async (query): Promise<Answered> => {
          const began = performance.now();
          const text = expand ? expand(query.expression, step, range) : query.expression;
          try {
            const result = await ask(text, query.instant ? null : { ...grid, stepMs: step }, range.endMs, signal);
            return { ...query, result, error: null, waitedMs: performance.now() - began };
          } catch (error) {
            if (!(error instanceof ApiError)) throw error;
            return { ...query, result: null, error, waitedMs: performance.now() - began };
          }
        }),
      );
      const failure = answered.find(({ error }) => error !== null)?.error;
      // When nothing could be reached, the old answer is better than none.
      if (failure?.status === 0) throw failure;
      return { answered, stepMs: step, grid };
    },
    { enabled: (options.enabled ?? true) && queries.length > 0 },
  );
}

async function ask(query: string, grid: (MomentRange & { stepMs: number }) | null, timeMs: number, signal: AbortSignal): Promise<PromResult> {
  const seconds = (ms: number) => (ms / 1e3).toString();
  const answer = grid
    ? await request<PromAnswer>("/api/v1/query_range", {
        params: { query, start: seconds(grid.startMs), end: seconds(grid.endMs), step: seconds(grid.stepMs), stats: "true" },
        signal,
      })
    : await request<PromAnswer>("/api/v1/query", { params: { query, time: seconds(timeMs), stats: "true" }, signal });
  return readAnswer(answer);
}

/** Return the column and line, from 1, that a message of the parser names: `1:15: parse error: …`. */
export function errorPlace(message: string): { line: number; column: number; words: string } | null {
  const found = /(?:^|\s|")(\d+):(\d+): (parse error: .*)$/s.exec(message);
  return found ? { line: Number(found[1]), column: Number(found[2]), words: found[3] ?? "" } : null;
}
