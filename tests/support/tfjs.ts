/**
 * TensorFlow.js itself, on its plain backend: what it loads out of the files of a model, and what it gives.
 */
import * as tf from "@tensorflow/tfjs";
import type { TensorData } from "../../src/tensor.ts";

/** The model that TensorFlow.js loads, as from a server that has these files. */
export async function loadInTfjs(files: ReadonlyMap<string, Uint8Array>): Promise<tf.LayersModel> {
  await tf.setBackend("cpu");
  const fetchFunc = async (url: string) => {
    const name = url.slice(url.lastIndexOf("/") + 1);
    const type = name.endsWith(".json") ? "application/json" : "application/octet-stream";
    return new Response(Buffer.from(files.get(name)!), { headers: { "content-type": type } });
  };
  return tf.loadLayersModel(tf.io.http("http://models.test/model.json", { fetchFunc: fetchFunc as typeof fetch }));
}

/** What a model of TensorFlow.js gives for its inputs, in their order; arrays and shapes, batch first. */
export function predictInTfjs(
  model: tf.LayersModel,
  inputs: readonly { readonly data: TensorData; readonly shape: readonly number[] }[],
): { readonly data: TensorData; readonly shape: readonly number[] }[] {
  const given = inputs.map(({ data, shape }, index) =>
    tf.tensor(Array.from(data), [...shape], model.inputs[index]!.dtype as "float32" | "int32" | "bool"),
  );
  const outputs = [model.predict(given)].flat();
  const found = outputs.map((output) => ({ data: output.dataSync() as TensorData, shape: output.shape }));
  tf.dispose([given, outputs]);
  return found;
}
