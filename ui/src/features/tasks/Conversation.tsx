import { Bot, ChevronDown, ChevronRight, CornerDownRight, Lock, MessageSquareText, Settings2, UserRound, Wrench } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useApi } from "../../api/queries";
import type { CallCost, ChatMessage, Conversation as Said, MessagePart, WorkSpan } from "../../api/schema";
import { taskLink, tasksLink } from "../../app/links";
import { CopyButton } from "../../components/Copyable";
import { PageLink } from "../../components/PageLink";
import { QueryView, Skeleton } from "../../components/states";
import { formatDuration, SECOND_NS } from "../../format/durations";
import { formatMoney, formatMoneyExactly } from "../../format/money";
import { formatCount, threeDigits } from "../../format/numbers";
import styles from "./Conversation.module.css";
import { Price } from "./Price";

/** What a span of a model, an agent or a tool is about: model, tokens, price, and what was said. */
export function Conversation({ traceId, spanId }: { traceId: string; spanId: string }) {
  const path = `/api/llm/spans/${traceId}/${spanId}`;
  const query = useApi<Said>(path);
  const hasTokens = query.data !== undefined && query.data.span.input_tokens + query.data.span.output_tokens > 0;
  const cost = useApi<CallCost>(`${path}/cost`, {}, { enabled: hasTokens });
  return (
    <QueryView query={query} failed="What was said could not be read" skeleton={<Skeleton rows={5} />}>
      {(said) => (
        <section className={styles.conversation} aria-label="Conversation">
          <Figures span={said.span} />
          {hasTokens && cost.data && <CallPrice cost={cost.data} />}
          {hasTokens && cost.error && cost.data === undefined && <p className="quiet">Its price could not be read: {cost.error.message}</p>}
          <Messages said={said} />
          <More said={said} />
        </section>
      )}
    </QueryView>
  );
}

function Figures({ span }: { span: WorkSpan }) {
  const { duration_ns: whole, first_token_ns: first, output_tokens: output } = span;
  const writing = first === null ? whole : whole - first;
  const figures: [string, ReactNode, string?][] = [
    ["Model", span.model && <span title={span.provider}>{span.model}</span>],
    ["Tool", span.tool],
    ["Provider", span.provider],
    ["Agent", span.agent && <PageLink {...tasksLink({ agent: span.agent.replace(/[\\,]/g, "\\$&") })}>{span.agent}</PageLink>],
    ["Task", span.task_id && <PageLink {...taskLink(span.task_id)}>{span.task_id}</PageLink>],
    ["First token after", first !== null && formatDuration(first)],
    ["Tokens a second", span.kind === "llm" && output > 1 && writing > 0 && threeDigits(output / (writing / SECOND_NS)), "Of output, from the first one on"],
    ["Finished because", span.finish_reason.replaceAll("_", " ")],
  ];
  return (
    <dl className={styles.figures}>
      {figures.map(([name, value, hint]) =>
        value === "" || value === false ? null : (
          <div key={name} title={hint}>
            <dt>{name}</dt>
            <dd className="number">{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

/** Tokens by kind, each with its price. */
function CallPrice({ cost: { cost, price, counted } }: { cost: CallCost }) {
  return (
    <p className={styles.price}>
      <span>
        Price <Price cost={cost} />
      </span>
      {price && (
        <span className="quiet" title={[`Input ${formatMoneyExactly(cost.input_nd)}`, `from caches ${formatMoneyExactly(cost.cached_nd)}`, `output ${formatMoneyExactly(cost.output_nd)}`].join("\n")}>
          a million tokens {formatMoney(price.input_nd)} in, {formatMoney(price.output_nd)} out, by {price.source} of {price.day}
        </span>
      )}
      {!price && <span className="quiet">Nobody has said what this model costs: unknown is not free. See the setting costs.models.</span>}
      {!counted && <span className="quiet">Another span tells of the same tokens, and counts for totals.</span>}
    </p>
  );
}

function Messages({ said }: { said: Said }) {
  const { span, content, messages, redacted } = said;
  const tokens: string[] = [];
  if (span.input_tokens > 0) tokens.push(`${formatCount(span.input_tokens)} tokens in`);
  if (span.cached_tokens > 0) tokens.push(`${formatCount(span.cached_tokens)} of them from a cache`);
  if (span.cache_write_tokens > 0) tokens.push(`${formatCount(span.cache_write_tokens)} into a cache`);
  if (span.output_tokens > 0) tokens.push(`${formatCount(span.output_tokens)} out`);
  if (span.reasoning_tokens > 0) tokens.push(`${formatCount(span.reasoning_tokens)} of them for reasoning`);
  return (
    <>
      {tokens.length > 0 && <p className="number">{tokens.join(", ")}</p>}
      {content === "forbidden" && (
        <p className={styles.note}>
          <Lock size={13} aria-hidden />
          <span>
            What was said is recorded, but your key may not read it. It needs the scope <code>content</code>.
          </span>
        </p>
      )}
      {content === "not_recorded" && span.kind !== "agent" && (
        <p className={styles.note}>
          <MessageSquareText size={13} aria-hidden />
          <span>The sender did not record what was said. With the SDK: <code>gnomon.setup(record_content=True)</code>.</span>
        </p>
      )}
      {messages.length > 0 && (
        <ol className={styles.messages} aria-label="Messages">
          {messages.map((message, index) => (
            <MessageView key={index} message={message} />
          ))}
        </ol>
      )}
      {redacted > 0 && messages.length > 0 && <p className="quiet">Secrets were masked in {formatCount(redacted)} values of the span.</p>}
    </>
  );
}

const ROLES: Record<string, { word: string; icon: typeof Bot }> = {
  system: { word: "System", icon: Settings2 },
  user: { word: "User", icon: UserRound },
  assistant: { word: "Assistant", icon: Bot },
  tool: { word: "Tool", icon: Wrench },
};

function MessageView({ message: { role, direction, parts, finish_reason: finish } }: { message: ChatMessage }) {
  const look = ROLES[role] ?? { word: role, icon: MessageSquareText };
  return (
    <li className={styles.message} data-direction={direction}>
      <h4>
        <look.icon size={13} aria-hidden /> {look.word}
        {direction === "output" && <span className={styles.answer}>answer</span>}
        {finish !== "" && <span className="quiet">finish: {finish.replaceAll("_", " ")}</span>}
      </h4>
      {parts.length === 0 ? <p className="quiet">empty</p> : parts.map((part, index) => <Part key={index} part={part} />)}
    </li>
  );
}

const LONG = 1_200;

function Part({ part }: { part: MessagePart }) {
  const isText = part.kind === "text";
  if (part.kind === "reasoning") {
    return (
      <Folded title="Reasoning">
        <Text text={part.text} />
      </Folded>
    );
  }
  if (isText) return <Text text={part.text} />;
  const heading = part.kind === "tool_call" ? "calls" : part.kind === "tool_result" ? "answered" : "";
  return (
    <div className={styles.tool}>
      <p>
        <CornerDownRight size={13} aria-hidden /> {heading} <strong>{part.name}</strong> {part.id !== "" && <span className="quiet mono">{part.id}</span>}
      </p>
      <Text text={indented(part.text)} mono />
    </div>
  );
}

function Text({ text, mono = false }: { text: string; mono?: boolean }) {
  const [whole, setWhole] = useState(false);
  const cut = !whole && text.length > LONG;
  return (
    <div className={styles.text} data-mono={mono || undefined}>
      {text === "" ? <span className="quiet">empty</span> : cut ? `${text.slice(0, LONG)}…` : text}
      {cut && (
        <button type="button" onClick={() => setWhole(true)}>
          Show all {formatCount(text.length)} characters
        </button>
      )}
      <span className={styles.copy}>
        <CopyButton text={text} label="Copy the text" words={false} />
      </span>
    </div>
  );
}

function Folded({ title, children }: { title: string; children: ReactNode }) {
  const [isOpen, setOpen] = useState(false);
  const Chevron = isOpen ? ChevronDown : ChevronRight;
  return (
    <div className={styles.folded}>
      <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <Chevron size={13} aria-hidden /> {title}
      </button>
      {isOpen && children}
    </div>
  );
}

/** How the call was asked for: parameters, and the tools that the model was given. */
function More({ said: { parameters, tool_definitions: tools } }: { said: Said }) {
  const entries = Object.entries(parameters);
  return (
    <>
      {entries.length > 0 && (
        <Folded title={`Parameters: ${entries.map(([name]) => name).join(", ")}`}>
          <dl className={styles.parameters}>
            {entries.map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd className="mono">{value}</dd>
              </div>
            ))}
          </dl>
        </Folded>
      )}
      {tools !== "" && (
        <Folded title="Tools that it was given">
          <Text text={indented(tools)} mono />
        </Folded>
      )}
    </>
  );
}

function indented(text: string): string {
  if (!/^[[{]/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
