/** What is in a dead letter, as text, JSON or hexadecimal; and why one cannot be sent anew. */

import type { OpenedLetter } from "../../api/schema";

export type ContentView = "json" | "text" | "hex";

/** Read base64, as the API gives bodies. */
export function decodeBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** Write text as base64 of its UTF-8. */
export function encodeBase64(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""));
}

/** Write JSON with an indent, its numbers as they stand; null where the text is none. */
export function indentJson(text: string): string | null {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  // Not by way of JSON.stringify: it would round large numbers, and 1.0 would become 1.
  let indented = "";
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text.charAt(at);
    if (inString) {
      indented += letter;
      if (letter === "\\") indented += text.charAt((at += 1));
      else if (letter === '"') inString = false;
    } else if (letter === '"') {
      inString = true;
      indented += letter;
    } else if (letter === "{" || letter === "[") {
      const closing = /^\s*[}\]]/.exec(text.slice(at + 1));
      if (closing) {
        indented += letter + closing[0].trim();
        at += closing[0].length;
      } else indented += `${letter}\n${"  ".repeat((depth += 1))}`;
    } else if (letter === "}" || letter === "]") indented += `\n${"  ".repeat((depth -= 1))}${letter}`;
    else if (letter === ",") indented += `,\n${"  ".repeat(depth)}`;
    else if (letter === ":") indented += ": ";
    else if (letter.trim() !== "") indented += letter;
  }
  return indented;
}

const ROW = 16;

/** Write bytes as people read them: offset, hexadecimal, and what of it is ASCII; the first `most` of them. */
export function hexDump(bytes: Uint8Array, most = 16_384): string {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(bytes.length, most); at += ROW) {
    const row = Array.from(bytes.subarray(at, at + ROW));
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const ascii = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(8, "0")}  ${hex.padEnd(ROW * 3 - 1)}  ${ascii}`);
  }
  return lines.join("\n");
}

/** Say why a letter cannot be sent anew from here, and what to do about it; null where it can. */
export function whyNotReplayed({ summary, content, brokers }: OpenedLetter): string | null {
  if (summary.status !== "open") return `It is ${summary.status}. Open it again to send it once more.`;
  if (content === "not_told") {
    return `Its message was too large to be told of, or was kept at home: it lies in ${summary.destination || "its dead letter queue"}. Replay it from there, with gnomon.dead_letters.republish.`;
  }
  if (brokers.length === 0) {
    return `No broker of the kind ${summary.system || "that it came from"} is configured. Add one to brokers in gnomon.yml: ['main=${exampleUrl(summary.system)}'].`;
  }
  return null;
}

const EXAMPLES: Readonly<Record<string, string>> = {
  kafka: "kafka://kafka:9092",
  redis: "redis://redis:6379",
  rabbitmq: "amqp://rabbitmq:5672/",
  nats: "nats://nats:4222",
  sqlite: "sqlite:///var/lib/app/queue.db",
};

const exampleUrl = (system: string) => EXAMPLES[system] ?? "kafka://kafka:9092";
