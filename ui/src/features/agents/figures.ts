/** Figures of agents as people read them. */

import { formatNumber, MISSING } from "../../format/numbers";

/** Write how many attempts are under way at a time: `0.42`, `12.1`; what is hardly anything as such. */
export const formatLoad = (load: number): string => (load > 0 && load < 0.001 ? "< 0.001" : formatNumber(load));

/** Write a trust score, 0 to 1, with two decimals. */
export const formatTrust = (score: number | null | undefined): string => (typeof score === "number" ? score.toFixed(2) : MISSING);
