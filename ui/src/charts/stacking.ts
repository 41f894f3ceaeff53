/** Sums that stand on each other. */

type Values = readonly (number | null)[];

interface Stacked {
  /** What is drawn: the sum up to and including each series. */
  sums: (number | null)[][];
  /** The series that each stands on; null for one that stands on zero. */
  below: (number | null)[];
}

/** Stack series as `stackSeries` does, those that run below zero downwards; with `percent`, as shares of what there is. */
export function stackSigned(series: readonly Values[], percent = false): Stacked {
  const isNegative = series.map((values) => values.some((value) => value !== null && value < 0) && values.every((value) => value === null || value <= 0));
  const sums: (number | null)[][] = series.map(() => []);
  const below: (number | null)[] = series.map(() => null);
  for (const negative of [false, true]) {
    const members = series.map((_, index) => index).filter((index) => isNegative[index] === negative);
    const stacked = stackSeries(members.map((index) => series[index] ?? []));
    members.forEach((index, at) => {
      sums[index] = stacked[at] ?? [];
      below[index] = at === 0 ? null : (members[at - 1] ?? null);
    });
  }
  if (!percent) return { sums, below };
  const length = Math.max(0, ...series.map((values) => values.length));
  const whole = Array.from({ length }, (_, at) => series.reduce((sum, values) => sum + Math.abs(values[at] ?? 0), 0));
  return { sums: sums.map((values) => values.map((value, at) => (value === null || !whole[at] ? null : value / whole[at]))), below };
}

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
