/** Where things open: the one place that knows the addresses of other pages. Use with `<PageLink {...traceLink(id)}>`. */

import type { Search } from "./location";

export interface Target {
  to: string;
  search?: Search;
}

/** The trace page, at one of its spans where `spanId` is given. */
export const traceLink = (traceId: string, spanId?: string): Target => ({
  to: `/traces/${traceId}`,
  ...(spanId ? { search: { span: spanId } } : {}),
});

/** The search for traces; `query` is in the search language, the same for traces and logs. */
export const tracesLink = (query: string, search: Search = {}): Target => ({ to: "/traces", search: { q: query, ...search } });

/** The search for log lines. */
export const logsLink = (query: string, search: Search = {}): Target => ({ to: "/logs", search: { q: query, ...search } });

/** The page of a dashboard. */
export const dashboardLink = (id: string): Target => ({ to: `/dashboards/${id}` });

/** A metric in Explore, as it stands: a rate of what only grows. */
export const metricLink = (name: string): Target => {
  const selector = /^[a-zA-Z_:][\w:]*$/.test(name) ? name : `{${JSON.stringify(name)}}`;
  return { to: "/explore", search: { q: /_(total|sum|count|bucket)$/.test(name) ? `rate(${selector}[5m])` : selector } };
};

/** Quote a value for a query where its characters need it. */
export const quoteValue = (value: string): string =>
  /^\w[\w./@-]*$/.test(value) && !/^(and|or|not)$/i.test(value) ? value : `"${value.replace(/["\\]/g, "\\$&")}"`;

/** The page of a service. */
export const serviceLink = (service: string): Target => ({ to: `/services/${encodeURIComponent(service)}` });

/** The traces of a service, or of one of its operations. */
export function serviceTracesLink(service: string, options: { operation?: string; errors?: boolean; slowest?: boolean } = {}): Target {
  const terms = [`service:${quoteValue(service)}`];
  if (options.operation !== undefined) terms.push(`name:${quoteValue(options.operation)}`);
  if (options.errors) terms.push("status:error");
  return tracesLink(terms.join(" "), options.slowest ? { sort: "slowest" } : {});
}

/** The log lines of a service. */
export const serviceLogsLink = (service: string, rest = ""): Target => logsLink(`service:${quoteValue(service)}${rest ? ` ${rest}` : ""}`);

/** The log lines of a trace, or of one of its spans. */
export const traceLogsLink = (traceId: string, spanId?: string): Target =>
  logsLink(`trace_id:${traceId}${spanId ? ` span_id:${spanId}` : ""}`);

/** The page of a task. */
export const taskLink = (taskId: string): Target => ({ to: `/tasks/${encodeURIComponent(taskId)}` });

/** The list of tasks; filters by their parameters: `{ state: "failed", type: "report" }`. */
export const tasksLink = (filters: Search = {}): Target => ({ to: "/tasks", search: filters });

/** The page of an agent. */
export const agentLink = (agent: string): Target => ({ to: `/agents/of/${encodeURIComponent(agent)}` });

/** The tasks of an agent, or those of them that failed. */
export const agentTasksLink = (agent: string, options: { failed?: boolean } = {}): Target =>
  tasksLink({ agent: agent.replace(/[\\,]/g, "\\$&"), ...(options.failed ? { state: "failed,timed_out,dead_lettered" } : {}) });

/** What work cost, broken down `by` one dimension, of one `tenant`, `agent`, `type`, `model` or `queue`. */
export const costsLink = (search: Search = {}): Target => ({ to: "/costs", search });

/** Dead letters that failed alike, or one of them. */
export const deadLettersLink = (fingerprint: string, letterId?: string): Target => ({
  to: `/dead-letters/${encodeURIComponent(fingerprint)}`,
  ...(letterId === undefined ? {} : { search: { letter: letterId } }),
});
