/**
 * onnxruntime: the same by onnxruntime-web in place of the engine: the same adapter, protocol and batching
 *
 *     node onnxruntime.js MODEL.onnx SHAPES.json        shapes of its input and output, without the batch
 */
import { readFileSync } from "node:fs";
import { serve } from "channelwise/serve";
import { listen } from "../../dist/serve.node.js";
import { onnxruntimeContender } from "../peers/onnxruntime.js";

const [, , file, shapes] = process.argv;
const { input, output } = JSON.parse(readFileSync(shapes, "utf8"));
const { run } = await onnxruntimeContender(readFileSync(file), input.shape);
/** A session runs one thing at a time. @type {Promise<unknown>} */
let last = Promise.resolve();

const port = (/** @type {{ name: string, shape: number[] }} */ { name, shape }) => ({
  name,
  layout: shape.length === 2 ? "NLC" : "NC",
  shape: [null, ...shape],
  type: /** @type {const} */ ("float32"),
});

/** @type {import("../../src/serve.ts").ServedModel} */
const model = {
  inputs: [port(input)],
  outputs: [port(output)],
  threads: 2, // it answers with a promise
  predictAll: () => [],
  predictAsync(inputs) {
    const { data, shape } = inputs[input.name];
    const done = last.then(async () => {
      const result = Float32Array.from(await run(/** @type {Float32Array} */ (data)));
      return { data: result, shape: [shape[0] ?? 1, ...output.shape], layout: "NC" };
    });
    last = done.catch(() => {});
    return done;
  },
};
const server = await listen(serve({ motion: model }, { onError: console.error }), { port: 0 });
console.log(`http://127.0.0.1:${server.address().port}/`);
