import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const server = process.env.PARKTWIN_SERVER ?? "http://127.0.0.1:8000";
const paths = ["/api", "/tiles", "/3dtiles", "/terrain"];

/** Files beside the scripts and styles that the server sends in their place to those who take them. */
function packed(): Plugin {
  return {
    name: "packed",
    apply: "build",
    async writeBundle(options, bundle) {
      const names = Object.keys(bundle).filter((name) => /\.(js|css|html)$/.test(name));
      await Promise.all(names.map((name) => pack(join(options.dir ?? "", name))));
    },
  };
}

async function pack(path: string): Promise<void> {
  const source = await readFile(path);
  await writeFile(`${path}.br`, await promisify(brotliCompress)(source, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }));
  await writeFile(`${path}.gz`, await promisify(gzip)(source, { level: 9 }));
}

export default defineConfig({
  plugins: [react(), packed()],
  build: {
    outDir: "../static",
    emptyOutDir: true,
    target: "es2022",
    chunkSizeWarningLimit: 1200,
    reportCompressedSize: true,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "preload", test: /preload-helper/ },
            { name: "map", test: /node_modules[\\/](@deck\.gl|@luma\.gl|@loaders\.gl|@math\.gl|@probe\.gl|mjolnir\.js|earcut|@mapbox)/ },
            { name: "react", test: /node_modules[\\/](react|react-dom|scheduler|i18next|react-i18next|zustand)[\\/]/ },
          ],
        },
      },
    },
  },
  worker: { format: "es" },
  server: { proxy: Object.fromEntries(paths.map((path) => [path, { target: server, ws: true }])) },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
