import { Settings } from "lucide-react";
import type { Page } from "../../app/pages";

export const pages: readonly Page[] = [
  {
    path: "/settings",
    title: "Settings",
    load: () => import("./SettingsPage"),
    rail: { icon: Settings, key: "s", order: 90 },
  },
];
