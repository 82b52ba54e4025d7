/** What operations of keras.ops are refused for: those that touch the batch, and what is not read. */
import { describe, expect, test } from "vitest";
import { type Entry, from, functional, input, layer } from "../support/keras-config.ts";
import { refusal } from "../support/refusals.ts";

const x = from("x");
const slice = (start: unknown, stop: unknown = null, step: unknown = null) => ({
  class_name: "__slice__",
  config: { start, stop, step },
});

/** One operation on `x`, a series of 8 steps and 4 channels, and perhaps `v`, a vector of 4. */
function operation(className: string, options: object, args: readonly unknown[]): Entry {
  const entry = layer(className, "a", options, [{ args, kwargs: {} }]);
  const node = { ...entry, module: "keras.src.ops.numpy", registered_name: className };
  const more = JSON.stringify(args).includes('"v"') ? [input("v", [4])] : [];
  const ports = [["x", 0, 0], ...more.map(() => ["v", 0, 0])];
  return functional([input("x", [8, 4]), ...more, node], ports, [["a", 0, 0]]);
}

const cases: readonly [string, object, readonly unknown[], RegExp][] = [
  ["Add", {}, [x, from("v")], /tensors of 3 and of 2 axes.*expand_dims/],
  ["Add", {}, [x, [[1, 2, 3, 4]]], /a tensor or a number.*Rescaling/],
  ["Clip", { x_min: 2, x_max: 1 }, [x], /above x_max/],
  ["Mean", { axis: null }, [x], /batch can't be reduced/],
  ["Mean", { axis: [0] }, [x], /batch can't be reduced/],
  ["Max", { axis: 1, initial: 0 }, [x], /initial/],
  ["Argmax", { axis: [1, 2] }, [x], /expected one axis/],
  ["Round", { decimals: 2 }, [x], /decimals.*expected 0/],
  ["Cast", { dtype: "complex64" }, [x], /complex64/],
  ["Transpose", { axes: null }, [x], /batch has to stay/],
  ["Transpose", { axes: [1, 0, 2] }, [x], /batch has to stay/],
  ["Reshape", { newshape: [2, -1] }, [x], /expected -1 for the batch/],
  ["Reshape", { newshape: [-1, 4] }, [x], /expected -1 for the batch/],
  ["ExpandDims", { axis: 0 }, [x], /batch has to stay/],
  ["Squeeze", { axis: 1 }, [x], /axis 1 has size 8/],
  ["Concatenate", { axis: 0 }, [[x, x]], /batch axis/],
  ["Tile", { repeats: [2, 1, 1] }, [x], /batch can't be repeated/],
  ["Flip", { axis: null }, [x], /flip the batch/],
  ["Split", { indices_or_sections: 3, axis: 1 }, [x], /8 elements are not 3 equal pieces/],
  ["GetItem", {}, [x, 0], /batch can't be cut/],
  ["GetItem", {}, [x, [slice(null), 8]], /index 8 of an axis of 8/],
  ["GetItem", {}, [x, [slice(null), x]], /tensors and anything but integers/],
  ["GetItem", {}, [x, [slice(null), slice(0, 4, 0)]], /step is 0/],
  ["GetItem", {}, [x, [slice(null), slice(5, 2)]], /nothing is left of axis L/],
  ["GetItem", {}, [x, [null, slice(null)]], /batch has to stay/],
  ["Matmul", {}, [x, from("v")], /three axes each with the batch, got 3 and 2/],
  ["Softmax", { axis: null }, [x], /batch axis/],
  ["Glu", { axis: 0 }, [x], /batch axis/],
  ["FFT", {}, [x], /operation keras\.ops FFT/],
];

describe("operations are refused by name", () => {
  test.each(cases)("%s %j", (className, options, args, message) => {
    const error = refusal(operation(className, options, args), {});
    expect(error.message).toMatch(message);
    expect(error.where.join(" > ")).toContain("layer a");
  });
});
