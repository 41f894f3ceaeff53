import { describe, expect, it } from "vitest";
import { conditionText, searchedWords, standOf, typingAt, withCondition, withoutCondition, withTerms } from "./queryText";

/** The cursor stands at the bar. */
function typing(marked: string) {
  const cursor = marked.indexOf("|");
  return typingAt(marked.replace("|", ""), cursor);
}

describe("typingAt", () => {
  it("knows a field that is begun, wherever the cursor stands in it", () => {
    expect(typing("|")).toMatchObject({ kind: "field", prefix: "", start: 0, end: 0 });
    expect(typing("serv|")).toMatchObject({ kind: "field", prefix: "serv", start: 0, end: 4 });
    expect(typing("se|rvice")).toMatchObject({ kind: "field", prefix: "se", start: 0, end: 7 });
    expect(typing("a = 1 and http.st|")).toMatchObject({ kind: "field", prefix: "http.st", start: 10, end: 17 });
    expect(typing("a = 1 and |")).toMatchObject({ kind: "field", prefix: "" });
    expect(typing("-serv|")).toMatchObject({ kind: "field", prefix: "serv", start: 1 });
    expect(typing("(serv|")).toMatchObject({ kind: "field", prefix: "serv", start: 1 });
  });

  it("knows when an operator is due", () => {
    expect(typing("service |")).toMatchObject({ kind: "operator", field: "service", start: 8 });
  });

  it("knows a value and its field", () => {
    expect(typing("service = |")).toMatchObject({ kind: "value", field: "service", prefix: "" });
    expect(typing("service:gate|")).toMatchObject({ kind: "value", field: "service", prefix: "gate", start: 8, end: 12 });
    expect(typing('name = "GET /a|')).toMatchObject({ kind: "value", field: "name", prefix: "GET /a", start: 7 });
    expect(typing("server.address = host:8|")).toMatchObject({ kind: "value", field: "server.address", prefix: "host:8" });
  });

  it("starts anew after a value", () => {
    expect(typing("service = gateway |")).toMatchObject({ kind: "field", prefix: "" });
    expect(typing('name = "GET /a" |')).toMatchObject({ kind: "field", prefix: "" });
  });
});

describe("withCondition", () => {
  it("adds to what is there", () => {
    expect(withCondition("", "service", "gateway", "=")).toBe("service:gateway");
    expect(withCondition("duration > 1s", "name", "GET /a", "=")).toBe('duration > 1s name:"GET /a"');
  });

  it("replaces another value of the same field, and the opposite", () => {
    expect(withCondition("service = a and duration > 1s", "service", "b", "=")).toBe("duration > 1s service:b");
    expect(withCondition("service:a", "service", "a", "!=")).toBe("service!=a");
  });

  it("keeps several values that are shut out", () => {
    expect(withCondition("service != a", "service", "b", "!=")).toBe("service != a service!=b");
  });

  it("joins as the query does", () => {
    expect(withCondition("service = a and duration > 1s", "name", "b", "=")).toBe("service = a and duration > 1s and name:b");
  });

  it("puts alternatives in parentheses", () => {
    expect(withCondition("service = a or service = b", "status", "error", "=")).toBe("(service = a or service = b) status:error");
  });
});

it("takes a condition out, with its and", () => {
  expect(withoutCondition("service = a and status = error", "service", "a")).toBe("status = error");
  expect(withoutCondition("service = a and status = error", "status", "error")).toBe("service = a");
  expect(withoutCondition("service:a status:error", "status", "error")).toBe("service:a");
});

it("tells how a query limits a value", () => {
  expect(standOf("service:a and status != ok", "service", "a")).toBe("only");
  expect(standOf("service:a and status != ok", "status", "ok")).toBe("not");
  expect(standOf("service:a", "service", "b")).toBeNull();
});

it("quotes what needs it", () => {
  expect(conditionText("odd field", 'say "hi"')).toBe('"odd field":"say \\"hi\\""');
  expect(conditionText("host", "10.0.0.1:80")).toBe("host:10.0.0.1:80");
});

it("keeps a value with line breaks on one line, and knows it again", () => {
  const text = conditionText("body", "first\nsecond\\d");
  expect(text).toBe('body:"first\\nsecond\\\\d"');
  expect(standOf(text, "body", "first\nsecond\\d")).toBe("only");
});

it("tells which words are looked for in text", () => {
  expect(searchedWords('service:gateway "connection reset" -healthcheck *time*out* and not refused')).toEqual(["connection reset", "time", "out"]);
  expect(searchedWords("level>=warn body~retry")).toEqual(["retry"]);
  expect(searchedWords("")).toEqual([]);
});

it("adds terms to a query, to all of its alternatives", () => {
  expect(withTerms("", '"connection reset"')).toBe('"connection reset"');
  expect(withTerms("service:a", "failed")).toBe("service:a failed");
  expect(withTerms('service:a or "b or c"', "failed")).toBe('(service:a or "b or c") failed');
  expect(withTerms('"b or c"', "failed")).toBe('"b or c" failed');
});
