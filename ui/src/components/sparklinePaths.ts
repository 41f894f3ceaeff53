/** Paths of a sparkline. */

interface Paths {
  line: string;
  area: string;
  last: { x: number; y: number } | null;
}

/** Return the SVG paths of a line from zero and of the area under it; nulls interrupt both, a lone point becomes a dash. */
export function sparklinePaths(values: readonly (number | null)[], width: number, height: number, max?: number): Paths {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  const top = Math.max(max ?? 0, ...known) || 1;
  const inset = 2;
  const step = values.length > 1 ? (width - 2 * inset) / (values.length - 1) : 0;
  const x = (index: number) => round(inset + index * step);
  const y = (value: number) => round(height - inset - (Math.max(value, 0) / top) * (height - 2 * inset));
  let line = "";
  let area = "";
  let run: [number, number][] = [];
  let last: Paths["last"] = null;
  const finish = () => {
    const [first] = run;
    const end = run.at(-1);
    if (!first || !end) return;
    const points = run.length === 1 ? [[first[0] - 1, first[1]], [first[0] + 1, first[1]]] : run;
    line += `M${points.map(([px, py]) => `${px} ${py}`).join("L")}`;
    if (run.length > 1) area += `M${first[0]} ${height - inset}L${run.map(([px, py]) => `${px} ${py}`).join("L")}L${end[0]} ${height - inset}Z`;
    run = [];
  };
  values.forEach((value, index) => {
    if (value === null || !Number.isFinite(value)) {
      finish();
      return;
    }
    run.push([x(index), y(value)]);
    last = { x: x(index), y: y(value) };
  });
  finish();
  return { line, area, last };
}

const round = (value: number) => Math.round(value * 10) / 10;
