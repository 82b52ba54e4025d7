/** The model that is open, and what the page can ask of it. */
import {
  convert,
  type ConversionPlan,
  explain,
  inspect,
  type Model,
  planConversion,
  type Report,
  verify,
} from "channelwise";
import type {
  BenchRow,
  Choice,
  Curves,
  InputSource,
  Opened,
  Picture,
  Prediction,
  Progress,
  View,
  WeightNumbers,
  Written,
} from "../protocol.ts";
import { bench, curves, predict } from "./measure.ts";
import { openFiles } from "./open-files.ts";
import { refuse } from "./refusal.ts";
import { numbersOf } from "./weight-numbers.ts";

type Tell = (progress: Progress) => void;

export class Session {
  #model: Model | null = null;
  #plans = new Map<string, ConversionPlan>();

  async open(files: readonly File[], report: Tell): Promise<Opened> {
    const { model, spare } = await openFiles(files, report);
    this.#model?.dispose();
    this.#model = model;
    this.#plans.clear();
    return { description: inspect(model), spare };
  }

  /** What lays charts out is fetched with the first one. */
  async picture(view: View): Promise<Picture> {
    const { chartOf } = await import("./chart.ts");
    // What is naive holds its values as a folded conversion does, and its weights as one that permutes.
    const shown = this.#plan(view);
    const values = view.flatten === "naive" ? this.#plan({ ...view, flatten: "fold" }) : shown;
    return { view, source: shown.source, chart: chartOf(values, shown, view.flatten === "naive") };
  }

  weight(view: View, index: number): WeightNumbers {
    return numbersOf(this.#plan(view).weights[index]!);
  }

  async verify({ flatten, io }: Choice, report: Tell): Promise<Report> {
    return verify(this.#open, { flatten, io, onProgress: (done, total) => report({ done, total }) });
  }

  curves(): Curves {
    return curves(this.#open, explain);
  }

  async convert({ flatten, io, weights }: Choice, report: Tell): Promise<Written> {
    let proof: Report | undefined;
    const files = await convert(this.#open, {
      flatten,
      io,
      weights,
      onProgress: (done, total) => report({ done, total }),
      onVerified: (found) => {
        proof = found;
      },
    });
    const name = `${this.#open.name.replace(/\.[a-z0-9]+$/i, "").replace(/[^\w.-]+/g, "_") || "model"}-pytorch`;
    // Weights are noise to a compressor: stored, as NumPy and PyTorch do it.
    const entries = Array.from(files, ([path, bytes]) => [
      `${name}/${path}`,
      [bytes, { level: path.endsWith(".py") ? 6 : 0 }],
    ]);
    // Only who takes files away fetches what packs them.
    const { zipSync } = await import("fflate");
    const bytes = zipSync(Object.fromEntries(entries));
    return { name: `${name}.zip`, bytes, report: proof! };
  }

  predict(source: InputSource): Promise<Prediction> {
    return predict(this.#open, source);
  }

  bench(report: Tell): readonly BenchRow[] {
    return bench(this.#open, report);
  }

  get #open(): Model {
    return this.#model ?? refuse("no model is open", "open one first");
  }

  #plan({ flatten, io, weights }: View): ConversionPlan {
    const options = { flatten: flatten === "naive" ? "permute" : flatten, io, weights } as const;
    const key = JSON.stringify(options);
    const known = this.#plans.get(key);
    if (known) return known;
    const plan = planConversion(this.#open, options);
    this.#plans.set(key, plan);
    return plan;
  }
}
