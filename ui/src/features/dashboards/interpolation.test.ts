import { expect, test } from "vitest";
import { type Bindings, interpolate, readValues, referencedNames, timeBindings, writeValues } from "./interpolation";

const bindings: Bindings = {
  job: { values: ["api"], multi: false },
  node: { values: ["a:1", "b.c:2"], multi: true },
  one: { values: ["a.b"], multi: true },
  all: { values: ["x", "y"], multi: true, raw: ".*" },
  quote: { values: ['a"b'], multi: false },
};

test("a variable stands in three spellings", () => {
  expect(interpolate('{job="$job", b="${job}", c="[[job]]"}', bindings)).toBe('{job="api", b="api", c="api"}');
});

test("several values become an alternative of a regular expression", () => {
  expect(interpolate('{instance=~"$node"}', bindings)).toBe('{instance=~"(a:1|b\\\\.c:2)"}');
  expect(interpolate('{instance=~"$one"}', bindings)).toBe('{instance=~"a\\\\.b"}');
});

test("what stands for all is put in as it is", () => {
  expect(interpolate('{instance=~"$all"}', bindings)).toBe('{instance=~".*"}');
});

test("a value cannot end the string that it stands in", () => {
  expect(interpolate('{a="$quote"}', bindings)).toBe('{a="a\\"b"}');
});

test("formats are asked for by name", () => {
  expect(interpolate("${node:csv} ${node:pipe} ${node:text} ${job:doublequote}", bindings)).toBe('a:1,b.c:2 a:1|b.c:2 a:1, b.c:2 "api"');
});

test("what is no variable stays, as the dollar of a regular expression does", () => {
  expect(interpolate('{a=~"x$", b="$other"}', bindings)).toBe('{a=~"x$", b="$other"}');
  expect(interpolate("$jobs", bindings)).toBe("$jobs");
});

test("windows follow the step and the range", () => {
  const times = timeBindings(30_000, { startMs: 0, endMs: 3_600_000 });
  expect(interpolate("rate(x[$__rate_interval]) y[$__interval] z[$__range] $__range_s", times)).toBe("rate(x[1m]) y[30s] z[3600s] 3600");
  expect(interpolate("[$__rate_interval]", timeBindings(300_000, { startMs: 0, endMs: 1 }))).toBe("[315s]");
});

test("names are found wherever they stand", () => {
  expect(referencedNames('label_values(up{job="$job", a="${b:regex}"}, [[c]])')).toEqual(["job", "b", "c"]);
});

test("values survive the address", () => {
  for (const values of [["a"], ["a", "b,c", "d\\e"], ["$__all"]]) expect(readValues(writeValues(values))).toEqual(values);
});
