/**
 * What a person has to know of a format: who writes such files, what of them is read, what is refused, and why. docs/formats.md is
 * made of it.
 *
 * `says` is how the refusal begins in the code: tests/formats-page.test.ts holds each against the sources, and every refusal of src/bytes
 * and src/formats against these tables, so that none is left out or outlived.
 */
import type { Kind, Target } from "./kinds.ts";

/** What is refused. Texts are Markdown. */
export interface Limit {
  readonly what: string;
  readonly why: string;
  /** Parts of the messages, as they stand in the code. */
  readonly says: readonly string[];
}

/** A format that is read. */
export interface ReadNote {
  readonly versions: string;
  readonly read: string;
  readonly limits: readonly Limit[];
}

/** A format that is written. */
export interface WriteNote {
  readonly what: string;
  /** What opens such files. */
  readonly opens: string;
  readonly limits: readonly Limit[];
}

// ------------------------------------------------------------------------------------------------- containers

/** What holds for every zip archive: `.keras`, `.npz`, `.pt`. */
export const zipLimits: readonly Limit[] = [
  {
    what: "encrypted entries, archives over several disks, names that are not UTF-8",
    why: "no tool that saves models writes them",
    says: ["an encrypted zip entry", "a zip archive over several disks", "an entry's name is not UTF-8"],
  },
  {
    what: "compression other than deflate",
    why: "Keras, NumPy and PyTorch store or deflate",
    says: ["zip compression method"],
  },
];

/** What holds for every HDF5 file. */
export const hdf5Limits: readonly Limit[] = [
  {
    what: 'versions of a part that HDF5 2.0 does not write, with `libver="latest"` too; files behind a user block',
    why: "what is not known is not guessed",
    says: [
      "HDF5 superblock version",
      "HDF5 object header version",
      "HDF5 attribute version",
      "HDF5 dataspace version",
      "HDF5 datatype version",
      "HDF5 layout version",
      "HDF5 filter version",
      "HDF5 fill value version",
      "HDF5 link version",
      "an HDF5 message of type",
      "HDF5 addresses of",
      "an HDF5 file that starts at byte",
      "an HDF5 block of version",
      "HDF5 info version",
      "an HDF5 chunk index of kind",
    ],
  },
  {
    what: "groups whose links went through filters; objects within the ids of a heap, pages in the index block of an extensible array",
    why: "h5py sets no filters on groups, and the library writes neither of the others where links, attributes and chunks are kept",
    says: ["an HDF5 heap with", "an HDF5 extensible array with pages"],
  },
  {
    what: "filters other than gzip, shuffle and fletcher32: szip, nbit, scale-offset, LZF, Blosc, Zstandard",
    why: "each needs a decompressor of its own; save with gzip or without compression",
    says: ["the HDF5 filter"],
  },
  {
    what: "datasets in other files, virtual datasets, soft and external links",
    why: "a file is read by itself, and may not point to others",
    says: ["an HDF5 dataset in external files", "a virtual HDF5 dataset", ' link "'],
  },
  {
    what: "types other than numbers and texts, empty datasets, named types, arrays of attributes of more than one axis",
    why: "no Keras writes them where a model is kept",
    says: [
      "an HDF5 dataset of",
      "an HDF5 dataset without elements",
      "an HDF5 object that is neither a group nor a dataset",
      "a shared HDF5 message",
      "an attribute of",
      "an attribute with",
      "the attribute's number",
    ],
  },
  {
    what: "a group that two links lead to, groups nested very deep",
    why: "a tree that is none, or has no end, would be read for ever",
    says: ["a group that two links lead to", "groups nested deeper than"],
  },
];

/** What holds for every JSON text, configurations included. */
export const jsonLimits: readonly Limit[] = [
  {
    what: "texts over 64 MiB (headers of safetensors: 100 MB), nested deeper than 256 levels",
    why: "no model has such a configuration; the memory it takes is bounded",
    says: ["a JSON text of", "JSON nested deeper than"],
  },
  { what: "`NaN`", why: "no layer computes with it; infinities are read", says: ["NaN in a JSON text"] },
  {
    what: "any other JSON",
    why: "it is no model",
    says: ["a JSON text that is neither a TensorFlow.js model nor a configuration of Keras nor a map of weights"],
  },
];

/** What holds for every array of NumPy. */
export const npyLimits: readonly Limit[] = [
  {
    what: "arrays of Python objects, structured arrays, texts and dates",
    why: "objects are a pickle, which would be run; the others are no numbers",
    says: ["an array of Python objects, which is a pickle", "a structured array", "the NumPy type"],
  },
  { what: "versions of `.npy` above 3", why: "there are none yet", says: [".npy version"] },
  {
    what: "an `.npy` file in place of a model",
    why: "arrays are a model's inputs and outputs",
    says: ["which is not read as a model"],
  },
];

/** What holds for every file. */
export const sizeLimits: readonly Limit[] = [
  {
    what: "one part of more than 4 GiB; compressed parts that grow over 100 times, above 64 MiB",
    why: "what reading allocates is bounded by the bytes that are there",
    says: ["bytes in one part; at most", "bytes of the file claim to hold", "no memory for"],
  },
];

// ------------------------------------------------------------------------------------------------------- read

const picklesAreData: readonly Limit[] = [
  {
    what: "any name in a pickle beyond PyTorch's tensors, storages, types and plain containers; objects of classes",
    why: "a pickle is a program: it is read as data, and nothing in it is run",
    says: ["the file names", "the file makes an object of a class", "a pickle of more than"],
  },
  {
    what: "whole modules (`torch.save(model)`), TorchScript",
    why: "they hold a class or a program; save `model.state_dict()`",
    says: [
      "the file holds a module with its Python class, which is not run",
      "a TorchScript archive, which holds a program",
    ],
  },
  {
    what: "complex and quantized tensors",
    why: "nothing here computes with them; convert them to float32",
    says: ["a tensor of"],
  },
  {
    what: "a file without a state dict: a single tensor, a training loop's file whose state dict is not under a usual name",
    why: "which tensors are the model's would be a guess",
    says: ["expected a state dict, got"],
  },
  {
    what: "protocols other than 1001 before PyTorch 1.6",
    why: "PyTorch wrote no other",
    says: ["a checkpoint of protocol"],
  },
];

export const readNotes: Readonly<Record<Kind, ReadNote>> = {
  keras: {
    versions: "Keras 3; Keras 2.12 to 2.15 and tf.keras, with their older paths of weights",
    read: "the model with its weights. Optimizer state, compile settings and assets are not read, and `inspect` says so",
    limits: [
      {
        what: "weights in another file than `model.weights.h5`",
        why: "Keras writes no other into it",
        says: ["weights as"],
      },
    ],
  },
  h5: {
    versions: "Keras 1, 2 and 3, tf.keras (`model.save` to `.h5`)",
    read: "the model with its weights, with the meaning that it had when it was written; `--meaning keras3` reads as Keras 3 does",
    limits: [
      {
        what: "files without `model_config`, `layer_names` or `layers`",
        why: "Keras did not write them",
        says: ["an HDF5 file without model_config, layer_names or layers"],
      },
      {
        what: 'files of the Theano backend where its padding ("same" of an even kernel, strides, pooling) or its kernels are not known; other backends',
        why: "their numbers would mean something else; save the model again with Keras 2 on TensorFlow",
        says: ["was written with the Theano backend", "whose padding is not known", 'Theano pads "same" otherwise'],
      },
    ],
  },
  weightsH5: {
    versions: "Keras 1, 2 and 3, tf.keras (`model.save_weights`)",
    read: "the weights of the model that `--architecture` names",
    limits: [],
  },
  weightsJson: {
    versions: "Keras 3.10 and later, with the `.weights.h5` files that it names",
    read: "the weights of the model that `--architecture` names",
    limits: [],
  },
  config: {
    versions: "`model.to_json()` of Keras 1, 2 and 3, tf.keras",
    read: "the architecture, for `--architecture`",
    limits: [
      {
        what: "models that do not say their input's shape; sparse, ragged and optional inputs; inputs of texts",
        why: "no graph with axes can be made of them; add `keras.Input`, and save again",
        says: ["the model does not say its input's shape", "the input is ", "the input has dtype"],
      },
      {
        what: "dtype policies other than float32, float16, bfloat16, float64, their mixed ones, and int8 of them",
        why: "nothing here computes as they say; save the model before quantizing it",
        says: ["has the dtype policy"],
      },
    ],
  },
  tfjs: {
    versions: "TensorFlow.js, and tensorflowjs_converter from Keras 2 and 3, with the shards that it names",
    read: "the model with its weights; weights quantized to uint8, uint16 and float16 too",
    limits: [
      {
        what: "graph models",
        why: "a graph model is a program of TensorFlow; convert the Keras model, or export it as a layers model",
        says: ["a TensorFlow.js graph model, which is a program of TensorFlow"],
      },
      {
        what: "weights of other types than float32, int32 and bool, and other quantizations",
        why: "TensorFlow.js layers have no others",
        says: ["a weight of dtype", "quantized as"],
      },
    ],
  },
  safetensors: {
    versions: "channelwise; a PyTorch state dict of a module that channelwise wrote, with `--architecture`",
    read: "the model with its weights where channelwise wrote it, else the weights",
    limits: [
      {
        what: "weights without a model, where no `--architecture` is given; a model of a newer channelwise",
        why: "weights do not say how they are connected",
        says: ["the file holds weights and no model", "of the graph, got"],
      },
      {
        what: "complex numbers, floats of 4, 6 and 8 bits",
        why: "nothing here computes with them",
        says: ["the dtype"],
      },
    ],
  },
  checkpoint: {
    versions: "`torch.save` of every version: zip archives, the stacked pickles before 1.6, tar",
    read: "the state dict of a module that channelwise wrote, for the model that `--architecture` names; also inside a training loop's file",
    limits: picklesAreData,
  },
  stateIndex: {
    versions: "`model.safetensors.index.json` and `pytorch_model.bin.index.json`, with the files that they name",
    read: "as a PyTorch checkpoint or safetensors",
    limits: [],
  },
  npz: {
    versions: "`numpy.savez` of `model.get_weights()`, or by the names of variables or of a state dict",
    read: "the weights of the model that `--architecture` names",
    limits: [],
  },
};

// ---------------------------------------------------------------------------------------------------- written

const needsKeras: Limit = {
  what: "models that did not come from Keras, and whose `.safetensors` does not hold Keras' configuration",
  why: "nothing says how Keras would spell them; give the Keras model with `--template`",
  says: ["holds no configuration of Keras"],
};
const trainedInt8: Limit = {
  what: "int8 weights, and numbers of the configuration, that were trained in PyTorch",
  why: "no variable of Keras could hold them",
  says: ["other numbers than in the template"],
};
const needsWords: Limit = {
  what: "what files of Keras 1 and 2 mean and Keras 3 has no word for: their `hard_sigmoid`, masks beside initial states",
  why: "Keras 3 would compute something else; `--meaning keras3` takes it so",
  says: [": Keras 3 has no"],
};
const hdf5Writing: Limit = {
  what: "lists of names beyond what HDF5 holds",
  why: "a header is at most 64 KiB; longer lists are split as Keras does",
  says: ["texts in one HDF5 file", "an HDF5 message of"],
};

export const writeNotes: Readonly<Record<Target, WriteNote>> = {
  pytorch: {
    what: "a folder: `model.py`, `model.safetensors` or `model.pt`, `check.npz`",
    opens: "PyTorch 2",
    limits: [],
  },
  safetensors: {
    what: "a state dict in PyTorch's layouts, with the model in its metadata",
    opens: "`channelwise/run`; `safetensors.torch.load_file`",
    limits: [
      {
        what: "a tensor named `__metadata__`",
        why: "the format keeps the name",
        says: ["a tensor named"],
      },
    ],
  },
  pt: {
    what: "a state dict",
    opens: "`torch.load(path, weights_only=True)`",
    limits: [
      { what: "uint16, uint32 and uint64", why: "PyTorch has no storages of them", says: ["a checkpoint can't hold"] },
    ],
  },
  keras: { what: "the model with its weights", opens: "Keras 3", limits: [needsKeras, needsWords, trainedInt8] },
  "weights.h5": {
    what: "the weights alone",
    opens: "`model.load_weights` of Keras 3",
    limits: [needsKeras, trainedInt8],
  },
  h5: {
    what: "the model with its weights",
    opens: "Keras 3",
    limits: [needsKeras, needsWords, trainedInt8, hdf5Writing],
  },
  npz: {
    what: "the weights in the order of `model.get_weights()`",
    opens: "`numpy.load`",
    limits: [needsKeras, trainedInt8, { what: "bfloat16", why: "NumPy has no such type", says: ["in an .npy file"] }],
  },
  tfjs: {
    what: "a folder: `model.json`, and float32 weights in shards of 4 MiB",
    opens: "`tf.loadLayersModel` of TensorFlow.js 4",
    limits: [
      needsKeras,
      {
        what: "layers, options and activations that TensorFlow.js has not, ignores or takes for something else",
        why: "it would compute something else, or nothing; see below",
        says: [": TensorFlow.js has no"],
      },
    ],
  },
};
