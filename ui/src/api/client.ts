/** Talk to the server: JSON in and out, errors with the server's own words, every request can be cancelled. */

import { learnServerTime } from "../app/clock";
import { noteReached } from "./connection";

/** A request that failed. `message` is fit for people: the server's own, or what happened to the connection. */
export class ApiError extends Error {
  override name = "ApiError";

  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
    /** Offset of the first wrong character in a query, where there is one. */
    readonly position: number | null = null,
    readonly path = "",
  ) {
    super(message);
  }

  /** Whether the same request may well succeed later. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 502;
  }
}

export type Params = Record<string, string | number | boolean | readonly string[] | null | undefined>;

export interface RequestOptions {
  params?: Params;
  method?: "GET" | "POST" | "PUT" | "DELETE";
  /** Sent as JSON. */
  body?: unknown;
  signal?: AbortSignal;
}

/** Build a path with its query; lists repeat the parameter, `null`, `undefined` and `""` leave it out. */
export function withParams(path: string, params: Params = {}): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) {
    if (value === null || value === undefined || value === "") continue;
    for (const item of Array.isArray(value) ? (value as readonly string[]) : [value]) query.append(key, String(item));
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

const unauthorized = new Set<() => void>();

/** Be told when the server wants a login. */
export function onUnauthorized(listener: () => void): () => void {
  unauthorized.add(listener);
  return () => unauthorized.delete(listener);
}

/** Request JSON. Raises ApiError, or the signal's AbortError. */
export async function request<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const response = await send(path, options);
  if (response.status === 204) return undefined as T;
  try {
    return (await response.json()) as T;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(`The answer of ${path} is not JSON. Does a proxy stand in between?`, response.status, "not_json", null, path);
  }
}

/** Send a request and return the response once its head is there and good. Raises ApiError, or the signal's AbortError. */
export async function send(path: string, options: RequestOptions = {}): Promise<Response> {
  const url = withParams(path, options.params);
  const init: RequestInit = { method: options.method ?? "GET", credentials: "same-origin", headers: { accept: "application/json" } };
  if (options.signal) init.signal = options.signal;
  if (options.body !== undefined) {
    init.body = JSON.stringify(options.body);
    init.headers = { accept: "application/json", "content-type": "application/json" };
  }
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    noteReached(false);
    throw new ApiError("Gnomon cannot be reached. Is it running, and is the network up?", 0, "unreachable", null, path);
  }
  noteReached(true);
  learnServerTime(response.headers.get("date"));
  if (!response.ok) {
    const error = await readError(response, path);
    if (error.status === 401 && path !== "/api/session") {
      unauthorized.forEach((listener) => {
        listener();
      });
    }
    throw error;
  }
  return response;
}

async function readError(response: Response, path: string): Promise<ApiError> {
  const text = await response.text().catch(() => "");
  const { message, code, position } = parseErrorBody(text);
  return new ApiError(
    message ?? `${path} answered ${response.status.toString()}${response.statusText ? ` ${response.statusText}` : ""}.`,
    response.status,
    code ?? String(response.status),
    position,
    path,
  );
}

/** Read `{"error": {"code", "message", "position"?}}`; nulls where a body is something else. */
export function parseErrorBody(text: string): { message: string | null; code: string | null; position: number | null } {
  try {
    const body: unknown = JSON.parse(text);
    if (isRecord(body)) {
      const error = isRecord(body.error) ? body.error : body;
      const message = [error.message, error.detail, body.error].find((found): found is string => typeof found === "string");
      return {
        message: message ?? null,
        code: typeof error.code === "string" ? error.code : null,
        position: typeof error.position === "number" ? error.position : null,
      };
    }
  } catch {
    // Not JSON: the status says what there is to say.
  }
  return { message: null, code: null, position: null };
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
