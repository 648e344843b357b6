import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// Where the API is while developing: the real server, or the mock of dev/mock.mjs.
const target = process.env.CLEARSPAN_URL ?? "http://127.0.0.1:4318";

export default defineConfig({
  // Relative asset addresses plus <base href>: one build works under any base path.
  base: "./",
  plugins: [react()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    target: "es2023",
    assetsInlineLimit: 0,
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
  test: { environment: "node", include: ["src/**/*.test.{ts,tsx}"] },
});
