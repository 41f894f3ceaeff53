import { describe, expect, it } from "vitest";
import { parseSearch, stringifySearch } from "./location";

describe("search parameters", () => {
  it("stay readable and survive the way there and back", () => {
    const search = { from: "now-1h", to: "2026-11-21T10:00:00Z", q: 'service = gateway and note = "a&b+c #1 100%" and duration > 1s' };
    const text = stringifySearch(search);
    expect(text).toContain("from=now-1h&to=2026-11-21T10:00:00Z&q=service+=+gateway");
    expect(parseSearch(text)).toEqual(search);
  });

  it("keeps digits as text and leaves empty ones out", () => {
    expect(parseSearch("?q=00123&page=2")).toEqual({ q: "00123", page: "2" });
    expect(stringifySearch({ q: "", span: undefined })).toBe("");
  });
});
