import { ListChecks } from "lucide-react";
import type { Page } from "../../app/pages";

export const pages: readonly Page[] = [
  { path: "/tasks", title: "Tasks", load: () => import("./TasksPage"), rail: { icon: ListChecks, key: "k", order: 20 } },
  { path: "/tasks/$taskId", title: "Task", load: () => import("./TaskPage") },
];
