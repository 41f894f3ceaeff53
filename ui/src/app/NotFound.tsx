import { EmptyState } from "../components/states";
import { PageLink } from "../components/PageLink";

/** Shown for an address that is no page. */
export function NotFound() {
  return (
    <EmptyState title="There is no such page">
      <p>
        <code>{window.location.pathname}</code> leads nowhere. Go to the <PageLink to="/">overview</PageLink>, or press{" "}
        <kbd>Ctrl K</kbd> to search.
      </p>
    </EmptyState>
  );
}
