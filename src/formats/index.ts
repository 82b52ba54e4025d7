/** The formats, in the order in which they are tried. To add one: a file beside this one, and a line here and in kinds.ts. */
import type { Format } from "./format.ts";
import { isHdf5 } from "../bytes/hdf5/index.ts";
import { isKerasFile, readKerasFile } from "./keras.ts";
import { readKerasHdf5 } from "./keras-h5.ts";
import { jsonFormat } from "./json-models.ts";
import { kinds } from "./kinds.ts";
import { npyFormat } from "./not-models.ts";
import { npzFormat } from "./npz-weights.ts";
import { isCheckpoint, readCheckpoint } from "./pytorch-read.ts";
import { isSafetensors, readSafetensors } from "./safetensors.ts";

export const formats: readonly Format[] = [
  { kinds: [kinds.keras], sniff: isKerasFile, read: readKerasFile },
  { kinds: [kinds.h5, kinds.weightsH5], sniff: isHdf5, read: readKerasHdf5 },
  { kinds: [kinds.safetensors], sniff: isSafetensors, read: readSafetensors },
  { kinds: [kinds.checkpoint], sniff: isCheckpoint, read: readCheckpoint },
  jsonFormat,
  npzFormat,
];

/** Recognised, so that the refusal can say what to do. */
export const notModels: readonly Format[] = [npyFormat];
