/** A model larger than what a page reads at once: a file of zeros with a header, which takes no place on a disk that keeps holes. */
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { convert, load } from "channelwise";

/** The bytes of a header of safetensors: a length, and JSON. */
function headerOf(bytes) {
  const size = Number(bytes.readBigUInt64LE());
  return JSON.parse(bytes.toString("utf8", 8, 8 + size));
}

/**
 * Writes a model of channelwise whose last Dense has so many units, 254 numbers each, all of them zero.
 *
 * @param source a model of Conv1D, Flatten and Dense with one unit: the fixture `seed-experiment`
 * @returns the file's size
 */
export async function writeLargeModel(path, source, units) {
  const model = await load(new Uint8Array(readFileSync(source)));
  const files = await convert(model, { to: "safetensors" });
  model.dispose();
  const { __metadata__: metadata, ...tensors } = headerOf(Buffer.from(files.get("model.safetensors")));
  const graph = JSON.parse(metadata.channelwise);
  for (const { op, attributes } of graph.nodes) if (op === "dense") attributes.units = units;
  let end = 0;
  const header = { __metadata__: { format: "pt", channelwise: JSON.stringify(graph) } };
  for (const [name, { dtype, shape }] of Object.entries(tensors)) {
    const own = name.startsWith("dense.") ? [units, ...shape.slice(1)] : shape;
    const start = end;
    end += 4 * own.reduce((all, size) => all * size, 1);
    header[name] = { dtype, shape: own, data_offsets: [start, end] };
  }
  const text = JSON.stringify(header);
  const bytes = Buffer.from(`${" ".repeat(8)}${text}${" ".repeat((8 - (Buffer.byteLength(text) % 8)) % 8)}`);
  bytes.writeBigUInt64LE(BigInt(bytes.length - 8));
  writeFileSync(path, bytes);
  truncateSync(path, bytes.length + end);
  return bytes.length + end;
}
