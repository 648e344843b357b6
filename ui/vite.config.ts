import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

// Where the API is while developing: the real server, or the mock of dev/mock.mjs.
const target = process.env.CLEARSPAN_URL ?? "http://127.0.0.1:4318";

const LAYERS = "@layer reset,tokens,base,components;";

/**
 * Chunks of CSS may load in any order, and the first one seen decides how the layers rank. So each begins with the
 * order: the line in styles/layers.css does not survive the minifier, and its chunk is not always the first.
 */
const layerOrder: Plugin = {
  name: "layer-order",
  enforce: "post",
  generateBundle(_options, bundle) {
    for (const file of Object.values(bundle))
      if (file.type === "asset" && file.fileName.endsWith(".css")) file.source = LAYERS + String(file.source);
  },
};

export default defineConfig({
  // Relative asset addresses plus <base href>: one build works under any base path.
  base: "./",
  plugins: [react(), layerOrder],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    target: "es2023",
    assetsInlineLimit: 0,
    manifest: true,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 400,
  },
  server: {
    port: 5173,
    strictPort: false,
    proxy: { "/api": target, "/v1": target },
    // The setup page shows the files of docs/snippets.
    fs: { allow: [".", "../docs/snippets"] },
  },
  // The bound of a test is for what hangs: machines that build at the same time are slow.
  test: { environment: "node", include: ["src/**/*.test.{ts,tsx}"], testTimeout: 30_000 },
});
