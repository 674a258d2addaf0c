import { defineConfig } from "vite";

// The page is static: hashed assets below /assets/, one document, no inline script (the policy forbids it).
export default defineConfig({
  build: {
    target: "es2022",
    sourcemap: true,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    // hls.js is one file of half a megabyte, loaded by the watch page only.
    chunkSizeWarningLimit: 700,
  },
});
