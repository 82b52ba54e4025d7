/**
 * infer-request: the protocol's inference request as tensors of a model, checked against it
 *
 *     { "id": "42",
 *       "parameters": { "binary_data_output": true },
 *       "inputs":  [ { "name": "signal", "shape": [1, 128, 9], "datatype": "FP32", "data": [ … ] } ],
 *       "outputs": [ { "name": "dense", "parameters": { "binary_data": true } } ] }
 *
 * An input has `data`, or `parameters.binary_data_size` and its bytes behind the JSON, in the order of `inputs`. Parameters that would
 * change what is answered and are not understood are refused by name; others (`priority`, `timeout`, a client's own) are hints.
 *
 * Source  Open Inference Protocol, "Inference Request JSON Object"; Triton's extension_binary_data.md, and for what is refused
 *         extension_classification.md, extension_sequence.md and extension_shared_memory.md
 */
import { elements, type Tensor } from "../tensor.ts";
import type { Body } from "./body.ts";
import { binarySizeBytes, fromBinary, fromJson } from "./datatypes.ts";
import type { ServedModel, ServedPort } from "./model.ts";
import { badRequest, quoted } from "./refusal.ts";

/** An output that is asked for. */
export interface RequestedOutput {
  /** Its place in the model's outputs. */
  readonly index: number;
  readonly binary: boolean;
}

/** A request that the model can answer, as far as can be told without asking it. */
export interface InferRequest {
  readonly id: string | null;
  /** By the names of the model's inputs; states may be missing. */
  readonly inputs: ReadonlyMap<string, Tensor>;
  /** Samples, the same in all inputs. */
  readonly batch: number;
  readonly outputs: readonly RequestedOutput[];
}

/** What a request may ask for at the most. */
export interface InferLimits {
  readonly maxBatch: number;
  readonly maxLength: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** Reads an inference request. */
export function readInferRequest({ json, binary }: Body, model: ServedModel, limits: InferLimits): InferRequest {
  const request = fieldsOf(json, "the request");
  const id = field(request, "id") ?? null;
  if (id !== null && typeof id !== "string") throw badRequest("id: expected a text");
  const parameters = parametersOf(request, "the request");
  return {
    id,
    ...readInputs(request, binary, model, limits),
    outputs: readOutputs(request, model, flag(parameters, "binary_data_output", "the request") ?? false),
  };
}

// -------------------------------------------------------------------------------------------------------- inputs

function readInputs(
  request: Fields,
  binary: Uint8Array,
  model: ServedModel,
  limits: InferLimits,
): Pick<InferRequest, "inputs" | "batch"> {
  const inputs = new Map<string, Tensor>();
  let taken = 0;
  for (const input of listOf(request, "inputs")) {
    const port = portOf(input, model.inputs, "input");
    const place = `input ${quoted(port.name)}`;
    if (inputs.has(port.name)) throw badRequest(`${place} is given twice`);
    const [data, bytes] = readInput(input, place, port, binary.subarray(taken), limits);
    inputs.set(port.name, data);
    taken += bytes;
  }
  if (taken !== binary.length)
    throw badRequest(`expected ${taken} bytes of binary data behind the JSON, got ${binary.length}`);
  for (const { name, state } of model.inputs)
    if (!state && !inputs.has(name)) throw badRequest(`input ${quoted(name)} is missing`);
  const batches = new Set([...inputs.values()].map(({ shape }) => shape[0]!));
  if (batches.size > 1) throw badRequest(`expected one batch in all inputs, got ${[...batches].join(" and ")}`);
  return { inputs, batch: [...batches][0] ?? 1 };
}

/** A tensor, and how many of the bytes behind the JSON it took. */
function readInput(
  input: Fields,
  place: string,
  port: ServedPort,
  binary: Uint8Array,
  limits: InferLimits,
): [Tensor, number] {
  const shape = readShape(input, place, port, limits);
  const datatype = field(input, "datatype");
  if (typeof datatype !== "string") throw badRequest(`${place}: expected datatype as a text`);
  const given = { place, port, shape, datatype };
  const tensor = (data: Tensor["data"]): Tensor => ({ data, shape, layout: port.layout });
  const parameters = parametersOf(input, place);
  const size = field(parameters, "binary_data_size");
  const data = field(input, "data");
  if ((size === undefined) === (data === undefined))
    throw badRequest(`${place}: expected either data or the parameter binary_data_size`);
  if (size === undefined) return [tensor(fromJson(given, data)), 0];
  const expected = binarySizeBytes(given);
  if (size !== expected)
    throw badRequest(
      `${place}: expected binary_data_size ${expected} for ${datatype} (${shape.join(", ")}), got ${typeof size === "number" ? size : typeof size}`,
    );
  if (binary.length < expected)
    throw badRequest(`${place}: expected ${expected} bytes of binary data, got ${binary.length}`);
  return [tensor(fromBinary(given, binary.subarray(0, expected))), expected];
}

function readShape(input: Fields, place: string, port: ServedPort, { maxBatch, maxLength }: InferLimits): number[] {
  const shape = field(input, "shape");
  const wanted = port.shape.map((size) => size ?? -1).join(", ");
  const fits =
    Array.isArray(shape) &&
    shape.length === port.shape.length &&
    shape.every((size, axis) => Number.isSafeInteger(size) && size >= 1 && (port.shape[axis] ?? size) === size);
  if (!fits) {
    const got =
      Array.isArray(shape) && shape.every((size) => typeof size === "number") ? `(${some(shape)})` : "no shape";
    throw badRequest(`${place}: expected the shape (${wanted}), -1 for any size from 1 up, got ${got}`);
  }
  const [batch, ...rest] = shape as [number, ...number[]];
  if (batch > maxBatch) throw badRequest(`${place}: expected a batch of at most ${maxBatch}, got ${batch}`);
  if (rest.some((size, axis) => port.shape[axis + 1] === null && size > maxLength))
    throw badRequest(`${place}: expected sizes of at most ${maxLength}, got (${shape.join(", ")})`);
  if (!Number.isSafeInteger(elements(shape) * 8)) throw badRequest(`${place}: the shape is too large`);
  return shape;
}

function some(shape: readonly number[]): string {
  return shape.length > 8 ? `${shape.slice(0, 8).join(", ")}, …` : shape.join(", ");
}

// ------------------------------------------------------------------------------------------------------- outputs

function readOutputs(request: Fields, model: ServedModel, binaryByDefault: boolean): RequestedOutput[] {
  const all = () => model.outputs.map((_, index) => ({ index, binary: binaryByDefault }));
  if (field(request, "outputs") === undefined) return all();
  const outputs = listOf(request, "outputs").map((output) => {
    const port = portOf(output, model.outputs, "output");
    const place = `output ${quoted(port.name)}`;
    const binary = flag(parametersOf(output, place), "binary_data", place) ?? binaryByDefault;
    return { index: model.outputs.indexOf(port), binary };
  });
  if (new Set(outputs.map(({ index }) => index)).size < outputs.length)
    throw badRequest("an output is asked for twice");
  return outputs.length === 0 ? all() : outputs;
}

// ---------------------------------------------------------------------------------------------------------- JSON

/** Own fields alone: a request's JSON may be called `__proto__`, and has no others. */
function field(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function fieldsOf(value: unknown, place: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw badRequest(`${place}: expected a JSON object`);
  return value as Fields;
}

function listOf(request: Fields, name: "inputs" | "outputs"): Fields[] {
  const list = field(request, name);
  if (!Array.isArray(list)) throw badRequest(`${name}: expected a list`);
  return list.map((entry, index) => fieldsOf(entry, `${name}[${index}]`));
}

function portOf(entry: Fields, ports: readonly ServedPort[], kind: "input" | "output"): ServedPort {
  const name = field(entry, "name");
  const port = ports.find((candidate) => candidate.name === name);
  if (port) return port;
  const known = ports.map((candidate) => quoted(candidate.name)).join(", ");
  throw badRequest(`expected ${kind}s ${known}, got ${typeof name === "string" ? quoted(name) : "no name"}`);
}

/** Extensions of Triton that would change the answer. */
const notUnderstood = /^(classification|sequence_(id|start|end)|shared_memory_(region|byte_size|offset))$/;

function parametersOf(owner: Fields, place: string): Fields {
  const own = field(owner, "parameters");
  if (own === undefined) return {};
  const parameters = fieldsOf(own, `${place}: parameters`);
  const refused = Object.keys(parameters).find((name) => notUnderstood.test(name));
  if (refused !== undefined) throw badRequest(`${place}: the parameter ${refused} is not supported here`);
  return parameters;
}

function flag(parameters: Fields, name: string, place: string): boolean | undefined {
  const value = field(parameters, name);
  if (value === undefined || typeof value === "boolean") return value;
  throw badRequest(`${place}: expected the parameter ${name} to be true or false`);
}
