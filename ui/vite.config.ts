import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const server = process.env.GNOMON_URL ?? "http://127.0.0.1:1212";

export default defineConfig({
  plugins: [react()],
  server: { proxy: { "/api": server, "/health": server, "/metrics": server } },
  build: {
    outDir: "../src/gnomon/web/static",
    emptyOutDir: true,
    target: "es2022",
    chunkSizeWarningLimit: 600,
    manifest: true,
  },
  test: { include: ["src/**/*.test.ts", "src/**/*.test.tsx"], environment: "node" },
});
