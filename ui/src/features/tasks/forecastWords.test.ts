import { describe, expect, it } from "vitest";
import { progressOf, remainingWords, silentWords } from "./forecastWords";

const forecast = {
  elapsed_ns: 5e9, samples: 40, usual_p50_ns: 10e9, usual_p99_ns: 20e9, remaining_p50_ns: 6e9, remaining_p90_ns: 12e9, outruns: false, late: false, silent_ns: 0,
};

describe("remainingWords", () => {
  it("says what is likely, and what nearly certain", () => {
    expect(remainingWords(forecast)).toBe("about 6 s, 9 of 10 within 12 s");
  });

  it("says when nothing is known", () => {
    expect(remainingWords({ ...forecast, samples: 0, remaining_p50_ns: null, remaining_p90_ns: null })).toContain("none like it has ended");
    expect(remainingWords({ ...forecast, samples: 3, remaining_p50_ns: null, remaining_p90_ns: null, late: true })).toBe("longer than all of its kind by now, misses its deadline");
  });

  it("marks what outruns its kind", () => {
    expect(remainingWords({ ...forecast, outruns: true })).toBe("longer than 99 % of its kind (20 s)");
  });
});

it("places a task between its beginning and the longest of its kind", () => {
  expect(progressOf(forecast)).toEqual({ done: 0.25, median: 0.5 });
  expect(progressOf({ ...forecast, elapsed_ns: 90e9 })?.done).toBe(1);
  expect(progressOf({ ...forecast, usual_p99_ns: null })).toBeNull();
});

it("mentions silence only when it is long", () => {
  expect(silentWords({ ...forecast, silent_ns: 30e9 })).toBe("");
  expect(silentWords({ ...forecast, silent_ns: 90e9 })).toBe("silent for 1.5 min");
});
