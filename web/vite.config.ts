/** Builds the page into dist/, a static folder that any host serves under any path. */
import { defineConfig } from "vite";
import { examples } from "./examples-plugin.ts";
import { offline } from "./offline-plugin.ts";

export default defineConfig({
  base: "./",
  build: { target: "es2022", modulePreload: { polyfill: false }, assetsInlineLimit: 0, reportCompressedSize: false },
  worker: { format: "es" },
  plugins: [examples(), offline()],
});
