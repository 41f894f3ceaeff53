import { describe, expect, it } from "vitest";
import { lineKeys } from "./lineKeys";
import { attributeField, fieldValue, indentJson, type Line, lineJson, longValue, oneLine, type Resource, shortValue, splitAtWords } from "./lineFields";

const line: Line = {
  id: "1",
  ts_ns: "1795269850122947840",
  observed_ts_ns: "1795269850123081345",
  level: "warn",
  severity: 13,
  severity_text: "WARN",
  service: "worker",
  body: "Retry",
  structured_body: null,
  event_name: null,
  trace_id: null,
  span_id: null,
  attributes: { "task.id": "a", level: "odd", "host.name": "own", nested: { b: [1] } },
  resource_id: "r",
  sent_ts_ns: null,
  dropped_attributes: 0,
  redacted: 0,
};
const resource: Resource = { service: "worker", attributes: { "host.name": "vm", "service.name": "worker" }, scope_name: "retries", scope_version: "", scope_attributes: {} };

describe("fieldValue", () => {
  it("finds built-in fields, attributes of the line, then those of its sender", () => {
    expect(fieldValue(line, resource, "level")).toBe("warn");
    expect(fieldValue(line, resource, "scope")).toBe("retries");
    expect(fieldValue(line, resource, "task.id")).toBe("a");
    expect(fieldValue(line, resource, "host.name")).toBe("own");
    expect(fieldValue(line, resource, "resource.host.name")).toBe("vm");
    expect(fieldValue(line, resource, "attributes.level")).toBe("odd");
    expect(fieldValue(line, undefined, "trace_id")).toBeUndefined();
    expect(fieldValue(line, resource, "constructor")).toBeUndefined();
  });
});

it("names an attribute so that the search finds it and nothing else", () => {
  expect(attributeField("task.id", "line")).toBe("task.id");
  expect(attributeField("level", "line")).toBe("attributes.level");
  expect(attributeField("resource.x", "line")).toBe("attributes.resource.x");
  expect(attributeField("host.name", "resource")).toBe("resource.host.name");
  expect(attributeField("service.name", "resource")).toBe("service");
});

it("shows nested JSON indented, also where it came as text", () => {
  expect(longValue({ b: [1] })).toBe('{\n  "b": [\n    1\n  ]\n}');
  expect(longValue('{"b":1}')).toBe('{\n  "b": 1\n}');
  expect(longValue("plain")).toBe("plain");
  expect(indentJson("[not json")).toBeNull();
  expect(shortValue({ b: 1 })).toBe('{"b":1}');
});

it("keeps a message on one line, without the terminal's colours", () => {
  expect(oneLine("\u001b[31mred\u001b[0m\n  second")).toBe("red ↵ second");
  expect(oneLine("x".repeat(5000))).toHaveLength(601);
});

it("copies a line with its sender and without what is not set", () => {
  expect(JSON.parse(lineJson(line, resource))).toMatchObject({ id: "1", level: "warn", resource: { "host.name": "vm" } });
  expect(JSON.parse(lineJson(line, resource))).not.toHaveProperty("trace_id");
});

it("cuts text at the words that are looked for", () => {
  expect(splitAtWords("Retry after retrying (x)", ["retry", "(x)"])).toEqual(["", "Retry", " after ", "retry", "ing ", "(x)", ""]);
  expect(splitAtWords("text", [])).toEqual(["text"]);
});

it("tells lines apart that are copies of each other", () => {
  expect(lineKeys([{ id: "a" }, { id: "b" }, { id: "a" }, { id: "a" }])).toEqual(["a", "b", "a#1", "a#2"]);
});
