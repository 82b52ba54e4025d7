/**
 * rounding: whether a difference between both sides is float32's own
 *
 * A deep network may amplify what float32 rounds off, and a function with a jump may take the other branch. Then the engine
 * and the converted program are far apart and both are right. It is told apart from a fault by two checks that do not let
 * rounding add up, both against the plain-loop definitions in float64:
 *
 *     the converted program   computes what the definitions compute from the model's inputs, to 1e-9
 *     the engine              computes in every single step what the definitions make of that step's own inputs
 */
import { runReference } from "../backends/reference/reference.ts";
import type { EngineValue } from "../backends/wasm/engine.ts";
import type { Graph, ValueId } from "../graph/graph.ts";
import type { Array64 } from "../ops/facets.ts";
import { compareArrays } from "./compare.ts";

/** How near two float64 computations of the same thing come, as a share of the largest magnitude. */
const float64Noise = 1e-9;

const double = ({ axes, data }: EngineValue): Array64 => ({ axes, data: Float64Array.from(data) });

export class RoundingCheck {
  readonly #graph: Graph;
  readonly #engine: ReadonlyMap<ValueId, EngineValue>;
  readonly #definitions: readonly Array64[];
  #stepsAgree: boolean | null = null;

  /** @param engine every value of the graph that the engine computed, its inputs too */
  constructor(graph: Graph, engine: ReadonlyMap<ValueId, EngineValue>) {
    this.#graph = graph;
    this.#engine = engine;
    this.#definitions = runReference(graph, this.#inputs());
  }

  /** Whether this value, as the converted program computed it, is right, and the engine as well. */
  explains(value: ValueId, converted: Float64Array): boolean {
    const { maxRelative } = compareArrays(converted, this.#definitions[value]!.data);
    return maxRelative <= float64Noise && this.#everyStepAgrees();
  }

  #inputs(): Array64[] {
    return this.#graph.inputs.map((port) => double(this.#engine.get(port.value)!));
  }

  #everyStepAgrees(): boolean {
    this.#stepsAgree ??= this.#checkSteps();
    return this.#stepsAgree;
  }

  #checkSteps(): boolean {
    const steps = runReference(this.#graph, this.#inputs(), undefined, (value) => double(this.#engine.get(value)!));
    return this.#graph.nodes.every((node) =>
      node.outputs.every((value) => compareArrays(this.#engine.get(value)!.data, steps[value]!.data).agrees),
    );
  }
}
