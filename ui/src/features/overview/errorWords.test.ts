import { expect, it } from "vitest";
import { errorWords } from "./errorWords";

it.each([
  ["httpx.ReadTimeout", "timed out", "ReadTimeout: timed out"],
  ["ZeroDivisionError", "ZeroDivisionError: division by zero", "ZeroDivisionError: division by zero"],
  ["404", "", "404 GET /x"],
  ["", "", "GET /x"],
  ["", "broken pipe", "broken pipe"],
])("says %j and %j once", (type, message, words) => {
  expect(errorWords({ error_type: type, message, name: "GET /x" })).toBe(words);
});
