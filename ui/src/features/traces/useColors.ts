import { useMemo } from "react";
import { useColorScheme } from "../../app/preferences";
import { resolveColor, seriesColor } from "../../charts/palette";
import type { BarColors } from "./drawBars";

/** Return the colours that a canvas needs, for the theme in effect. */
export function useBarColors(services: readonly string[]): BarColors {
  const scheme = useColorScheme();
  return useMemo(
    () => ({
      scheme,
      services: services.map((service) => resolveColor(seriesColor(service))),
      text: resolveColor("var(--text)"),
      quiet: resolveColor("var(--text-3)"),
      line: resolveColor("var(--line)"),
      bad: resolveColor("var(--mark-bad)"),
      background: resolveColor("var(--bg)"),
    }),
    [services, scheme],
  );
}

/** Size a canvas for the screen's resolution and return its context, scaled to CSS px. */
export function prepareCanvas(canvas: HTMLCanvasElement | null, width: number, height: number): CanvasRenderingContext2D | null {
  const context = canvas?.getContext("2d") ?? null;
  if (!canvas || !context) return null;
  const ratio = devicePixelRatio;
  const [deviceWidth, deviceHeight] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== deviceWidth) canvas.width = deviceWidth;
  if (canvas.height !== deviceHeight) canvas.height = deviceHeight;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}
