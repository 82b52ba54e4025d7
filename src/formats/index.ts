/** The formats, in the order in which they are tried. To add one: a file beside this one, and a line here. */
import type { Format } from "./format.ts";
import { isKerasFile, readKerasFile } from "./keras.ts";
import { hdf5Format, npzFormat, pytorchFormat } from "./not-models.ts";
import { isSafetensors, readSafetensors } from "./safetensors.ts";

export const formats: readonly Format[] = [
  { name: "a Keras model", extensions: [".keras"], sniff: isKerasFile, read: readKerasFile },
  { name: "safetensors", extensions: [".safetensors"], sniff: isSafetensors, read: readSafetensors },
];

/** Recognised, so that the refusal can say what to do. */
export const notModels: readonly Format[] = [hdf5Format, npzFormat, pytorchFormat];
