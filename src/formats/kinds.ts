/**
 * kinds: the files that are read and those that are written, by what people call them and how they end.
 *
 * The readers (index.ts), the error for unknown files, `convert` and its command all go by these two tables; notes.ts says of each what
 * a person has to know.
 */

/** A kind of file that is read. */
export interface FormatKind {
  /** What people call it, for messages. */
  readonly name: string;
  /** How such files usually end. Never used to recognise one. */
  readonly extensions: readonly string[];
}

export const kinds = {
  keras: { name: "a Keras model", extensions: [".keras"] },
  h5: { name: "a Keras model in HDF5", extensions: [".h5", ".hdf5"] },
  weightsH5: { name: "Keras weights in HDF5", extensions: [".weights.h5", ".h5"] },
  weightsJson: { name: "Keras weights in shards", extensions: [".weights.json"] },
  config: { name: "a Keras configuration", extensions: [".json"] },
  tfjs: { name: "a TensorFlow.js layers model", extensions: ["model.json"] },
  safetensors: { name: "safetensors", extensions: [".safetensors"] },
  checkpoint: { name: "a PyTorch checkpoint", extensions: [".pt", ".pth", ".ckpt", ".bin"] },
  stateIndex: { name: "a PyTorch state dict in shards", extensions: [".index.json"] },
  npz: { name: "weights as NumPy arrays", extensions: [".npz"] },
} as const satisfies Readonly<Record<string, FormatKind>>;

/** The key of a kind. */
export type Kind = keyof typeof kinds;

/** How the files of each format end that `convert` writes, in the order in which they are tried; none for a folder. */
export const targets = {
  pytorch: [],
  safetensors: [".safetensors"],
  pt: [".pt", ".pth"],
  keras: [".keras"],
  "weights.h5": [".weights.h5"],
  h5: [".h5", ".hdf5"],
  npz: [".npz"],
  tfjs: [],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** What `convert` writes. */
export type Target = keyof typeof targets;
