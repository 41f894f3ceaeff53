import { formatDay } from "../../format/times";

/** Write the day of a moment; days of costs are days in UTC. */
export const formatWhen = (ms: number): string => formatDay(ms, "utc");
