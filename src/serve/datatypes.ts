/**
 * datatypes: the protocol's datatypes as the numbers that the engine takes, and back
 *
 *     a model's input   takes                                                        as
 *     FP32              FP32; any other number that is the same in float32           Float32Array
 *     INT32             INT32; any other number that is a 32-bit integer             Int32Array
 *     BOOL              BOOL                                                         Float32Array of 0 and 1
 *
 * A number that would have to be rounded is refused by its place. Of JSON, FP32 means the float32 that is nearest to the text.
 * FP16 and BF16 have no spelling in JSON and come as binary data alone; BYTES fits no input.
 *
 * Binary data is little-endian, row-major, without padding; BOOL is a byte each, 0 or 1.
 *
 * Source  Open Inference Protocol, "Tensor Data Types"; Triton's docs/protocol/extension_binary_data.md
 */
import { bfloat16ToFloat32, bytesOf, float16ToFloat32, typedArray } from "../bytes/numbers.ts";
import { bytesPerElement, type DType, elements, type RawArray, type TensorData } from "../tensor.ts";
import type { ServedPort } from "./model.ts";
import { badRequest } from "./refusal.ts";

/** A datatype's elements in binary data, and the integers that it holds: none where it holds others too. */
interface Datatype {
  readonly dtype: DType;
  readonly integers?: readonly [least: number, most: number];
  readonly binaryOnly?: true;
}

const integer = (dtype: DType, least: number, most: number): Datatype => ({ dtype, integers: [least, most] });

const datatypes: ReadonlyMap<string, Datatype> = new Map([
  ["BOOL", { dtype: "bool" }],
  ["UINT8", integer("uint8", 0, 2 ** 8 - 1)],
  ["UINT16", integer("uint16", 0, 2 ** 16 - 1)],
  ["UINT32", integer("uint32", 0, 2 ** 32 - 1)],
  // Of 64 bits, JSON's numbers hold 53.
  ["UINT64", integer("uint64", 0, Number.MAX_SAFE_INTEGER)],
  ["INT8", integer("int8", -(2 ** 7), 2 ** 7 - 1)],
  ["INT16", integer("int16", -(2 ** 15), 2 ** 15 - 1)],
  ["INT32", integer("int32", -(2 ** 31), 2 ** 31 - 1)],
  ["INT64", integer("int64", -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)],
  ["FP16", { dtype: "float16", binaryOnly: true }],
  ["BF16", { dtype: "bfloat16", binaryOnly: true }],
  ["FP32", { dtype: "float32" }],
  ["FP64", { dtype: "float64" }],
] satisfies [string, Datatype][]);

/** The datatype of a model's input or output. */
export function datatypeOf({ type }: ServedPort): "FP32" | "INT32" | "BOOL" {
  return type === "int32" ? "INT32" : type === "bool" ? "BOOL" : "FP32";
}

/** One tensor of a request, by the place that messages give it. */
interface Given {
  /** `input "name"`. */
  readonly place: string;
  readonly port: ServedPort;
  readonly shape: readonly number[];
  readonly datatype: string;
}

/** Binary data of so many bytes as the datatype and the shape need. */
export function binarySizeBytes({ place, port, shape, datatype }: Given): number {
  return elements(shape) * bytesPerElement[knownDatatype(place, port, datatype).dtype];
}

/** Binary data as the engine takes it; a view of `bytes` where they are that already. */
export function fromBinary({ place, port, datatype }: Given, bytes: Uint8Array): TensorData {
  const { dtype } = knownDatatype(place, port, datatype);
  const raw = typedArray(dtype, bytes);
  if (dtype === "bool") {
    const wrong = (raw as Uint8Array).findIndex((value) => value > 1);
    if (wrong >= 0) throw badRequest(`${place}: expected BOOL as bytes 0 and 1, got ${raw[wrong]} at element ${wrong}`);
    return Float32Array.from(raw as Uint8Array);
  }
  if (dtype === "float16") return exactly(place, datatype, port, float16ToFloat32(raw as Uint16Array));
  if (dtype === "bfloat16") return exactly(place, datatype, port, bfloat16ToFloat32(raw as Uint16Array));
  return exactly(place, datatype, port, raw);
}

/** The `data` of a tensor in JSON, flat or nested as its shape is, as the engine takes it. */
export function fromJson({ place, port, shape, datatype }: Given, data: unknown): TensorData {
  const { dtype, integers, binaryOnly } = knownDatatype(place, port, datatype);
  if (binaryOnly) throw badRequest(`${place}: ${datatype} is taken as binary data only`);
  const values = flatten(place, data, shape);
  const numbers = new Float64Array(values.length);
  values.forEach((value, index) => {
    const wanted = dtype === "bool" ? typeof value === "boolean" : typeof value === "number";
    const [least, most] = integers ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    const number = Number(value);
    if (!wanted || (integers && !(Number.isInteger(number) && number >= least && number <= most)))
      throw badRequest(`${place}: element ${index} is no ${datatype}`);
    if (!Number.isFinite(dtype === "float32" ? Math.fround(number) : number))
      throw badRequest(`${place}: element ${index} is larger than any ${datatype}`);
    numbers[index] = number;
  });
  if (dtype === "bool" || (dtype === "float32" && port.type === "float32")) return Float32Array.from(numbers);
  return exactly(place, datatype, port, numbers);
}

/** An output as binary data. */
export function toBinary(port: ServedPort, data: TensorData): Uint8Array {
  const datatype = datatypeOf(port);
  if (datatype === "BOOL") return Uint8Array.from(data);
  return bytesOf(datatype === "INT32" ? Int32Array.from(data) : data);
}

/** An output as the numbers, or true and false, of JSON; all of them finite. */
export function toJson(port: ServedPort, data: TensorData): unknown[] {
  const wrong = data.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0)
    throw badRequest(
      `output ${JSON.stringify(port.name)}: element ${wrong} is ${data[wrong]}, for which JSON has no word; ask for binary data, or check the inputs`,
    );
  return port.type === "bool" ? Array.from(data, (value) => value !== 0) : Array.from(data);
}

function knownDatatype(place: string, port: ServedPort, datatype: string): Datatype {
  const own = datatypeOf(port);
  const known = datatypes.get(datatype);
  if (!known || (datatype === "BOOL") !== (own === "BOOL"))
    throw badRequest(
      `${place}: expected ${own}, got ${known || datatype === "BYTES" ? datatype : "an unknown datatype"}`,
    );
  return known;
}

/** The same numbers as the engine takes them for this input. */
function exactly(place: string, datatype: string, port: ServedPort, source: RawArray): TensorData {
  const own = port.type === "int32" ? Int32Array : Float32Array;
  if (source instanceof own) return source;
  const result = new own(source.length);
  for (let index = 0; index < source.length; index++) {
    const value = Number(source[index]);
    result[index] = value;
    const rounded = typeof source[index] === "bigint" && !Number.isSafeInteger(value);
    // NaN is no other NaN.
    if (rounded || (result[index] !== value && !(Number.isNaN(value) && own === Float32Array)))
      throw badRequest(
        `${place}: element ${index} of ${datatype} is ${source[index]}, which no ${datatypeOf(port)} is; send ${datatypeOf(port)}`,
      );
  }
  return result;
}

/** The elements of `data`, row-major: a flat list of them, or lists in lists, one level for each axis. */
function flatten(place: string, data: unknown, shape: readonly number[]): unknown[] {
  if (!Array.isArray(data)) throw badRequest(`${place}: expected data as a list`);
  const count = elements(shape);
  const nested = shape.length > 1 && Array.isArray(data[0]);
  const values = nested ? shape.reduce((rows: unknown[], size, axis) => level(rows, size, axis), [data]) : data;
  if (values.length !== count) throw badRequest(`${place}: expected ${count} elements, got ${values.length}`);
  return values;

  function level(rows: unknown[], size: number, axis: number): unknown[] {
    const wrong = rows.find((row) => !Array.isArray(row) || row.length !== size);
    if (wrong !== undefined || rows.includes(undefined))
      throw badRequest(`${place}: expected lists of ${size} on level ${axis + 1} of the data`);
    return rows.flat(1);
  }
}
