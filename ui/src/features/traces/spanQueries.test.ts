import { expect, it } from "vitest";
import { attributeField } from "./spanQueries";

it("names attributes so that a search takes them for nothing else", () => {
  expect(attributeField({ key: "http.route" }, "span")).toBe("http.route");
  expect(attributeField({ key: "status" }, "span")).toBe("attributes.status");
  expect(attributeField({ key: "resource.id" }, "span")).toBe("attributes.resource.id");
  expect(attributeField({ key: "service.name" }, "resource")).toBe("resource.service.name");
});
