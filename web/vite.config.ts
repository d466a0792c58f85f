import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const server = "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022",
    // The content security policy allows no inlined files, and a preload helper would be one.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1600,
    rolldownOptions: { input: { index: at("index.html"), docs: at("docs.html") } },
  },
  server: { proxy: { "/api": server, "/healthz": server, "/sign-in/": server } },
  test: {
    projects: [
      { test: { name: "unit", include: ["test/**/*.test.{ts,mjs}"] } },
      { test: { name: "e2e", include: ["e2e/**/*.e2e.mjs"], testTimeout: 60_000, hookTimeout: 60_000, fileParallelism: false } },
    ],
  },
});
