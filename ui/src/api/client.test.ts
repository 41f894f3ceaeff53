import { afterEach, describe, expect, it, vi } from "vitest";
import { ApiError, onUnauthorized, parseErrorBody, request, withParams } from "./client";

afterEach(() => {
  vi.unstubAllGlobals();
});

const answer = (status: number, body: string) => {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(body, { status })));
};

describe("requests", () => {
  it("leave out what is empty and repeat lists", () => {
    expect(withParams("/api/x", { a: 1, b: "", c: null, d: ["x", "y"], e: false })).toBe("/api/x?a=1&d=x&d=y&e=false");
    expect(withParams("/api/x")).toBe("/api/x");
  });

  it("raise the server's own words, with the position of the wrong character", async () => {
    answer(400, '{"error": {"code": "invalid_input", "message": "Expected a value after \'=\'.", "position": 9}}');
    const error = await request("/api/x").catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ message: "Expected a value after '='.", status: 400, code: "invalid_input", position: 9, isPassing: false });
  });

  it("say what happened when the answer is no JSON", async () => {
    answer(502, "<h1>Bad Gateway</h1>");
    await expect(request("/api/x")).rejects.toMatchObject({ status: 502, isPassing: true });
    answer(200, "<html>");
    await expect(request("/api/x")).rejects.toMatchObject({ code: "not_json" });
  });

  it("tell an unreachable server from a cancelled request", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
    await expect(request("/api/x")).rejects.toMatchObject({ code: "unreachable", status: 0 });
    vi.stubGlobal("fetch", () => Promise.reject(new DOMException("stop", "AbortError")));
    await expect(request("/api/x")).rejects.toHaveProperty("name", "AbortError");
  });

  it("ask for a login once the server wants one, but not because a key was wrong", async () => {
    const asked = vi.fn();
    const stop = onUnauthorized(asked);
    answer(401, '{"error": {"code": "unauthenticated", "message": "A valid API key is needed."}}');
    await expect(request("/api/status")).rejects.toMatchObject({ status: 401 });
    expect(asked).toHaveBeenCalledTimes(1);
    await expect(request("/api/session", { method: "POST", body: { key: "x" } })).rejects.toMatchObject({ status: 401 });
    expect(asked).toHaveBeenCalledTimes(1);
    stop();
  });
});

describe("error bodies", () => {
  it.each([
    ['{"error": {"message": "a", "code": "b", "position": 3}}', { message: "a", code: "b", position: 3 }],
    ['{"error": "plain"}', { message: "plain", code: null, position: null }],
    ["nothing", { message: null, code: null, position: null }],
    ["null", { message: null, code: null, position: null }],
  ])("%s", (text, parsed) => {
    expect(parseErrorBody(text)).toEqual(parsed);
  });
});
