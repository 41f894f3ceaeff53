import { CircleDollarSign } from "lucide-react";
import type { Page } from "../../app/pages";

export const pages: readonly Page[] = [
  { path: "/costs", title: "Costs", load: () => import("./CostsPage"), rail: { icon: CircleDollarSign, key: "p", order: 82 } },
];
