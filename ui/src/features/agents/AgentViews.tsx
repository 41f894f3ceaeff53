import { useRouterState } from "@tanstack/react-router";
import { Segmented } from "../../components/Segmented";
import { useOpen } from "../../components/useOpen";

/** The two views of all agents. */
export function AgentViews() {
  const open = useOpen();
  const path = useRouterState({ select: (state) => state.location.pathname });
  return (
    <Segmented
      label="View"
      value={path === "/agents/handoffs" ? "/agents/handoffs" : "/agents"}
      options={[
        { value: "/agents", label: "Table" },
        { value: "/agents/handoffs", label: "Hand-offs" },
      ]}
      onChange={(to) => open({ to })}
    />
  );
}
