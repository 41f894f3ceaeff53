/** What a word of a query means: functions, keywords, and what the store knows of a metric. */

import { hoverTooltip } from "@codemirror/view";
import {
  aggregateOpModifierTerms,
  aggregateOpTerms,
  binOpModifierTerms,
  functionIdentifierTerms,
} from "@prometheus-io/codemirror-promql/dist/esm/complete/promql.terms";
import { request } from "../../api/client";

interface Term {
  label: string;
  detail?: string;
  info?: string;
}

const TERMS = new Map(
  ([functionIdentifierTerms, aggregateOpTerms, aggregateOpModifierTerms, binOpModifierTerms] as Term[][]).flat().map((term) => [term.label, term]),
);

interface Metadata {
  type: string;
  help: string;
  unit: string;
}

const known = new Map<string, Promise<readonly Metadata[]>>();

/** Ask what a metric is, once. */
function metadataOf(metric: string): Promise<readonly Metadata[]> {
  let asked = known.get(metric);
  if (!asked) {
    asked = request<{ data: Record<string, readonly Metadata[]> }>("/api/v1/metadata", { params: { metric } })
      .then(({ data }) => data[metric] ?? [])
      .catch(() => {
        known.delete(metric);
        return [];
      });
    known.set(metric, asked);
  }
  return asked;
}

/** Names under which the metadata of a series of a histogram or summary stands. */
export function metadataNames(name: string): string[] {
  const family = name.replace(/_(bucket|sum|count|total|created|info)$/, "");
  return family === name ? [name] : [name, family];
}

/** A card for the word under the pointer. */
export const promHover = hoverTooltip(async (view, position) => {
  const line = view.state.doc.lineAt(position);
  const at = position - line.from;
  const word = [...line.text.matchAll(/[a-zA-Z_:][\w:.]*/g)].find((match) => match.index <= at && at <= match.index + match[0].length);
  if (!word) return null;
  const name = word[0];
  const term = TERMS.get(name);
  const next = line.text.slice(word.index + name.length).trimStart();
  let rows: [string, string][] | null = null;
  if (term && (next.startsWith("(") || !(term.detail ?? "").includes('function'))) rows = [[term.detail ?? "keyword", term.info ?? ""]];
  else if (/^[a-zA-Z_:][\w:]*$/.test(name) && !next.startsWith("(")) {
    for (const candidate of metadataNames(name)) {
      const found = await metadataOf(candidate);
      if (found.length > 0) {
        rows = found.map(({ type, help, unit }) => [unit ? `${type}, in ${unit}` : type, help]);
        break;
      }
    }
  }
  if (!rows) return null;
  const shown = rows;
  return {
    pos: line.from + word.index,
    end: line.from + word.index + name.length,
    above: true,
    create: () => {
      const dom = document.createElement("div");
      const title = document.createElement("code");
      title.textContent = name;
      dom.append(title);
      for (const [kind, words] of shown.slice(0, 3)) {
        const row = document.createElement("div");
        const quiet = document.createElement("span");
        quiet.className = "quiet";
        quiet.textContent = `${kind}. `;
        row.append(quiet, words);
        dom.append(row);
      }
      return { dom };
    },
  };
});
