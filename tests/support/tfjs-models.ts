/**
 * Models for tests of what is written for TensorFlow.js, and their files.
 */
import { expect } from "vitest";
import { convert } from "../../src/api/convert.ts";
import { Model } from "../../src/api/model.ts";
import { type KerasSource, rememberSource } from "../../src/api/source.ts";
import { readKeras } from "../../src/dialects/keras.ts";
import { ChannelwiseError } from "../../src/error.ts";
import { kernelModule } from "../../src/platform/kernels.ts";

/** A model of Keras, as `load` would give it. */
export function modelOf(keras: KerasSource, name = "model"): Model {
  const model = new Model(keras.graph, name, "Keras", kernelModule());
  rememberSource(model, { keras: () => keras });
  return model;
}

/** The files of a model, or why there are none. */
export async function filesOf(model: Model): Promise<Map<string, Uint8Array> | string> {
  try {
    return await convert(model, { to: "tfjs" });
  } catch (error) {
    if (!(error instanceof ChannelwiseError) || error.code !== "unsupported-feature") throw error;
    expect(error.fix).not.toBe("");
    return error.summary.replace(/^.*?: TensorFlow\.js has no /, "");
  }
}

/** A Sequential of Keras 3 on seven steps; its weights, of the `shapes` in the options, are all of one `row`, by default a sine. */
export function sequential(...layers: readonly (readonly [className: string, options: object])[]): Model {
  const entries = layers.map(([className, options], index) => ({
    ...{ module: "keras.layers", class_name: className, registered_name: null },
    config: { name: `${className.toLowerCase()}_${index}`, ...options },
  }));
  const embeds = layers[0]![0] === "Embedding";
  const input = { batch_shape: embeds ? [null, 7] : [null, 7, 3], dtype: embeds ? "int32" : "float32", name: "x" };
  const config = {
    ...{ module: "keras", class_name: "Sequential", registered_name: null },
    config: {
      name: "chain",
      layers: [{ module: "keras.layers", class_name: "InputLayer", config: input }, ...entries],
    },
  };
  const row =
    layers.map(([, { row: own }]: readonly [string, { row?: typeof Math.sin }]) => own).find(Boolean) ?? Math.sin;
  const shapes = layers.flatMap(([, { shapes: own = [] }]: readonly [string, { shapes?: number[][] }]) => own);
  const arrays = shapes.map((shape, index) => {
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, at) => row(7 * index + at));
    return { name: `arr_${index}`, array: { dtype: "float32" as const, shape, read: () => data } };
  });
  const plain = JSON.parse(
    JSON.stringify(config, (key, value) => (key === "shapes" || key === "row" ? undefined : value)),
  );
  const { keras } = readKeras({
    config: plain,
    weights: { kind: "order", place: [], arrays },
    kerasVersion: "3.15.1",
    place: ["chain"],
  });
  return modelOf({ ...keras, version: "3.15.1" }, "chain");
}
