import { type RefObject, useEffect, useState } from "react";

/** Tell whether an element is on the screen, or will be after a little scrolling. */
export function useOnScreen(element: RefObject<HTMLElement | null>): boolean {
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const target = element.current;
    if (!target) return undefined;
    const observer = new IntersectionObserver((entries) => setSeen(entries.at(-1)?.isIntersecting ?? false), { rootMargin: "160px" });
    observer.observe(target);
    return () => {
      observer.disconnect();
    };
  }, [element]);
  return seen;
}
