/**
 * onnx-writer: as much of ONNX as the networks need, as bytes
 *
 * Source  github.com/onnx/onnx: onnx/onnx.proto (field numbers), protobuf.dev/programming-guides/encoding
 */

const [VARINT, BYTES, FIXED32] = [0, 2, 5];
const [FLOAT, INT64] = [1, 7];
const attributeType = { float: 1, int: 2, ints: 7 };
const irVersion = 8;
const opset = 17;

/** @typedef {Uint8Array | number[]} Chunk */
/**
 * @typedef {object} Node
 * @property {string} op
 * @property {string[]} inputs
 * @property {string} output      the one that is read
 * @property {number} [place]     which of the operator's outputs that is
 * @property {Record<string, number | number[]>} [attributes]
 */
/** @typedef {{ name: string, shape: number[], data: Float32Array | BigInt64Array }} Initializer */
/** @typedef {{ name: string, shape: (number | string)[] }} Value */

/** @param {number} value @returns {number[]} */
function varint(value) {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}

/** @param {number} number @param {number} value */
const integer = (number, value) => [...varint((number << 3) | VARINT), ...varint(value)];

/** @param {number} number @param {Chunk} content @returns {Uint8Array} */
const bytes = (number, content) => join([varint((number << 3) | BYTES), varint(content.length), content]);

/** @param {number} number @param {string} value */
const text = (number, value) => bytes(number, new TextEncoder().encode(value));

/** @param {number} number @param {number} value */
const float = (number, value) => [
  ...varint((number << 3) | FIXED32),
  ...new Uint8Array(new Float32Array([value]).buffer),
];

/** @param {readonly Chunk[]} chunks */
function join(chunks) {
  const result = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    result.set(chunk, at);
    at += chunk.length;
  }
  return result;
}

/** Floats are numbers with a name that says so: ONNX' types come from the operator, not from the value. */
const floatAttributes = new Set(["epsilon", "alpha", "beta"]);

/** @param {string} name @param {number | number[]} value */
function attribute(name, value) {
  if (Array.isArray(value)) {
    return join([text(1, name), ...value.map((entry) => integer(8, entry)), integer(20, attributeType.ints)]);
  }
  const kind = floatAttributes.has(name) ? "float" : "int";
  return join([
    text(1, name),
    kind === "float" ? float(2, value) : integer(3, value),
    integer(20, attributeType[kind]),
  ]);
}

/** @param {Node} node */
const node = ({ op, inputs, output, place = 0, attributes = {} }) =>
  join([
    ...inputs.map((name) => text(1, name)),
    ...new Array(place).fill(text(2, "")),
    text(2, output),
    text(3, output),
    text(4, op),
    ...Object.entries(attributes).map(([name, value]) => bytes(5, attribute(name, value))),
  ]);

/** @param {Initializer} initializer */
const tensor = ({ name, shape, data }) =>
  join([
    ...shape.map((size) => integer(1, size)),
    integer(2, data instanceof Float32Array ? FLOAT : INT64),
    text(8, name),
    bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  ]);

/** @param {Value} value */
function valueInfo({ name, shape }) {
  const dimensions = shape.map((size) => bytes(1, typeof size === "number" ? integer(1, size) : text(2, size)));
  const tensorType = join([integer(1, FLOAT), bytes(2, join(dimensions))]);
  return join([text(1, name), bytes(2, bytes(1, tensorType))]);
}

/**
 * The bytes of an ONNX model.
 * @param {{ nodes: Node[], initializers: Initializer[], inputs: Value[], outputs: Value[] }} graph
 */
export function writeOnnx({ nodes, initializers, inputs, outputs }) {
  const graph = join([
    ...nodes.map((entry) => bytes(1, node(entry))),
    text(2, "network"),
    ...initializers.map((entry) => bytes(5, tensor(entry))),
    ...inputs.map((entry) => bytes(11, valueInfo(entry))),
    ...outputs.map((entry) => bytes(12, valueInfo(entry))),
  ]);
  return join([
    integer(1, irVersion),
    text(2, "channelwise bench"),
    bytes(7, graph),
    bytes(8, join([text(1, ""), integer(2, opset)])),
  ]);
}
