/**
 * A model of Keras as large as wanted: Dense layers of `units` x `units`, with weights that no two layers share.
 */
import type { StoredArray } from "../../src/tensor.ts";
import { inMemory } from "../../src/bytes/file-to-write.ts";
import { writeKerasFile, writeKerasHdf5 } from "../../src/formats/keras-write.ts";
import { layer, sequential } from "./keras-config.ts";

/** A `.keras` or `.h5` file of a Sequential model of Dense layers. */
export function denseModel(layers: number, units: number, format: "keras" | "h5" = "keras"): Uint8Array {
  const names = Array.from({ length: layers }, (_, index) => (index === 0 ? "dense" : `dense_${index}`));
  const initializer = { module: "keras.initializers", class_name: "Zeros", config: {}, registered_name: null };
  const config = {
    ...sequential([
      { module: "keras.layers", class_name: "InputLayer", config: { batch_shape: [null, units], name: "input" } },
      ...names.map((name) =>
        layer("Dense", name, { units, activation: "tanh", use_bias: true, kernel_initializer: initializer }),
      ),
    ]),
    build_config: { input_shape: [null, units] },
  };
  const arrays = (index: number): StoredArray[] => [
    { dtype: "float32", shape: [units, units], read: () => numbers(units * units, index) },
    { dtype: "float32", shape: [units], read: () => numbers(units, index + layers) },
  ];
  const file =
    format === "keras"
      ? writeKerasFile(
          config,
          "3.15.1",
          names.map((name, index) => ({ group: `layers/${name}`, name, arrays: arrays(index) })),
        )
      : writeKerasHdf5(
          config,
          "3.15.1",
          names.map((name, index) => ({
            name,
            arrays: arrays(index).map((array, at) => ({ name: `${name}/${at === 0 ? "kernel" : "bias"}`, array })),
          })),
        );
  return inMemory(file);
}

function numbers(count: number, seed: number): Float32Array {
  let state = seed + 1;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) / Math.sqrt(count);
  });
}
