/** Changes in words. */

import type { Change } from "../../api/schema";

/** Say a change in a sentence of a few words. */
export function describeChange({ kind, service, name, before, after }: Change): string {
  const what = name ? `${service} ${name}` : service;
  const values = before && after ? `: ${before} → ${after}` : after ? `: ${after}` : before ? `: was ${before}` : "";
  switch (kind) {
    case "new_service":
      return `New service ${service}`;
    case "new_operation":
      return `New operation ${what}`;
    case "new_version":
      return `New version of ${service}${values}`;
    case "more_errors":
      return `More errors in ${what}${values}`;
    case "slower":
      return `Slower ${what}${values}`;
    case "gone_service":
      return `${service} sends no more`;
    default:
      return `${kind.replaceAll("_", " ")} ${what}${values}`;
  }
}
