import { describe, expect, it } from "vitest";
import { connectSnippets, reachable } from "./connectSnippets";

const ENDPOINTS = {
  ui: "http://0.0.0.0:1212",
  otlp_http: "http://0.0.0.0:4318",
  otlp_grpc: "0.0.0.0:4317",
  remote_write: "http://0.0.0.0:1212/api/v1/write",
  loki_push: "http://0.0.0.0:1212/loki/api/v1/push",
  jsonl: "http://0.0.0.0:1212/ingest/jsonl",
  jaeger_query: "http://0.0.0.0:1212",
};

describe("snippets", () => {
  it("name the host that the browser reached where the server listens everywhere", () => {
    expect(reachable("http://0.0.0.0:4318", "observe.example")).toBe("http://observe.example:4318");
    expect(reachable("[::]:4317", "::1")).toBe("[::1]:4317");
    expect(reachable("http://127.0.0.1:4318", "observe.example")).toBe("http://127.0.0.1:4318");
    for (const { text } of connectSnippets(ENDPOINTS, "observe.example", false)) {
      expect(text).toContain("observe.example");
      expect(text).not.toContain("0.0.0.0");
    }
  });

  it("carry the key only where one is needed", () => {
    expect(connectSnippets(ENDPOINTS, "h", false).some(({ text }) => text.includes("GNOMON_KEY"))).toBe(false);
    expect(connectSnippets(ENDPOINTS, "h", true).every(({ text }) => text.includes("GNOMON_KEY"))).toBe(true);
  });
});
