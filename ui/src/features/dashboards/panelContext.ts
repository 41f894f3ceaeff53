import { createContext, useCallback, useContext } from "react";
import type { Panel } from "../../api/schema";
import type { MomentRange } from "../../app/timeRange";
import { type Bindings, interpolate, timeBindings } from "./interpolation";

interface PanelContext {
  bindings: Bindings;
  /** Whether the variables have their values: before, no panel asks. */
  ready: boolean;
}

/** What the variables of a dashboard stand for, for the panels in it. */
export const PanelsContext = createContext<PanelContext>({ bindings: {}, ready: true });

/** Return a function that puts the values of all variables into a query. */
export function useExpand(): (expression: string, stepMs: number, range: MomentRange) => string {
  const { bindings } = useContext(PanelsContext);
  return useCallback((expression, stepMs, range) => interpolate(expression, { ...timeBindings(stepMs, range), ...bindings }), [bindings]);
}

/** Put the values of variables into a title or a legend, as people read them. */
export function useWords(): (text: string) => string {
  const { bindings } = useContext(PanelsContext);
  return useCallback(
    (text) => {
      const shown = Object.fromEntries(
        Object.entries(bindings).map(([name, bound]) => [name, bound.raw === undefined ? bound : { ...bound, values: ["All"] }]),
      );
      return interpolate(text, shown, "text");
    },
    [bindings],
  );
}

/** Return a function that puts the values of variables into the address of a link. */
export function useAddress(): (url: string) => string {
  const { bindings } = useContext(PanelsContext);
  return useCallback((url) => interpolate(url, bindings, "percentencode"), [bindings]);
}

export interface PanelProps {
  panel: Panel;
  /** Whether it is on the screen: what is not asks nothing. */
  visible: boolean;
  /** Of its place, in px. */
  width: number;
}
