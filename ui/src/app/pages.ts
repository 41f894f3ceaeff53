/** The pages that exist: each feature lists its own in `features/<noun>/pages.ts`, and the rail, the palette and the router follow. */

import type { ComponentType } from "react";

export interface Page {
  /** Route as TanStack Router writes it: `/traces/$traceId`. */
  path: string;
  title: string;
  /** Loaded when the page is first visited: `() => import("./TracesPage")`, a default export. */
  load: () => Promise<{ default: ComponentType }>;
  /** Where it stands in the rail; a page without is reached by links. */
  rail?: {
    icon: ComponentType<{ size?: number; strokeWidth?: number }>;
    /** Opens the page after `g`. */
    key: string;
    order: number;
    /** Path of the page that it is indented under. */
    under?: string;
    /** The name in the rail where it differs from the title. */
    label?: string;
  };
}

const modules = import.meta.glob<{ pages: readonly Page[] }>("../features/*/pages.ts", { eager: true });

export const pages: readonly Page[] = Object.values(modules).flatMap((module) => module.pages);

/** Pages in the rail, in their order. */
export const railPages: readonly (Page & { rail: NonNullable<Page["rail"]> })[] = pages
  .filter((page): page is Page & { rail: NonNullable<Page["rail"]> } => page.rail !== undefined)
  .sort((a, b) => a.rail.order - b.rail.order);
