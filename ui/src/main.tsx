import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode, useMemo } from "react";
import { createRoot } from "react-dom/client";
import { createQueryClient } from "./api/queries";
import "./app/styles";
import { startTheme, useColorScheme } from "./app/preferences";
import { createAppRouter } from "./app/router";
import { startShortcuts } from "./app/shortcuts";
import { mantineTheme } from "./app/mantine";

function App() {
  const client = useMemo(() => createQueryClient(), []);
  const router = useMemo(() => createAppRouter(), []);
  return (
    <MantineProvider theme={mantineTheme} forceColorScheme={useColorScheme()}>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  );
}

startTheme();
startShortcuts();
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
