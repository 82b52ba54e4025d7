/** Puts the models that come along with the page into its folder, out of the package's own fixtures. */
import { readFileSync } from "node:fs";
import type { Plugin } from "vite";

const fixtures = new URL("../tests/fixtures/keras/", import.meta.url);

/** Files of the page by path, and the fixture that each one is. */
const files: Readonly<Record<string, string>> = {
  "examples/experiment.keras": "seed-experiment",
  "examples/motion.keras": "activity-recognition-cnn",
  "examples/ecg.keras": "ecg-residual-network",
};

const modelOf = (fixture: string) => readFileSync(new URL(`${fixture}/model.keras`, fixtures));

/** Emits the examples when the page is built, and serves them while it is worked on. */
export function examples(): Plugin {
  return {
    name: "examples",
    generateBundle() {
      for (const [fileName, fixture] of Object.entries(files))
        this.emitFile({ type: "asset", fileName, source: modelOf(fixture) });
    },
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const fixture = files[(request.url ?? "").slice(1)];
        if (fixture === undefined) next();
        else response.end(modelOf(fixture));
      });
    },
  };
}
