import { expect, it } from "vitest";
import { ingestState } from "./ingest";

const ingest = (spans: number, refused: number) => ({ spans_per_s: spans, log_records_per_s: 0, refused_per_s: refused });

it("tells the worst first", () => {
  expect(ingestState(ingest(5, 1), { oldest_age_s: 60 })).toBe("refusing");
  expect(ingestState(ingest(5, 0), { oldest_age_s: 60 })).toBe("behind");
  expect(ingestState(ingest(0, 0), { oldest_age_s: 0 })).toBe("quiet");
  expect(ingestState(ingest(5, 0), undefined)).toBe("fine");
});
