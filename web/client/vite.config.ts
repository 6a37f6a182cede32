import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const server = process.env.PARKTWIN_SERVER ?? "http://127.0.0.1:8000";
const paths = ["/api", "/tiles", "/3dtiles", "/terrain"];

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../static",
    emptyOutDir: true,
    target: "es2022",
    chunkSizeWarningLimit: 1200,
  },
  worker: { format: "es" },
  server: { proxy: Object.fromEntries(paths.map((path) => [path, { target: server, ws: true }])) },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
