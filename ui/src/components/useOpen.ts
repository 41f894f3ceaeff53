import { useNavigate } from "@tanstack/react-router";
import { useCallback } from "react";
import type { Target } from "../app/links";
import { type Search, sharedSearch } from "../app/location";

/** Return a function that goes to another page of Gnomon, as PageLink does: for keys and clicks on charts. */
export function useOpen(): (target: Target) => void {
  const navigate = useNavigate();
  return useCallback(
    ({ to, search }) => {
      void navigate({ to, search: ((previous: Search) => ({ ...sharedSearch(previous), ...search })) });
    },
    [navigate],
  );
}
