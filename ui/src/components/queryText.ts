/** The text of a query: what is being typed, and conditions put in and taken out. The server has the last word on what is valid. */

/** What stands at the cursor: `prefix` of it is typed already, `start` to `end` is what a suggestion replaces. */
export interface Typing {
  kind: "field" | "operator" | "value";
  /** The field that an operator or a value belongs to. */
  field: string;
  prefix: string;
  start: number;
  end: number;
}

interface Token {
  kind: "word" | "quoted" | "operator" | "open" | "close" | "comma";
  text: string;
  start: number;
  end: number;
  /** For quoted text: whether the closing quote is there. */
  closed: boolean;
}

const OPERATOR = /^(?::>=|:<=|!=|!:|<>|=~|!~|:~|:=|==|>=|:>|<=|:<|:|=|~|>|<)/;
const KEYWORDS = new Set(["and", "or", "not", "&&", "||"]);

/** What a backslash in quotes makes of the next character; another backslash is itself. */
const ESCAPES: Partial<Record<string, string>> = { n: "\n", r: "\r", t: "\t", "\\": "\\", '"': '"', "'": "'" };

export const OPERATORS: readonly { text: string; does: string }[] = [
  { text: "=", does: "is" },
  { text: "!=", does: "is not" },
  { text: ">", does: "greater" },
  { text: ">=", does: "at least" },
  { text: "<", does: "less" },
  { text: "<=", does: "at most" },
  { text: "~", does: "contains" },
  { text: "=~", does: "matches a regular expression" },
  { text: "!~", does: "does not match" },
];

function readTokens(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const push = (kind: Token["kind"], length: number, shown?: string, closed = true) => {
    tokens.push({ kind, text: shown ?? text.slice(at, at + length), start: at, end: at + length, closed });
    at += length;
  };
  while (at < text.length) {
    const character = text[at] ?? "";
    const last = tokens.at(-1);
    const operator = OPERATOR.exec(text.slice(at))?.[0];
    if (/\s/.test(character)) at += 1;
    else if (character === "(") push("open", 1);
    else if (character === ")") push("close", 1);
    else if (character === ",") push("comma", 1);
    else if (character === '"' || character === "'") {
      let end = at + 1;
      let content = "";
      while (end < text.length && text[end] !== character) {
        const escape = text[end] === "\\" ? ESCAPES[text[end + 1] ?? ""] : undefined;
        content += escape ?? text[end] ?? "";
        end += escape === undefined ? 1 : 2;
      }
      push("quoted", Math.min(end + 1, text.length) - at, content, end < text.length);
    } else if (operator) push("operator", operator.length);
    else if ((character === "-" || character === "!") && last?.kind !== "operator") at += 1;
    else {
      // A value may hold what would end a field, as the colon of `host:80`.
      const isValue = last?.kind === "operator";
      const length = /^[^\s()",]+/.exec(text.slice(at))?.[0].length ?? 1;
      const word = text.slice(at, at + length);
      const end = isValue ? word.length : word.search(/[:=<>~]|!(?=[=:~])/);
      push("word", end > 0 ? end : length);
    }
  }
  return tokens;
}

/** Return what is being typed at `cursor`. */
export function typingAt(text: string, cursor: number): Typing {
  const tokens = readTokens(text.slice(0, cursor));
  const rest = /^[^\s()",:=<>~]*/.exec(text.slice(cursor))?.[0].length ?? 0;
  const last = tokens.at(-1);
  const before = tokens.at(-2);
  const nothing: Typing = { kind: "field", field: "", prefix: "", start: cursor, end: cursor };
  if (!last) return { ...nothing, end: cursor + rest };
  const touches = last.end === cursor && !(last.kind === "quoted" && last.closed);
  const fieldOf = (operator: number) => {
    const token = tokens.at(operator - 1);
    return token && (token.kind === "word" || token.kind === "quoted") ? token.text : "";
  };
  if (last.kind === "operator") return { kind: "value", field: fieldOf(-1), prefix: "", start: cursor, end: cursor + rest };
  if (last.kind === "word" || last.kind === "quoted") {
    const isValue = before?.kind === "operator";
    if (touches) {
      const common = { prefix: last.text, start: last.start, end: cursor + rest };
      return isValue ? { kind: "value", field: fieldOf(-2), ...common } : { kind: "field", field: "", ...common };
    }
    if (!isValue && !KEYWORDS.has(last.text.toLowerCase())) return { ...nothing, kind: "operator", field: last.text };
  }
  return { ...nothing, end: cursor + rest };
}

interface Term {
  field: string;
  operator: string;
  value: string;
  start: number;
  end: number;
}

/** Return the simple conditions of a query that has neither `or` nor parentheses; null for one that has. */
function simpleTerms(text: string): Term[] | null {
  const tokens = readTokens(text);
  if (tokens.some(({ kind, text: word }) => kind === "open" || (kind === "word" && /^(or|\|\||not)$/i.test(word)))) return null;
  const terms: Term[] = [];
  for (let index = 0; index + 2 < tokens.length; index += 1) {
    const [field, operator, value] = [tokens[index], tokens[index + 1], tokens[index + 2]];
    if (!field || !value || operator?.kind !== "operator") continue;
    if (text[field.start - 1] === "-" || text[field.start - 1] === "!") continue;
    const kind = /^(:|=|==|:=)$/.test(operator.text) ? "=" : /^(!=|!:|<>)$/.test(operator.text) ? "!=" : operator.text;
    terms.push({ field: field.text, operator: kind, value: value.text, start: field.start, end: value.end });
    index += 2;
  }
  return terms;
}

/** Tell how a query limits a field to a value: `only`, `not`, or not at all. */
export function standOf(text: string, field: string, value: string): "only" | "not" | null {
  const term = simpleTerms(text)?.find((one) => one.field === field && one.value === value && (one.operator === "=" || one.operator === "!="));
  return term ? (term.operator === "=" ? "only" : "not") : null;
}

const quoteWord = (text: string, plain: RegExp) =>
  plain.test(text)
    ? text
    : `"${text.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t")}"`;

/** Write a field, in quotes where it needs them. */
export const fieldText = (field: string): string =>
  /^\d+$/.test(field) || KEYWORDS.has(field.toLowerCase()) ? `"${field}"` : quoteWord(field, /^[\w@/$][\w@/$.-]*$/);

/** Write a value, in quotes where it needs them. */
export const valueText = (value: string): string => quoteWord(value, /^[\w./@%+#$&;-][\w./@%+#$&;:-]*$/);

/** Write one condition: `http.route:/answer`, `http.route!=/answer`. */
export const conditionText = (field: string, value: string, operator: "=" | "!=" = "="): string =>
  `${fieldText(field)}${operator === "=" ? ":" : operator}${valueText(value)}`;

/** Return the query with one more condition, joined as the others are; its opposite and the same one with another value of `=` go. */
export function withCondition(text: string, field: string, value: string, operator: "=" | "!="): string {
  const terms = simpleTerms(text);
  const added = conditionText(field, value, operator);
  if (terms === null) return `(${text.trim()}) ${added}`;
  const opposed = terms.filter((term) => term.field === field && (operator === "=" ? term.operator === "=" || term.value === value : term.value === value));
  const kept = opposed.reduceRight((rest, term) => cut(rest, term.start, term.end), text).trim();
  const joint = readTokens(kept).some((token) => token.kind === "word" && /^(and|&&)$/i.test(token.text)) ? " and " : " ";
  return kept === "" ? added : `${kept}${joint}${added}`;
}

/** Return the query with more terms that must be met, too. */
export function withTerms(text: string, terms: string): string {
  const query = text.trim();
  if (query === "") return terms;
  const hasAlternatives = readTokens(query).some((token) => token.kind === "word" && /^(or|\|\|)$/i.test(token.text));
  return `${hasAlternatives ? `(${query})` : query} ${terms}`;
}

/** Return the query without a condition. */
export function withoutCondition(text: string, field: string, value: string): string {
  const term = simpleTerms(text)?.findLast((one) => one.field === field && one.value === value);
  return term ? cut(text, term.start, term.end).trim() : text;
}

/** Cut out a condition, and the `and` that joined it to the rest. */
function cut(text: string, start: number, end: number): string {
  const before = text.slice(0, start).trimEnd();
  const after = text.slice(end).trimStart();
  if (/^(and\b|&&)/i.test(after)) return [before, after.replace(/^(and\b|&&)\s*/i, "")].filter(Boolean).join(" ");
  return [before.replace(/\s*(\band|&&)$/i, ""), after].filter(Boolean).join(" ");
}

/** Return the words and phrases that a query looks for in text, to be marked where they stand; those it shuts out are not among them. */
export function searchedWords(text: string): string[] {
  const tokens = readTokens(text);
  const isOperator = (index: number) => tokens[index]?.kind === "operator";
  return tokens
    .filter((token, index) => {
      if (token.kind !== "word" && token.kind !== "quoted") return false;
      if (isOperator(index + 1)) return false;
      if (isOperator(index - 1)) return /^:?~$/.test(tokens[index - 1]?.text ?? "");
      if (token.kind === "word" && KEYWORDS.has(token.text.toLowerCase())) return false;
      const before = tokens[index - 1];
      return !/[-!]/.test(text[token.start - 1] ?? "") && !(before?.kind === "word" && before.text.toLowerCase() === "not");
    })
    .flatMap((token) => (token.kind === "word" ? token.text.split("*") : [token.text]))
    .filter((word) => word.trim() !== "");
}
