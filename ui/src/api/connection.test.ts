import { expect, it, vi } from "vitest";
import { request } from "./client";
import * as connection from "./connection";

it("is lost by a failed connection, not by an error that the server answers", async () => {
  const note = vi.spyOn(connection, "noteReached");
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  await request("/api/x").catch(() => undefined);
  expect(note).toHaveBeenLastCalledWith(false);
  vi.stubGlobal("fetch", () => Promise.resolve(new Response("{}", { status: 503 })));
  await request("/api/x").catch(() => undefined);
  expect(note).toHaveBeenLastCalledWith(true);
  vi.unstubAllGlobals();
});
