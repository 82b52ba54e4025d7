/**
 * torch-globals: what the pickle of a PyTorch checkpoint may name, each with the plain data that it stands for here.
 *
 *     torch.FloatStorage                the element type float32
 *     torch._utils._rebuild_tensor_v2   (storage, offset, size, stride, requires_grad, hooks): a view of a storage, in elements
 *     collections.OrderedDict           a dict
 *
 * It is the list of torch.load(weights_only=True), less what is no dense array of real numbers. Sizes, strides and offsets are
 * checked against the storage as a tensor is made; its elements are fetched, and gathered where they do not lie in row-major
 * order, when somebody asks.
 *
 * Source  torch/_weights_only_unpickler.py (_get_allowed_globals), torch/_utils.py (_rebuild_*), torch/serialization.py
 */
import { allocate, denseBytes } from "../bytes/limits.ts";
import { typedArray } from "../bytes/numbers.ts";
import { PickleGlobal, type PickleVocabulary } from "../bytes/pickle.ts";
import { printable } from "../bytes/printable.ts";
import { corruptFile, unsupportedFeature } from "../error.ts";
import { type Bytes, section, whole } from "../platform/bytes.ts";
import { bytesPerElement, type DType, elements, type RawArray, type StoredArray } from "../tensor.ts";

/** Elements that lie in the file, one after another. */
export interface Storage {
  /** Null for bytes whose type the tensor tells. */
  readonly dtype: DType | null;
  /** Length, in elements of `dtype`, or in bytes where that is null. */
  readonly length: number;
  /** Little-endian elements: a part of the file where that is possible. */
  bytes(): Bytes;
}

/** A tensor out of a checkpoint. */
export class TorchTensor implements StoredArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly #read: () => RawArray;
  readonly #contents: () => Bytes | null;

  constructor(dtype: DType, shape: readonly number[], read: () => RawArray, contents: () => Bytes | null) {
    this.dtype = dtype;
    this.shape = shape;
    this.#read = read;
    this.#contents = contents;
  }

  read(): RawArray {
    return this.#read();
  }

  contents(): Bytes | null {
    return this.#contents();
  }
}

/** The class behind `torch.FloatStorage`; `dtype` is null for bytes. */
export class StorageType extends PickleGlobal {
  readonly dtype: DType | null;

  constructor(name: string, dtype: DType | null) {
    super(name);
    this.dtype = dtype;
  }
}

class TorchType extends PickleGlobal {
  readonly dtype: DType;

  constructor(name: string, dtype: DType) {
    super(name);
    this.dtype = dtype;
  }
}

/** What to do with a file that holds more than tensors. */
export const saveStateDict =
  'save the weights alone: torch.save(model.state_dict(), "model.pt"), or with safetensors.torch.save_file';

const storageTypes: Readonly<Record<string, DType>> = {
  BFloat16Storage: "bfloat16",
  BoolStorage: "bool",
  ByteStorage: "uint8",
  CharStorage: "int8",
  DoubleStorage: "float64",
  FloatStorage: "float32",
  HalfStorage: "float16",
  IntStorage: "int32",
  LongStorage: "int64",
  ShortStorage: "int16",
};

/** `torch.FloatTensor`, which the oldest checkpoints name beside each tensor. */
const tensorClass = /^(BFloat16|Bool|Byte|Char|Double|Float|Half|Int|Long|Short)Tensor$/;

const otherStorages: Readonly<Record<string, string>> = {
  ComplexDoubleStorage: "complex numbers",
  ComplexFloatStorage: "complex numbers",
  QInt32Storage: "quantized numbers",
  QInt8Storage: "quantized numbers",
  QUInt2x4Storage: "quantized numbers",
  QUInt4x2Storage: "quantized numbers",
  QUInt8Storage: "quantized numbers",
};

const dtypes: Readonly<Record<string, DType>> = {
  bfloat16: "bfloat16",
  bool: "bool",
  double: "float64",
  float: "float32",
  float16: "float16",
  float32: "float32",
  float64: "float64",
  half: "float16",
  int: "int32",
  int16: "int16",
  int32: "int32",
  int64: "int64",
  int8: "int8",
  long: "int64",
  short: "int16",
  uint16: "uint16",
  uint32: "uint32",
  uint64: "uint64",
  uint8: "uint8",
};

/** The names that a checkpoint may use; `persistent` finds its storages. */
export function torchVocabulary(
  place: readonly string[],
  persistent?: PickleVocabulary["persistent"],
): PickleVocabulary {
  const functions = callables(place);
  return {
    fix: saveStateDict,
    ...(persistent ? { persistent } : {}),
    global(module, name) {
      const full = `${module}.${name}`;
      if (Object.hasOwn(functions, full)) return new PickleGlobal(full, functions[full]!);
      if (module === "torch" || module === "torch.cuda") {
        if (Object.hasOwn(storageTypes, name)) return new StorageType(full, storageTypes[name]!);
        if (Object.hasOwn(otherStorages, name)) {
          throw unsupportedFeature(
            `a tensor of ${otherStorages[name]} (${printable(full)})`,
            place,
            "convert the tensor to float32 and save again",
          );
        }
        if (tensorClass.test(name)) return new PickleGlobal(full);
        if (Object.hasOwn(dtypes, name)) return new TorchType(full, dtypes[name]!);
      }
      if (full === "torch.storage.UntypedStorage") return new StorageType(full, null);
      return undefined;
    },
  };
}

/** The functions and classes, by full name. Null for those that are only passed on. */
function callables(place: readonly string[]): Readonly<Record<string, PickleGlobal["call"]>> {
  const dict = (args: readonly unknown[]) => new Map(pairsOf(args[0], place));
  const tensor = (args: readonly unknown[]) => rebuildTensor(args, null, place);
  const first = (args: readonly unknown[]) => args[0];
  const latin1 = ([text]: readonly unknown[]) =>
    typeof text === "string" ? Uint8Array.from(text, (letter) => letter.charCodeAt(0)) : null;
  return {
    "_codecs.encode": latin1,
    "builtins.bytearray": first,
    "builtins.set": ([values]) => new Set(Array.isArray(values) ? values : []),
    "__builtin__.set": ([values]) => new Set(Array.isArray(values) ? values : []),
    "collections.Counter": ([values]) => (values instanceof Map ? values : new Map()),
    "collections.OrderedDict": dict,
    "torch.Size": first,
    "torch.device": first,
    "torch.Tensor": null,
    "torch.nn.parameter.Parameter": first,
    "torch._utils._rebuild_tensor": tensor,
    "torch._utils._rebuild_tensor_v2": tensor,
    "torch._utils._rebuild_tensor_v3": (args) => {
      const type = args[6];
      if (!(type instanceof TorchType)) throw corruptFile("expected the type of a tensor", place);
      return rebuildTensor(args, type.dtype, place);
    },
    "torch._utils._rebuild_parameter": first,
    "torch._utils._rebuild_parameter_with_state": first,
    "torch._tensor._rebuild_from_type_v2": ([make, , args]) => {
      if (!(make instanceof PickleGlobal) || !make.call || !Array.isArray(args))
        throw corruptFile("expected what makes a tensor, and its arguments", place);
      return make.call(args);
    },
  };
}

/** What an OrderedDict is made of: nothing, a dict, or a list of pairs. */
function pairsOf(value: unknown, place: readonly string[]): Iterable<[unknown, unknown]> {
  if (value === undefined) return [];
  if (value instanceof Map) return value;
  if (Array.isArray(value) && value.every((pair) => Array.isArray(pair) && pair.length === 2)) return value;
  throw corruptFile("expected the items of a dict", place);
}

// ---------------------------------------------------------------------------------------------------- tensors

/** A view may repeat elements (`expand`) so often that this much comes of it. */
const freeBytes = 2 ** 20;

/** The view of a storage that `_rebuild_tensor` describes. */
function rebuildTensor(args: readonly unknown[], type: DType | null, place: readonly string[]): TorchTensor {
  const [storage, offset, size, stride] = args;
  if (!isStorage(storage)) throw corruptFile("expected a tensor of a storage", place);
  const dtype = type ?? storage.dtype;
  if (!dtype) throw corruptFile("expected a storage whose type is known", place);
  return stridedTensor(storage, dtype, offset, size, stride, place);
}

/**
 * The tensor at `offset` of a storage whose elements lie `stride` apart along each axis, all counted in elements.
 *
 * @throws {ChannelwiseError} `corrupt-file` where they are no counts, or where it would reach past the storage
 */
export function stridedTensor(
  storage: Storage,
  dtype: DType,
  offset: unknown,
  size: unknown,
  stride: unknown,
  place: readonly string[],
): TorchTensor {
  if (!isCounts(size) || !isCounts(stride) || size.length !== stride.length || !isCount(offset))
    throw corruptFile("expected the offset, size and stride of a tensor as counts", place);
  const elementBytes = bytesPerElement[dtype];
  const sizeBytes = denseBytes(size, elementBytes, place);
  const storageBytes = storage.length * (storage.dtype ? bytesPerElement[storage.dtype] : 1);
  const last = size.reduce((at, own, axis) => at + (own - 1) * stride[axis]!, offset);
  const empty = size.includes(0);
  if (!empty && !(last < Math.floor(storageBytes / elementBytes))) {
    throw corruptFile(
      `a tensor (${size.join(", ")}) with strides (${stride.join(", ")}) from element ${offset} reaches past its storage of ${storageBytes} bytes`,
      place,
    );
  }
  if (sizeBytes > Math.max(storageBytes, freeBytes))
    throw corruptFile(`a tensor (${size.join(", ")}) that repeats ${storageBytes} bytes too often`, place);
  const shape = [...size];
  const strides = [...stride];
  const rowMajor = empty || shape.every((own, axis) => own === 1 || strides[axis] === elements(shape.slice(axis + 1)));
  const start = offset * elementBytes;
  const contents = () => (empty ? new Uint8Array(0) : section(storage.bytes(), start, start + sizeBytes));
  const read = () => {
    if (rowMajor) return typedArray(dtype, whole(contents()));
    const strided = typedArray(dtype, storage.bytes().subarray(start, (last + 1) * elementBytes));
    return gather(strided, typedArray(dtype, allocate(sizeBytes, place)), shape, strides);
  };
  return new TorchTensor(dtype, shape, read, () => (rowMajor ? contents() : null));
}

/** Copies strided elements into row-major order. */
function gather<T extends RawArray>(from: RawArray, to: T, shape: readonly number[], strides: readonly number[]): T {
  const index = shape.map(() => 0);
  let source = 0;
  for (let target = 0; target < to.length; target++) {
    to[target] = from[source]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      source += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      source -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return to;
}

const storages = new WeakSet<object>();

/** Marks an object as a storage, so that nothing that a file makes is taken for one. */
export function asStorage(storage: Storage): Storage {
  storages.add(storage);
  return storage;
}

function isStorage(value: unknown): value is Storage {
  return typeof value === "object" && value !== null && storages.has(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every(isCount);
}
