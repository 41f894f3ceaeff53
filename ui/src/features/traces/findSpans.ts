/** Search within a trace. */

import type { Waterfall } from "../../api/schema";

/** Tell whether a text asks about attributes, so that the server has to look: it knows them, the waterfall does not. */
export const asksServer = (text: string): boolean => /[:=<>~]/.test(text);

/** Return the spans whose service, name or id contains every word of a text, ignoring case, in the order of the rows. */
export function findSpans({ services, names, spans }: Pick<Waterfall, "services" | "names" | "spans">, text: string): number[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const found: number[] = [];
  const tables = words.map((word) => ({
    service: services.map((service) => service.toLowerCase().includes(word)),
    name: names.map((name) => name.toLowerCase().includes(word)),
    id: /^[0-9a-f]{4,}$/.test(word) ? word : null,
  }));
  for (let span = 0; span < spans.span_id.length; span += 1) {
    const matches = tables.every(
      (table) =>
        table.service[spans.service[span] ?? -1] === true ||
        table.name[spans.name[span] ?? -1] === true ||
        (table.id !== null && (spans.span_id[span] ?? "").includes(table.id)),
    );
    if (matches) found.push(span);
  }
  return found;
}

/** Return the indexes of the spans with these ids, in the order of the rows. */
export function indexesOf(spanIds: readonly string[], ids: readonly string[]): number[] {
  const wanted = new Set(ids);
  const found: number[] = [];
  spanIds.forEach((id, index) => {
    if (wanted.has(id)) found.push(index);
  });
  return found;
}

/** Return the match after (or before) a span, going round at the end; null without matches. */
export function nextMatch(matches: readonly number[], from: number, direction: -1 | 1): number | null {
  if (matches.length === 0) return null;
  if (direction === 1) return matches.find((match) => match > from) ?? matches[0] ?? null;
  return matches.findLast((match) => match < from) ?? matches.at(-1) ?? null;
}
