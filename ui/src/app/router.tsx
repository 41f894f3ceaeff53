import { createRootRoute, createRoute, createRouter, lazyRouteComponent, type AnyRoute } from "@tanstack/react-router";
import { Frame } from "./Frame";
import { parseSearch, stringifySearch } from "./location";
import { NotFound } from "./NotFound";
import { PageFailed } from "./PageFailed";
import { pages } from "./pages";

/** Build the router from the pages that the features list. */
export function createAppRouter() {
  const root = createRootRoute({ component: Frame, notFoundComponent: NotFound });
  const children: AnyRoute[] = pages.map((page) =>
    createRoute({
      getParentRoute: () => root,
      path: page.path,
      component: lazyRouteComponent(page.load),
      errorComponent: PageFailed,
      staticData: { title: page.title },
    }),
  );
  return createRouter({
    routeTree: root.addChildren(children),
    parseSearch,
    stringifySearch,
    defaultPreload: "intent",
    scrollRestoration: true,
    defaultPendingMs: 150,
  });
}
