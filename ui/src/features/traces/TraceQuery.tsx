import { QueryLine, useQueryDraft } from "../../components/QueryLine";
import { useSuggestions } from "./useSuggestions";

interface TraceQueryProps {
  query: string;
  onQuery: (query: string) => void;
  error: Error | null;
}

/** The line in which traces are searched for. */
export function TraceQuery({ query, onQuery, error }: TraceQueryProps) {
  const draft = useQueryDraft(query);
  const suggestions = useSuggestions(draft.typing, draft.open);
  return (
    <QueryLine
      draft={draft}
      query={query}
      onQuery={onQuery}
      error={error}
      suggestions={suggestions}
      label="Search traces"
      placeholder="service = gateway and duration > 1s and http.response.status_code >= 500"
    />
  );
}
