import { describe, expect, it } from "vitest";
import type { OpenedLetter } from "../../api/schema";
import { decodeBase64, encodeBase64, hexDump, indentJson, whyNotReplayed } from "./letterContent";

describe("the content of a letter", () => {
  it("is indented as JSON without touching its numbers", () => {
    expect(indentJson('{"id":12345678901234567890,"rate":1.0,"tags":["a, b",{}],"none":[ ]}')).toBe(
      '{\n  "id": 12345678901234567890,\n  "rate": 1.0,\n  "tags": [\n    "a, b",\n    {}\n  ],\n  "none": []\n}',
    );
    expect(indentJson('{"quote": "a \\" b: {"}')).toBe('{\n  "quote": "a \\" b: {"\n}');
    expect(indentJson("not json")).toBeNull();
  });

  it("is shown byte by byte", () => {
    expect(hexDump(new Uint8Array([0, 255, 65, 66]))).toBe(`00000000  00 ff 41 42${" ".repeat(36)}  ..AB`);
    expect(hexDump(new Uint8Array(40)).split("\n")).toHaveLength(3);
  });

  it("survives base64 with letters of any script", () => {
    expect(new TextDecoder().decode(decodeBase64(encodeBase64("héllo ✓")))).toBe("héllo ✓");
  });
});

describe("why a letter cannot be replayed", () => {
  const letter = (changes: Partial<OpenedLetter>, summary: Partial<OpenedLetter["summary"]> = {}) =>
    ({ content: "shown", brokers: ["main"], ...changes, summary: { status: "open", system: "kafka", destination: "orders.dlq", ...summary } }) as OpenedLetter;

  it("is nothing where a broker can take it", () => {
    expect(whyNotReplayed(letter({}))).toBeNull();
  });

  it("names what is missing and what to do", () => {
    expect(whyNotReplayed(letter({ brokers: [] }))).toContain("main=kafka://kafka:9092");
    expect(whyNotReplayed(letter({ content: "not_told" }))).toContain("orders.dlq");
    expect(whyNotReplayed(letter({}, { status: "discarded" }))).toContain("discarded");
  });
});
