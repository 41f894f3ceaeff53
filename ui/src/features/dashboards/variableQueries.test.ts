import { expect, test } from "vitest";
import { listedChoices, makeChoices, readVariableQuery } from "./variableQueries";

test("queries are read as Grafana writes them", () => {
  expect(readVariableQuery("label_values(job)")).toEqual({ kind: "values", selector: "", label: "job" });
  expect(readVariableQuery('label_values(node_uname_info{job="$job", a="x,y"}, instance)')).toEqual({
    kind: "values",
    selector: 'node_uname_info{job="$job", a="x,y"}',
    label: "instance",
  });
  expect(readVariableQuery("label_names()")).toEqual({ kind: "names", selector: "" });
  expect(readVariableQuery("metrics(node_.*)")).toEqual({ kind: "metrics", pattern: "node_.*" });
  expect(readVariableQuery("query_result(topk(5, sum by (a) (x)))")).toEqual({ kind: "result", expression: "topk(5, sum by (a) (x))" });
  expect(readVariableQuery("something else")).toBeNull();
});

test("a pattern keeps what fits, and its group", () => {
  expect(makeChoices(["a:1", "b:2", "c"], { regex: "/(.*):.*/", sort: "descending" })).toEqual([
    { value: "b", label: "b" },
    { value: "a", label: "a" },
  ]);
  expect(makeChoices(['x{name="n",id="7"} 1'], { regex: '/name="(?<text>[^"]+)|id="(?<value>[^"]+)/', sort: "none" })[0]?.label).toBe("n");
  expect(makeChoices(["node10", "node2", "node2"], { regex: "", sort: "ascending" }).map(({ value }) => value)).toEqual(["node2", "node10"]);
});

test("choices that are listed may bear names", () => {
  expect(listedChoices(["0.5", "p99 : 0.99"])).toEqual([
    { value: "0.5", label: "0.5" },
    { value: "0.99", label: "p99" },
  ]);
});
