/** Sums that stand on each other. */

type Values = readonly (number | null)[];

/** Return running sums over the series at each point: the last is the total; a point where all are null stays null. */
export function stackSeries(series: readonly Values[]): (number | null)[][] {
  const length = Math.max(0, ...series.map((values) => values.length));
  const totals = Array.from<number>({ length }).fill(0);
  const known = Array.from<boolean>({ length }).fill(false);
  series.forEach((values) => {
    values.forEach((value, index) => {
      if (value !== null) known[index] = true;
    });
  });
  return series.map((values) =>
    Array.from({ length }, (_, index) => {
      const total = (totals[index] ?? 0) + (values[index] ?? 0);
      totals[index] = total;
      return known[index] ? total : null;
    }),
  );
}
