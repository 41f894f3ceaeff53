import { Network } from "lucide-react";
import type { Page } from "../../app/pages";

export const pages: readonly Page[] = [
  {
    path: "/services",
    title: "Services",
    load: () => import("./ServicesPage"),
    rail: { icon: Network, key: "v", order: 30 },
  },
  { path: "/services/map", title: "Service map", load: () => import("./ServiceMapPage") },
  { path: "/services/$service", title: "Service", load: () => import("./ServicePage") },
];
