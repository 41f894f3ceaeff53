import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { type Search, sharedSearch } from "../app/location";

export interface PageLinkProps {
  to: string;
  search?: Search | undefined;
  children: ReactNode;
  className?: string | undefined;
  title?: string | undefined;
  "aria-label"?: string | undefined;
}

/** Link to another page of Gnomon; the time range goes along, `search` is added. */
export function PageLink({ to, search, children, ...rest }: PageLinkProps) {
  return (
    <Link to={to} search={((previous: Search) => ({ ...sharedSearch(previous), ...search }))} {...rest}>
      {children}
    </Link>
  );
}
