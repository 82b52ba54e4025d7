/**
 * rounding: whether a difference between both sides is float32's own
 *
 * A deep network may amplify what float32 rounds off, a function with a jump may take the other branch, and where a difference of
 * equal numbers is left, nothing but rounding is. Then the engine and the converted program are far apart and both are right.
 * It is told apart from a fault by two checks that do not let rounding add up, both against the plain-loop definitions in float64:
 *
 *     the converted program   computes what the definitions compute from the model's inputs, to 1e-9
 *     the engine              computes in every single step what the definitions make of that step's own inputs
 *
 * A sum that cancels has no digits of its own: the share is then one of the numbers that went into it, as far as the definitions
 * themselves give other results when what they read is rounded.
 */
import { runReference } from "../backends/reference/reference.ts";
import type { EngineValue } from "../backends/wasm/engine.ts";
import type { Graph, ValueId } from "../graph/graph.ts";
import type { Array64 } from "../ops/facets.ts";
import { compareArrays, largestDifference, largestMagnitude, tolerance } from "./compare.ts";
import { uniform } from "./random.ts";

/** How near two float64 computations of the same thing come, as a share of the largest magnitude. */
const float64Noise = 1e-9;

/** One rounding of a float32, as a share of the number. */
const rounded = 2 ** -23;

/** How much larger than one draw of roundings another one may be, where few numbers are drawn. */
const draws = 16;

const double = ({ axes, data }: EngineValue): Array64 => ({ axes, data: Float64Array.from(data) });

export class RoundingCheck {
  readonly #graph: Graph;
  readonly #engine: ReadonlyMap<ValueId, EngineValue>;
  readonly #definitions: readonly Array64[];
  #stepsAgree: boolean | null = null;
  #moved: readonly Array64[] | null = null;

  /** @param engine every value of the graph that the engine computed, its inputs too */
  constructor(graph: Graph, engine: ReadonlyMap<ValueId, EngineValue>) {
    this.#graph = graph;
    this.#engine = engine;
    this.#definitions = runReference(graph, this.#inputs());
  }

  /** Whether this value, as the converted program computed it, is right, and the engine as well. */
  explains(value: ValueId, converted: Float64Array): boolean {
    const want = this.#definitions[value]!.data;
    const { maxAbsolute, maxRelative } = compareArrays(converted, want);
    if (maxRelative > float64Noise && maxAbsolute > float64Noise * this.#cancelled(value)) return false;
    return this.#everyStepAgrees();
  }

  #inputs(): Array64[] {
    return this.#graph.inputs.map((port) => double(this.#engine.get(port.value)!));
  }

  /** The magnitude of what may have cancelled in this value. */
  #cancelled(value: ValueId): number {
    this.#moved ??= runReference(this.#graph, this.#inputs(), undefined, moved);
    const difference = largestDifference(this.#moved[value]!.data, this.#definitions[value]!.data);
    const largest = Math.max(...this.#definitions.map(({ data }) => largestMagnitude(data)));
    return Math.min((draws * difference) / rounded, largest);
  }

  #everyStepAgrees(): boolean {
    this.#stepsAgree ??= this.#checkSteps();
    return this.#stepsAgree;
  }

  #checkSteps(): boolean {
    const read = (value: ValueId) => double(this.#engine.get(value)!);
    const steps = runReference(this.#graph, this.#inputs(), undefined, read);
    const wrong = (value: ValueId) => !compareArrays(this.#engine.get(value)!.data, steps[value]!.data).agrees;
    const doubtful = this.#graph.nodes.filter((node) => node.outputs.some(wrong));
    if (doubtful.length === 0) return true;
    const others = runReference(this.#graph, this.#inputs(), undefined, (value) => moved(value, read(value)));
    return doubtful.every(({ inputs, outputs }) => {
      const largest = Math.max(...inputs.map((value) => largestMagnitude(read(value).data)));
      return outputs.every((value) => {
        const want = steps[value]!.data;
        const cancelled = Math.min(draws * largestDifference(others[value]!.data, want), tolerance.ofLargest * largest);
        return !wrong(value) || largestDifference(this.#engine.get(value)!.data, want) <= cancelled;
      });
    });
  }
}

/** Every number of the array rounded up or down by up to a float32's last digit, the same each time. */
function moved(value: ValueId, { axes, data }: Array64): Array64 {
  const draw = uniform(value);
  return { axes, data: data.map((number) => number * (1 + rounded * (2 * draw() - 1))) };
}
