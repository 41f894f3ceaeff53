import { useMemo } from "react";
import type { UseQueryResult } from "@tanstack/react-query";
import type { Ranged } from "../../api/queries";
import type { LogHistogramResponse } from "../../api/schema";
import { BarHistogram, type BarSeries } from "../../charts/BarHistogram";
import { levelColor, LEVELS } from "../../charts/palette";
import { QueryView, Skeleton } from "../../components/states";

const STACKED = ["unknown", ...LEVELS] as const;
const HEIGHT_PX = 84;

/** Lines over time by level, the most severe on top; drag to zoom. */
export function Histogram({ query }: { query: UseQueryResult<Ranged<LogHistogramResponse>> }) {
  const data = query.data?.data;
  const series = useMemo(
    (): BarSeries[] =>
      STACKED.flatMap((level) => {
        const counts = data?.counts[level];
        return counts ? [{ name: level, color: levelColor(level), counts }] : [];
      }),
    [data],
  );
  return (
    <section aria-label="Lines over time">
      <QueryView query={query} failed="The lines could not be counted" skeleton={<Skeleton rows={1} height={HEIGHT_PX - 8} />}>
        {({ data: histogram, range }) => (
          <BarHistogram
            label="Lines over time by level"
            bucketsMs={histogram.starts_ms}
            bucketMs={histogram.width_ms}
            series={series}
            range={range}
            height={HEIGHT_PX}
          />
        )}
      </QueryView>
    </section>
  );
}
