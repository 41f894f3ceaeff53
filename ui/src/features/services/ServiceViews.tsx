import { useRouterState } from "@tanstack/react-router";
import { Segmented } from "../../components/Segmented";
import { useOpen } from "../../components/useOpen";

/** The two views of all services. */
export function ServiceViews() {
  const open = useOpen();
  const path = useRouterState({ select: (state) => state.location.pathname });
  return (
    <Segmented
      label="View"
      value={path === "/services/map" ? "/services/map" : "/services"}
      options={[
        { value: "/services", label: "Table" },
        { value: "/services/map", label: "Map" },
      ]}
      onChange={(to) => open({ to })}
    />
  );
}
