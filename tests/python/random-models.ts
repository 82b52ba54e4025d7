/**
 * Writes random networks as cases for check_torch.py: DIR/seed-N/ with model.safetensors, inputs.npz and outputs.npz.
 *
 *     tsc -p tests/python/tsconfig.json && node build/random-models/tests/python/random-models.js DIR COUNT [FIRST]
 *
 * The outputs are those of tests/support/random-keras.ts, which computes them while it draws, so that nothing of the project
 * stands between the network and what PyTorch has to give.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { convert } from "../../src/api/convert.ts";
import { Model } from "../../src/api/model.ts";
import { writeNpz } from "../../src/bytes/npz.ts";
import { kerasGraph } from "../../src/dialects/keras.ts";
import { kernelModule } from "../../src/platform/kernels.ts";
import { randomKerasModel } from "../support/random-keras.ts";

/** Other networks than those of tests/random-models.test.ts. */
const usualFirst = 5000;

const [, , folder = "", count = "0", first = String(usualFirst)] = process.argv;

for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
  const { config, weights, inputs, outputs } = randomKerasModel(seed);
  const name = `seed-${seed}`;
  const graph = kerasGraph({ config: JSON.parse(JSON.stringify(config)), weights, place: [name, "config.json"] });
  const model = new Model(graph, name, "", kernelModule());
  const files = await convert(model, { to: "safetensors" });
  const write = (file: string, bytes: Uint8Array) => writeFileSync(join(folder, name, file), bytes);
  const npz = (
    stem: string,
    arrays: readonly { readonly shape: readonly number[]; readonly data: ArrayLike<number> }[],
  ) =>
    writeNpz(
      new Map(
        arrays.map(({ shape, data }, index) => [
          `${stem}_${index}`,
          { dtype: "float32", shape, data: Float32Array.from(data) },
        ]),
      ),
    );
  mkdirSync(join(folder, name), { recursive: true });
  write("model.safetensors", files.get("model.safetensors")!);
  write("inputs.npz", npz("input", inputs));
  write("outputs.npz", npz("output", outputs));
  model.dispose();
}
