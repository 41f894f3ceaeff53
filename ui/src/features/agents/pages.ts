import { Bot } from "lucide-react";
import type { Page } from "../../app/pages";

export const pages: readonly Page[] = [
  { path: "/agents", title: "Agents", load: () => import("./AgentsPage"), rail: { icon: Bot, key: "a", order: 22 } },
  { path: "/agents/handoffs", title: "Hand-offs", load: () => import("./HandOffsPage") },
  { path: "/agents/of/$agent", title: "Agent", load: () => import("./AgentPage") },
];
