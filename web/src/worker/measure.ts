/** Runs the model: predictions, both answers of `explain`, and how long they take. */
import { drawInputs, type explain, type Model, readInputs } from "channelwise";
import type { BenchRow, Curves, InputSource, Numbers, Prediction, Progress } from "../protocol.ts";

/** Points of a curve that shows something. */
const curvePoints = 48;
const mostSamples = 48;
/** How long a prediction is repeated for its time. */
const measuredMilliseconds = 60;
const benchMilliseconds = 700;
const batches = [1, 8, 32];

/** Both answers for random inputs: one sample where an output has many numbers, more where it has few. */
export function curves(model: Model, explained: typeof explain): Curves {
  const numbers = Math.min(
    ...model.outputs.map(({ shape }) => shape.slice(1).reduce<number>((all, size) => all * (size ?? 16), 1)),
  );
  const samples = Math.max(1, Math.min(mostSamples, Math.ceil(curvePoints / Math.max(1, numbers))));
  return { outputs: explained(model, drawInputs(model, { samples })).outputs, samples };
}

/** The inputs that a source stands for; where it gives one of several, the others are drawn. */
async function inputsOf(model: Model, source: InputSource): Promise<Record<string, Numbers>> {
  if (source.kind === "file") return readInputs(model, source.file, { layout: source.layout, name: source.file.name });
  if (source.kind === "random") return drawInputs(model, { samples: 1, seed: source.seed });
  const { numbers, port } = source;
  if (model.inputs.length === 1) return { [port]: numbers };
  const batch = numbers.shape[0]!;
  return { ...drawInputs(model, { samples: batch, seed: 0 }), [port]: numbers };
}

const named = (model: Model, outputs: readonly Numbers[]) =>
  Object.fromEntries(outputs.map((output, index) => [model.outputs[index]!.name, output]));

export async function predict(model: Model, source: InputSource): Promise<Prediction> {
  const inputs = await inputsOf(model, source);
  const outputs = model.predictAll(inputs);
  const times = repeat(() => model.predictAll(inputs), measuredMilliseconds);
  return { inputs, outputs: named(model, outputs), milliseconds: median(times) };
}

/** Predictions of random inputs in batches of several sizes. */
export function bench(model: Model, report: (progress: Progress) => void): BenchRow[] {
  return batches.map((batch, index) => {
    report({ done: index, total: batches.length });
    const inputs = drawInputs(model, { samples: batch });
    model.predictAll(inputs);
    const times = repeat(() => model.predictAll(inputs), benchMilliseconds);
    const typical = median(times);
    return {
      batch,
      predictions: times.length,
      median: typical,
      slowest: Math.max(...times),
      perSecond: (1000 * batch) / typical,
    };
  });
}

/** What each run took, in milliseconds. A clock may be coarse: runs shorter than its step are timed together. */
function repeat(action: () => void, milliseconds: number): number[] {
  const times: number[] = [];
  let together = 1;
  for (const end = performance.now() + milliseconds; ; ) {
    const start = performance.now();
    for (let run = 0; run < together; run++) action();
    const took = performance.now() - start;
    if (took < 2 && together < 4096) together *= 2;
    else times.push(took / together);
    if (performance.now() >= end && times.length > 0) return times;
  }
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
