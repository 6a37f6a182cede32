import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** One script with everything in it, for `twin export --format html`: `Parktwin.start(element, bundle)`. */
export default defineConfig({
  plugins: [react()],
  define: { "process.env.NODE_ENV": '"production"' },
  build: {
    outDir: "../static/export",
    emptyOutDir: true,
    target: "es2022",
    cssCodeSplit: false,
    chunkSizeWarningLimit: 4000,
    lib: { entry: "src/export/start.tsx", formats: ["iife"], name: "Parktwin", fileName: () => "parktwin.js", cssFileName: "parktwin" },
    rolldownOptions: { output: { inlineDynamicImports: true } },
  },
});
