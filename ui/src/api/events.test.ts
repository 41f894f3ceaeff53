import { expect, it } from "vitest";
import { readEvents } from "./events";

it("reads whole events and keeps the rest for later", () => {
  const { events, rest } = readEvents(': still here\n\nevent: lines\ndata: {"a":1}\n\nevent: lines\ndata: {"b"');
  expect(events).toEqual([{ type: "lines", data: '{"a":1}' }]);
  expect(rest).toBe('event: lines\ndata: {"b"');
});

it("joins data over several lines, and takes any line ending", () => {
  expect(readEvents("data: a\r\ndata: b\r\n\r\n").events).toEqual([{ type: "message", data: "a\nb" }]);
  expect(readEvents("data:x: y\n\n").events).toEqual([{ type: "message", data: "x: y" }]);
});
