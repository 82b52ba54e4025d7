/**
 * docs/formats.md, made of the tables that readers and writers go by (src/formats/kinds.ts), of what is said of each
 * (src/formats/notes.ts), and of the layers that TensorFlow.js has (src/dialects/tfjs-layers.ts). `npm run docs` writes it;
 * tests/formats-page.test.ts compares.
 */
import { tfjsActivations, tfjsLayers } from "../src/dialects/tfjs-layers.ts";
import { type Kind, kinds, type Target, targets } from "../src/formats/kinds.ts";
import {
  hdf5Limits,
  jsonLimits,
  type Limit,
  npyLimits,
  readNotes,
  sizeLimits,
  writeNotes,
  zipLimits,
} from "../src/formats/notes.ts";

/** Limits of what formats are made of, by its name. */
export const sharedLimits: Readonly<Record<string, readonly Limit[]>> = {
  "every file": sizeLimits,
  "zip archives (`.keras`, `.npz`, `.pt`)": zipLimits,
  "HDF5 (`.h5`, and the weights in a `.keras`)": hdf5Limits,
  "JSON (configurations, indexes, headers)": jsonLimits,
  "NumPy arrays": npyLimits,
};

/** The page as Markdown. */
export function formatsPage(): string {
  const read = Object.entries(readNotes) as [Kind, (typeof readNotes)[Kind]][];
  const written = Object.entries(writeNotes) as [Target, (typeof writeNotes)[Target]][];
  return `# File formats

<!-- Made by \`npm run docs\` from src/formats/ and src/dialects/tfjs-layers.ts: change those. -->

A file is known by its bytes, never by its name's ending; further files that it names (shards) are taken from beside it. Files are
read as if a stranger had made them: every length, offset, count and shape is checked, and nothing in a file is run. What is not
understood is refused by name, with the place where it stands and what to do about it.

## Files that are read

| format | usual endings | written by | what is read |
| --- | --- | --- | --- |
${read.map(([kind, { versions, read: what }]) => row([kinds[kind].name, codes(kinds[kind].extensions), versions, what])).join("\n")}

Which layers are read, and what of them: [layers.md](layers.md). Layers of other people, and \`Lambda\`: [custom-layers.md](custom-layers.md).

## What is refused in them, and why

| in | refused | because |
| --- | --- | --- |
${[
  ...read.flatMap(([kind, { limits }]) => limits.map(({ what, why }) => row([kinds[kind].name, what, why]))),
  ...Object.entries(sharedLimits).flatMap(([name, limits]) => limits.map(({ what, why }) => row([name, what, why]))),
].join("\n")}

A file that breaks its format's rules (cut off, a wrong checksum, lengths past the end, a shape that does not fit its bytes) is
refused as damaged.

## Files that are written

By \`channelwise convert MODEL OUT --to …\`, or by OUT's ending, and by \`convert(model, { to: … })\`. What is written has been read
again, or run in PyTorch's semantics, and compared with the model, before it is in its place.

| \`--to\` | OUT ends in | what | opened by |
| --- | --- | --- | --- |
${written.map(([to, { what, opens }]) => row([`\`${to}\``, codes(targets[to]) || "a folder", what, opens])).join("\n")}

| \`--to\` | refused | because |
| --- | --- | --- |
${[...new Set(written.flatMap(([, { limits }]) => limits))]
  .map((limit) =>
    row([codes(written.flatMap(([to, { limits }]) => (limits.includes(limit) ? [to] : []))), limit.what, limit.why]),
  )
  .join("\n")}

### Models for TensorFlow.js

\`tf.loadLayersModel\` takes Keras 2's spelling of a model and finds weights by name. These layers are written, where each option means
the same there as in Keras 3, and were compared with it: ${codes(Object.keys(tfjsLayers))}; models inside models too. Activations:
${codes([...new Set(Object.values(tfjsActivations))])} (\`hard_sigmoid\` as Keras 1, 2 and TensorFlow.js have it).

What people meet most among the rest: \`padding="causal"\` and \`groups\` of Conv1D, \`data_format="channels_first"\`, GRU with
\`reset_after=True\` (Keras' default), Keras 3's \`hard_sigmoid\`, SeparableConv1D and other convolutions, attention, operations of
\`keras.ops\` in the graph, precisions other than float32, \`quantize("int8")\`, stateful layers.

Masks of Embedding and Masking are written where every recurrent layer has the mask there that it has in Keras, in branches too. Refused
are merges, averages and other layers that take masks into account in Keras and not there; a recurrent layer without a mask that is
computed after one with a mask, whose mask it would be given; masks beside initial states, in models with models inside, and where Keras
gives zeros for what is masked (\`zero_output_for_mask\`, a Bidirectional with \`return_sequences\`).

Initializers, regularizers and constraints are written under the names that they have there. Left out is what only counts in training and
TensorFlow.js has not or takes for something else: activity regularizers, with which a layer refuses to run; OrthogonalRegularizer; the
initializer STFT, VarianceScaling with \`untruncated_normal\`, random ones of which a bound or the deviation is 0; constraints that the
weights do not keep, since they are applied as weights are loaded; those of LayerNormalization; classes of other people. Its
truncated normal distributions are an eighth narrower than Keras'.
`;
}

function codes(texts: readonly string[]): string {
  return texts.map((text) => `\`${text}\``).join(", ");
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`.replaceAll("|  |", "| |");
}
