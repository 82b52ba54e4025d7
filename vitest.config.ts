import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    exclude: ["tests/assembly/**", "**/node_modules/**"],
    testTimeout: 60_000,
    // No test leaves anything behind in a module, so that those of one worker load each but once.
    isolate: false,
    // One for each core: by default one core is left idle.
    maxWorkers: "100%",
    typecheck: { enabled: false },
  },
});
