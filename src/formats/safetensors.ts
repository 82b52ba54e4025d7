/**
 * safetensors: named arrays behind a JSON header.
 *
 *   header length u64 | header, JSON, padded with spaces | elements of all tensors, one after the other
 *   header: {"__metadata__": {"key": "text"}, "conv.weight": {"dtype": "F32", "shape": [64, 9, 5], "data_offsets": [0, 11520]}, …}
 *
 * Offsets are bytes from the header's end, `[start, end)`. The format's own restrictions are checked, since each closes a way to
 * smuggle or to exhaust: the header takes at most 100 MB, keys are unique, tensors leave no hole, overlap nowhere and cover the
 * whole file. Elements that are not aligned for their type are copied; all others are views of the file.
 *
 * Source  github.com/huggingface/safetensors, README "Format" and safetensors/src/tensor.rs
 */
import { Cursor } from "../bytes/cursor.ts";
import { type FileToWrite, inMemory } from "../bytes/file-to-write.ts";
import { denseBytes } from "../bytes/limits.ts";
import { putArray, sizeBytesOf, typedArray, type WritableArray } from "../bytes/numbers.ts";
import { printable } from "../bytes/printable.ts";
import { corruptFile, unsupportedFeature } from "../error.ts";
import { type Bytes, section, whole } from "../platform/bytes.ts";
import { bytesPerElement, type DType, type StoredArray } from "../tensor.ts";
import { isRecord, parseJson } from "./json.ts";

export interface SafetensorsFile {
  readonly kind: "safetensors";
  /** By name. */
  readonly tensors: ReadonlyMap<string, StoredArray>;
  readonly metadata: Readonly<Record<string, string>>;
}

const largestHeaderBytes = 100_000_000;
/** Data starts at a multiple of this, so that whoever maps the file finds its largest elements, and cache lines, aligned. */
const dataAlignment = 64;
const metadataKey = "__metadata__";

const codeOf: Readonly<Record<DType, string>> = {
  float64: "F64",
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
  int64: "I64",
  int32: "I32",
  int16: "I16",
  int8: "I8",
  uint64: "U64",
  uint32: "U32",
  uint16: "U16",
  uint8: "U8",
  bool: "BOOL",
};

/** Whether the bytes start as a safetensors file does: a header length below 4 GiB, then a JSON object. */
export function isSafetensors(bytes: Uint8Array): boolean {
  return bytes.length > 8 && bytes[8] === 0x7b && bytes.subarray(4, 8).every((byte) => byte === 0);
}

/** Opens a safetensors file; its header is checked at once, elements are fetched by each tensor's `read`. */
export function readSafetensors(bytes: Bytes, place: readonly string[] = []): SafetensorsFile {
  const cursor = new Cursor(bytes, place);
  const headerBytes = cursor.u64();
  if (headerBytes > largestHeaderBytes) {
    throw corruptFile(`expected a header of at most ${largestHeaderBytes} bytes, got ${headerBytes}`, place);
  }
  const header = parseJson(cursor.take(headerBytes), [...place, "header"], {
    largestBytes: largestHeaderBytes,
    deepest: 4,
  });
  if (!isRecord(header)) throw corruptFile("expected a JSON object as header", place);
  const data = cursor.section(cursor.remainingBytes);
  const tensors = new Map<string, StoredArray>();
  const ranges: Range[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === metadataKey) continue;
    const { tensor, range } = readEntry(entry, data, [...place, printable(name)]);
    tensors.set(name, tensor);
    ranges.push(range);
  }
  checkCoverage(ranges, data.length, place);
  return { kind: "safetensors", tensors, metadata: readMetadata(header, place) };
}

interface Range {
  readonly start: number;
  readonly end: number;
}

function readEntry(entry: unknown, data: Bytes, place: readonly string[]): { tensor: StoredArray; range: Range } {
  if (!isRecord(entry)) throw corruptFile("expected {dtype, shape, data_offsets}", place);
  const { dtype: code, shape, data_offsets: offsets } = entry;
  const dtype = (Object.keys(codeOf) as DType[]).find((key) => codeOf[key] === code);
  if (!dtype) {
    throw unsupportedFeature(
      `the dtype ${typeof code === "string" ? printable(code) : typeof code}`,
      place,
      "convert the tensor to F32 and save again",
    );
  }
  if (!isCounts(shape) || !isCounts(offsets) || offsets.length !== 2) {
    throw corruptFile("expected a shape and two data_offsets, as lists of counts", place);
  }
  const [start, end] = offsets as [number, number];
  const expected = denseBytes(shape, bytesPerElement[dtype], place);
  if (end - start !== expected || end > data.length) {
    throw corruptFile(
      `expected ${expected} bytes for ${code} (${shape.join(", ")}), got [${start}, ${end}) of ${data.length}`,
      place,
    );
  }
  const elements = section(data, start, end);
  const tensor = { dtype, shape, read: () => typedArray(dtype, whole(elements)), contents: () => elements };
  return { tensor, range: { start, end } };
}

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);

function checkCoverage(ranges: readonly Range[], dataBytes: number, place: readonly string[]): void {
  let covered = 0;
  for (const { start, end } of ranges.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    if (start !== covered) {
      throw corruptFile(`expected a tensor at byte ${covered} of the data, got one at ${start}`, place);
    }
    covered = end;
  }
  if (covered !== dataBytes) throw corruptFile(`expected tensors to cover ${dataBytes} bytes, got ${covered}`, place);
}

function readMetadata(header: Record<string, unknown>, place: readonly string[]): Record<string, string> {
  const metadata = Object.hasOwn(header, metadataKey) ? header[metadataKey] : {};
  if (!isRecord(metadata) || Object.values(metadata).some((value) => typeof value !== "string")) {
    throw corruptFile("expected texts under __metadata__", place);
  }
  return metadata as Record<string, string>;
}

export interface WriteSafetensorsOptions {
  /** Texts to keep in the file. Default none. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * The bytes of a safetensors file: tensors ordered by size of element, largest first, then by name, so that each is aligned
 * and equal content gives equal bytes.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, WritableArray>,
  options: WriteSafetensorsOptions = {},
): Uint8Array {
  return inMemory(safetensorsFile(tensors, options));
}

/** The same as a file that is yet to be written; each tensor is read when its turn comes. */
export function safetensorsFile(
  tensors: ReadonlyMap<string, WritableArray>,
  options: WriteSafetensorsOptions = {},
): FileToWrite {
  const ordered = [...tensors].sort(
    ([nameA, a], [nameB, b]) => bytesPerElement[b.dtype] - bytesPerElement[a.dtype] || (nameA < nameB ? -1 : 1),
  );
  const entries: [string, unknown][] = [];
  if (options.metadata && Object.keys(options.metadata).length > 0) entries.push([metadataKey, options.metadata]);
  let dataBytes = 0;
  for (const [name, tensor] of ordered) {
    if (name === metadataKey) throw unsupportedFeature(`a tensor named ${metadataKey}`, [], "rename the tensor");
    const range = [dataBytes, dataBytes + sizeBytesOf(tensor)];
    entries.push([name, { dtype: codeOf[tensor.dtype], shape: tensor.shape, data_offsets: range }]);
    dataBytes = range[1]!;
  }
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const dataStart = Math.ceil((8 + header.length) / dataAlignment) * dataAlignment;
  const head = new Uint8Array(dataStart).fill(0x20, 8);
  new DataView(head.buffer).setBigUint64(0, BigInt(dataStart - 8), true);
  head.set(header, 8);
  return {
    sizeBytes: dataStart + dataBytes,
    write(put) {
      put(head, 0);
      let position = dataStart;
      for (const [name, tensor] of ordered) {
        putArray(put, tensor, position, [name]);
        position += sizeBytesOf(tensor);
      }
    },
  };
}
