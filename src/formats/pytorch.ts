/**
 * pytorch: writes a state dict as a checkpoint that `torch.load(path, weights_only=True)` takes
 *
 *     archive/data.pkl      a pickle of {name: _rebuild_tensor_v2(storage 0, offset 0, size, stride, False, OrderedDict())}
 *     archive/byteorder     "little"
 *     archive/data/0, 1, …  the elements of each tensor, at multiples of 64 bytes so that they can be mapped
 *     archive/version       "3"
 *
 * A stored zip. The pickle uses protocol 2 and no global beyond those that PyTorch's restricted reader allows.
 *
 * Source  torch/serialization.py (_save), torch/_utils.py (_rebuild_tensor_v2), Lib/pickle.py for the opcodes
 */
import { type FileToWrite, inMemory } from "../bytes/file-to-write.ts";
import { putArray, sizeBytesOf, type WritableArray } from "../bytes/numbers.ts";
import { zipFile } from "../bytes/zip-writer.ts";
import { unsupportedFeature } from "../error.ts";
import { type DType, elements } from "../tensor.ts";

const alignment = 64;
const storages: Partial<Record<DType, string>> = {
  float16: "HalfStorage",
  bfloat16: "BFloat16Storage",
  float32: "FloatStorage",
  float64: "DoubleStorage",
  int8: "CharStorage",
  uint8: "ByteStorage",
  int16: "ShortStorage",
  int32: "IntStorage",
  int64: "LongStorage",
  bool: "BoolStorage",
};

/** The pickle opcodes that are written. */
const op = {
  proto: 0x80,
  mark: 0x28,
  stop: 0x2e,
  emptyDict: 0x7d,
  setItems: 0x75,
  unicode: 0x58,
  global: 0x63,
  int32: 0x4a,
  long1: 0x8a,
  tuple: 0x74,
  emptyTuple: 0x29,
  persistentId: 0x51,
  reduce: 0x52,
  false: 0x89,
} as const;

class Pickle {
  readonly #bytes: number[] = [op.proto, 2];
  readonly #encoder = new TextEncoder();

  push(...bytes: number[]): this {
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }

  text(value: string): this {
    const utf8 = this.#encoder.encode(value);
    return this.push(op.unicode, ...little(utf8.length, 4), ...utf8);
  }

  global(module: string, name: string): this {
    return this.push(op.global, ...this.#encoder.encode(`${module}\n${name}\n`));
  }

  integer(value: number): this {
    return value < 2 ** 31 ? this.push(op.int32, ...little(value, 4)) : this.push(op.long1, 8, ...little(value, 8));
  }

  integers(values: readonly number[]): this {
    this.push(op.mark);
    for (const value of values) this.integer(value);
    return this.push(op.tuple);
  }

  finish(): Uint8Array {
    return Uint8Array.from([...this.#bytes, op.stop]);
  }
}

/** A non-negative integer in `count` bytes, lowest first. */
function little(value: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => Math.floor(value / 2 ** (8 * index)) % 256);
}

function rowMajorStrides(shape: readonly number[]): number[] {
  return shape.map((_, axis) => elements(shape.slice(axis + 1)));
}

/** The bytes of a checkpoint with these tensors, by name. */
export function writeCheckpoint(tensors: ReadonlyMap<string, WritableArray>): Uint8Array {
  return inMemory(checkpointFile(tensors));
}

/** The same as a file that is yet to be written; each tensor is read when its turn comes. */
export function checkpointFile(tensors: ReadonlyMap<string, WritableArray>): FileToWrite {
  const pickle = new Pickle().push(op.emptyDict, op.mark);
  const data: { name: string; content: FileToWrite }[] = [];
  for (const [name, tensor] of tensors) {
    const { dtype, shape } = tensor;
    const storage = storages[dtype];
    if (!storage) throw unsupportedFeature(`a checkpoint can't hold ${dtype}`, [name]);
    const key = String(data.length);
    pickle.text(name).global("torch._utils", "_rebuild_tensor_v2").push(op.mark);
    pickle
      .push(op.mark)
      .text("storage")
      .global("torch", storage)
      .text(key)
      .text("cpu")
      .integer(elements(shape))
      .push(op.tuple, op.persistentId);
    pickle.integer(0).integers(shape).integers(rowMajorStrides(shape)).push(op.false);
    pickle.global("collections", "OrderedDict").push(op.emptyTuple, op.reduce, op.tuple, op.reduce);
    const content: FileToWrite = {
      sizeBytes: sizeBytesOf(tensor),
      write: (put) => putArray(put, tensor, 0, [name]),
    };
    data.push({ name: `archive/data/${key}`, content });
  }
  const text = (content: string) => new TextEncoder().encode(content);
  const head = [
    { name: "archive/data.pkl", bytes: pickle.push(op.setItems).finish() },
    { name: "archive/byteorder", bytes: text("little") },
  ];
  return zipFile([...head, ...data, { name: "archive/version", bytes: text("3\n") }], { alignment });
}
