import { ScrollText } from "lucide-react";
import type { Page } from "../../app/pages";

export const pages: readonly Page[] = [
  { path: "/logs", title: "Logs", load: () => import("./LogsPage"), rail: { icon: ScrollText, key: "l", order: 50 } },
];
