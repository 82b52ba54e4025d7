/**
 * not-models: files that people have at hand beside the ones that are read, told apart so that the error can say what to do.
 */
import { isNpy } from "../bytes/npy.ts";
import { unsupportedFeature } from "../error.ts";
import type { Format } from "./format.ts";

/** A format that is recognised and refused, with a remedy. */
function refused(
  name: string,
  extensions: readonly string[],
  sniff: (bytes: Uint8Array) => boolean,
  fix: string,
): Format {
  return {
    kinds: [{ name, extensions }],
    sniff,
    read(_bytes, place) {
      throw unsupportedFeature(`${name}, which is not read as a model`, place, fix);
    },
  };
}

export const npyFormat = refused(
  "a NumPy array",
  [".npy"],
  isNpy,
  "arrays are inputs and outputs of a model; give the model file itself",
);
