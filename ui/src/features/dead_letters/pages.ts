import { MailX } from "lucide-react";
import type { Page } from "../../app/pages";

export const pages: readonly Page[] = [
  { path: "/dead-letters", title: "Dead letters", load: () => import("./DeadLettersPage"), rail: { icon: MailX, key: "x", order: 84 } },
  { path: "/dead-letters/$fingerprint", title: "Failure", load: () => import("./FailurePage") },
];
