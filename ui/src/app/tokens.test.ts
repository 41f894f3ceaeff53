import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { PALETTE_SIZE } from "../charts/palette";
import { colorDistance, contrastRatio } from "./colors";

const css = readFileSync(new URL("tokens.css", import.meta.url), "utf8");

function theme(name: string): Record<string, string> {
  const block = css.slice(css.indexOf(`[data-theme="${name}"]`)).split("}")[0] ?? "";
  return Object.fromEntries([...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map(([, token = "", value = ""]) => [token, value]));
}

const TEXT = ["text", "text-2", "text-3", "accent", "good", "warn", "bad"];
const SURFACES = ["bg", "surface", "raised", "hover"];
const MARKS = [
  ...Array.from({ length: PALETTE_SIZE }, (_, index) => `series-${index + 1}`),
  ...["trace", "debug", "info", "warn", "error", "fatal"].map((level) => `level-${level}`),
  ...["mark-good", "mark-warn", "mark-bad", "mark-neutral", "line-strong"],
];

describe.each(["dark", "light"])("the %s theme", (name) => {
  const tokens = theme(name);
  const ratio = (a: string, b: string) => contrastRatio(tokens[a] ?? "missing", tokens[b] ?? "missing");

  it.each(TEXT.flatMap((text) => SURFACES.map((surface) => [text, surface] as const)))("reads %s on %s at 4.5 : 1", (text, surface) => {
    expect(ratio(text, surface)).toBeGreaterThanOrEqual(4.5);
  });

  it.each([
    ["text", "selected"],
    ["text-2", "selected"],
    ["text-3", "selected"],
    ["on-accent", "accent-fill"],
    ["text", "bad-soft"],
    ["text-3", "bad-soft"],
    ["bad", "bad-soft"],
    ["warn", "warn-soft"],
    ["good", "good-soft"],
  ])("reads %s on %s at 4.5 : 1", (text, surface) => {
    expect(ratio(text, surface)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(MARKS.flatMap((mark) => ["bg", "surface"].map((surface) => [mark, surface] as const)))("shows %s on %s at 3 : 1", (mark, surface) => {
    expect(ratio(mark, surface)).toBeGreaterThanOrEqual(3);
  });

  it.each(["full", "protan", "deutan"] as const)("keeps all series colours apart for %s sight", (sight) => {
    for (let one = 1; one <= PALETTE_SIZE; one += 1) {
      for (let other = 1; other < one; other += 1) {
        const [a = "", b = ""] = [tokens[`series-${one}`], tokens[`series-${other}`]];
        expect(colorDistance(a, b, sight), `${a} and ${b}`).toBeGreaterThan(0.06);
      }
    }
  });
});

describe("the contrast ratio", () => {
  it("is 21 between black and white, 1 between equals", () => {
    expect(contrastRatio("#000000", "#ffffff")).toBeCloseTo(21);
    expect(contrastRatio("#777777", "#777777")).toBe(1);
    // A pair that WCAG's own documents name.
    expect(contrastRatio("#767676", "#ffffff")).toBeCloseTo(4.54, 2);
  });
});
