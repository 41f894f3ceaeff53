import { expect, it } from "vitest";
import { templatePieces } from "./templatePieces";

it("parts what varies from what stays", () => {
  expect(templatePieces("Retry <num> to <*> (a < b)")).toEqual([
    { text: "Retry ", isPlace: false },
    { text: "num", isPlace: true },
    { text: " to ", isPlace: false },
    { text: "…", isPlace: true },
    { text: " (a < b)", isPlace: false },
  ]);
});
