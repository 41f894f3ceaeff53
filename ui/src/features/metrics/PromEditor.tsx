import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, completionStatus, startCompletion } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, insertNewline } from "@codemirror/commands";
import { bracketMatching, forceParsing } from "@codemirror/language";
import { type Diagnostic, forceLinting, linter, lintKeymap } from "@codemirror/lint";
import { Compartment, EditorState, Prec } from "@codemirror/state";
import { EditorView, keymap, placeholder as placeholderOf } from "@codemirror/view";
import { PromQLExtension } from "@prometheus-io/codemirror-promql";
import { useEffect, useRef } from "react";
import { metricsClient } from "./metricsClient";
import { promEditorTheme } from "./promEditorTheme";
import { promHover } from "./promHover";
import type { PromInputProps } from "./PromInput";
import { errorPlace } from "./usePromQueries";

const PARSING_MS = 500;

/** The editor of PromQL, with CodeMirror in it: loaded when somebody comes to write. Use PromInput. */
export default function PromEditor(props: PromInputProps) {
  const { value, label, placeholder = "", error = null, templated = false, autoFocus = false } = props;
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });

  useEffect(() => {
    if (!host.current) return undefined;
    const named = new Compartment();
    // What variables stand for is not known here: the parser would call each of them a mistake.
    const language = new PromQLExtension().setComplete({ remote: metricsClient }).activateLinter(!templated);
    const run = (editor: EditorView) => {
      latest.current.onRun?.(editor.state.doc.toString());
      return true;
    };
    const created = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: latest.current.value,
        extensions: [
          promEditorTheme,
          history(),
          bracketMatching(),
          closeBrackets(),
          autocompletion({ icons: false, maxRenderedOptions: 60, interactionDelay: 0 }),
          EditorView.lineWrapping,
          language.asExtension(),
          linter((editor) => refusal(editor.state, latest.current.error ?? null), { delay: 0 }),
          promHover,
          placeholderOf(placeholder),
          named.of(EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false", autocorrect: "off", autocapitalize: "off" })),
          // Below the keys of completion, which takes Enter while it is open.
          Prec.high(
            keymap.of([
              {
                key: "Enter",
                run: (editor) => completionStatus(editor.state) !== "active" && run(editor),
                shift: insertNewline,
              },
              { key: "Mod-Enter", run },
              { key: "Ctrl-Space", run: startCompletion },
              {
                key: "Escape",
                run: (editor) => {
                  if (completionStatus(editor.state) !== null) return false;
                  editor.contentDOM.blur();
                  return true;
                },
              },
            ]),
          ),
          keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...lintKeymap, ...defaultKeymap]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString());
          }),
          EditorView.domEventHandlers({
            blur: (_, editor) => {
              latest.current.onLeave?.(editor.state.doc.toString());
            },
          }),
        ],
      }),
    });
    view.current = created;
    // On a busy machine the parser gives up in the middle, and what is not parsed yet would be called a mistake.
    forceParsing(created, created.state.doc.length, PARSING_MS);
    if (autoFocus) created.focus();
    return () => {
      language.destroy();
      created.destroy();
      view.current = null;
    };
    // Rebuilt for what cannot change in a living editor alone.
  }, [templated, placeholder, label, autoFocus]);

  useEffect(() => {
    const editor = view.current;
    if (!editor || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
    forceParsing(editor, value.length, PARSING_MS);
  }, [value]);

  useEffect(() => {
    if (view.current) forceLinting(view.current);
  }, [error]);

  return <div ref={host} style={{ minWidth: 0 }} />;
}

/** Mark what the server refused where it says that it is wrong, as long as the text is the one that it refused. */
function refusal(state: EditorState, error: { message: string; expression: string } | null): Diagnostic[] {
  if (error?.expression !== state.doc.toString()) return [];
  const place = errorPlace(error.message);
  if (!place || place.line > state.doc.lines) return [];
  const line = state.doc.line(place.line);
  const from = Math.min(line.from + place.column - 1, state.doc.length);
  const rest = /^[\w:]+/.exec(state.sliceDoc(from, line.to))?.[0].length ?? 1;
  return [{ from: Math.min(from, Math.max(0, state.doc.length - 1)), to: Math.min(from + rest, state.doc.length), severity: "error", message: place.words }];
}
