/** CodeMirror in our tokens: right in either theme without being built again. */

import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const surface = {
  border: "1px solid var(--line)",
  borderRadius: "var(--radius)",
  background: "var(--raised)",
  color: "var(--text)",
  boxShadow: "0 4px 12px rgb(0 0 0 / 22%)",
};

const theme = EditorView.theme({
  "&": { background: "transparent", color: "var(--text)", fontSize: "var(--size-mono)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "20px", overflowX: "auto" },
  ".cm-content": { padding: "3px 0", caretColor: "var(--text)" },
  ".cm-line": { padding: "0 8px" },
  ".cm-placeholder": { color: "var(--text-3)" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    background: "color-mix(in srgb, var(--accent) 30%, transparent)",
  },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { background: "var(--selected)", outline: "1px solid var(--line-strong)" },
  ".cm-nonmatchingBracket, &.cm-focused .cm-nonmatchingBracket": { background: "var(--bad-soft)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--mark-bad)", textUnderlineOffset: "3px" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy var(--mark-warn)", textUnderlineOffset: "3px" },
  ".cm-lintPoint::after": { borderBottomColor: "var(--mark-bad)" },
  ".cm-tooltip": surface,
  ".cm-tooltip.cm-tooltip-hover": { maxWidth: "440px", padding: "6px 10px", fontFamily: "var(--font)", fontSize: "var(--size-13)", lineHeight: "20px" },
  ".cm-tooltip-hover code": { fontFamily: "var(--mono)" },
  ".cm-tooltip-hover .quiet": { color: "var(--text-3)" },
  ".cm-diagnostic": { padding: "4px 8px", borderLeft: "3px solid var(--mark-bad)", fontFamily: "var(--font)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--mark-warn)" },
  ".cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", fontSize: "var(--size-mono)", maxHeight: "280px", minWidth: "300px" },
  ".cm-tooltip-autocomplete > ul > li": { padding: "1px 8px", lineHeight: "22px" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { background: "var(--selected)", color: "var(--text)" },
  ".cm-completionMatchedText": { color: "var(--accent)", textDecoration: "none", fontWeight: "600" },
  ".cm-completionDetail": { color: "var(--text-3)", fontStyle: "normal", marginLeft: "12px" },
  ".cm-completionInfo": { ...surface, maxWidth: "340px", padding: "6px 10px", fontFamily: "var(--font)", lineHeight: "18px" },
  ".cm-completionIcon": { display: "none" },
});

const colors = HighlightStyle.define([
  { tag: [tags.function(tags.variableName), tags.keyword, tags.operatorKeyword, tags.modifier], color: "var(--accent)" },
  { tag: tags.labelName, color: "var(--good)" },
  { tag: tags.string, color: "var(--warn)" },
  { tag: tags.number, color: "var(--bad)" },
  { tag: tags.comment, color: "var(--text-3)", fontStyle: "italic" },
  { tag: [tags.operator, tags.paren, tags.squareBracket, tags.brace], color: "var(--text-2)" },
]);

export const promEditorTheme = [theme, syntaxHighlighting(colors)];
