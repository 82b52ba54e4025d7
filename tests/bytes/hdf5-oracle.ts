/**
 * hdf5-oracle: what h5wasm, the HDF Group's own library compiled to WebAssembly, reads from a file.
 *
 * It has no float16 and no opaque numbers; those are decoded here from the bytes it gives, value by value from their definition.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Attribute, Dataset, File, type Group, ready } from "h5wasm/node";

export interface OracleObject {
  readonly kind: "group" | "dataset";
  readonly shape: readonly number[] | null;
  readonly values: readonly (number | bigint)[];
  readonly attributes: ReadonlyMap<string, unknown>;
}

/** The library reads files of this machine: one of this process alone, since test files run side by side. */
const path = join(tmpdir(), `channelwise-oracle-${process.pid}.h5`);

/** Every object of an HDF5 file by its path; the root's is "". */
export async function readWithH5wasm(bytes: Uint8Array): Promise<Map<string, OracleObject>> {
  const module = await ready;
  const { FS } = module;
  FS.writeFile(path, bytes);
  const file = new File(path, "r");
  try {
    return new Map(
      ["", ...file.paths()].map((each) => [each, readObject(each === "" ? file : file.get(each), module)]),
    );
  } finally {
    file.close();
    FS.unlink(path);
  }
}

type Module = Awaited<typeof ready>;

function readObject(found: unknown, module: Module): OracleObject {
  const attributes = new Map<string, unknown>();
  for (const [name, attribute] of Object.entries((found as Group).attrs)) {
    attributes.set(name, attributeValue(attribute));
  }
  if (!(found instanceof Dataset)) return { kind: "group", shape: null, values: [], attributes };
  return { kind: "dataset", shape: found.shape, values: datasetValues(found, module), attributes };
}

function attributeValue(attribute: Attribute): unknown {
  if (attribute.dtype === "<e") return "float16";
  const { value, metadata } = attribute;
  const isBool = metadata.enum_type !== undefined;
  const plain = (item: unknown) => (isBool ? item === 1 : typeof item === "bigint" ? Number(item) : item);
  return ArrayBuffer.isView(value) || Array.isArray(value)
    ? Array.from(value as ArrayLike<unknown>, plain)
    : plain(value);
}

function datasetValues(dataset: Dataset, module: Module): (number | bigint)[] {
  const { metadata } = dataset;
  if (metadata.size !== 2 || (metadata.type !== 1 && metadata.type !== 5)) {
    const { value } = dataset;
    return ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<number | bigint>) : [value as number];
  }
  const raw = rawBytes(dataset, module);
  const decode = metadata.type === 1 ? float16 : bfloat16;
  return Array.from({ length: raw.length / 2 }, (_, index) => decode(raw[2 * index]! + 256 * raw[2 * index + 1]!));
}

function rawBytes(dataset: Dataset, library: Module): Uint8Array {
  // biome-ignore lint/suspicious/noExplicitAny: the types leave out the calls below the public interface
  const module = library as any;
  const size = dataset.metadata.size * dataset.metadata.total_size;
  const pointer = module._malloc(size);
  module.get_dataset_data(dataset.file_id, dataset.path, null, null, null, BigInt(pointer));
  const bytes = module.HEAPU8.slice(pointer, pointer + size);
  module._free(pointer);
  return bytes;
}

/** IEEE 754-2019, section 3.4: (-1)^sign * 2^(exponent - bias) * 1.fraction, or 0.fraction for exponent 0. */
export function float16(bits: number): number {
  return ieee(bits >> 15, (bits >> 10) & 31, (bits & 1023) / 1024, 15);
}

export function bfloat16(bits: number): number {
  return ieee(bits >> 15, (bits >> 7) & 255, (bits & 127) / 128, 127);
}

function ieee(sign: number, exponent: number, fraction: number, bias: number): number {
  const factor = sign ? -1 : 1;
  if (exponent === 2 * bias + 1) return fraction === 0 ? factor * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return factor * fraction * 2 ** (1 - bias);
  return factor * (1 + fraction) * 2 ** (exponent - bias);
}
