/** One way to write a value of each unit, for charts and tables that carry the unit beside the number. */

import { formatDuration } from "./durations";
import { formatBytes, formatNumber, formatRate, formatShare, type Unit } from "./numbers";

const FORMATS: Record<Unit, (value: number | null | undefined) => string> = {
  count: formatNumber,
  rate: formatRate,
  duration: formatDuration,
  bytes: formatBytes,
  share: formatShare,
};

/** Write `value` in its unit; an en dash when it is missing. Durations are in nanoseconds, shares between 0 and 1. */
export function formatValue(value: number | null | undefined, unit: Unit): string {
  return FORMATS[unit](value);
}
