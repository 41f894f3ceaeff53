import type { LetterAction } from "../../api/schema";
import { traceLink } from "../../app/links";
import { PageLink } from "../../components/PageLink";

/** What an action was about: where a message went, or why it was laid to rest. */
export function ActionWords({ action }: { action: LetterAction }) {
  const details = readDetails(action.details);
  const text = (name: string) => (typeof details[name] === "string" ? details[name] : "");
  const words = [
    text("error") && `not taken: ${text("error")}`,
    text("topic") && `to ${text("topic")}${details.edited === true ? ", edited" : ""}`,
    text("note") && `“${text("note")}”`,
  ].filter(Boolean);
  return (
    <span title={action.details}>
      {words.join("; ")} {text("trace_id") !== "" && <PageLink {...traceLink(text("trace_id"))}>new trace</PageLink>}{" "}
      {action.batch_id !== "" && (
        <PageLink to="/dead-letters" search={{ view: "replays", replay: action.batch_id }}>
          replay
        </PageLink>
      )}
    </span>
  );
}

function readDetails(json: string): Record<string, unknown> {
  try {
    const details: unknown = JSON.parse(json);
    return typeof details === "object" && details !== null ? (details as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
