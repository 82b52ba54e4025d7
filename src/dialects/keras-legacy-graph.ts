/**
 * Connections of a Functional configuration of Keras 1 and 2 in the spelling of Keras 3.
 *
 *     [[["conv", 0, 0, {}]]]                          {"args": [T(conv, 0, 0)], "kwargs": {}}
 *     [[["a", 0, 0, {}], ["b", 1, 0, {}]]]            {"args": [[T(a, 0, 0), T(b, 1, 0)]], "kwargs": {}}
 *     [[["x", 0, 0, {"value": ["y", 0, 0]}]]]         {"args": [T(x, 0, 0)], "kwargs": {"value": T(y, 0, 0)}}
 *     [["x", 0, 0, {"y": 2.0, "name": null}]]         the same for a function of TensorFlow: keras-tf-operations.ts
 *
 * Before Keras 3 calls of a model inside counted from 1, since the model's own inputs were its first; `inbound_nodes` counts them
 * from 0 now, and `output_layers` still from 1.
 *
 * Source  keras 2.2.4: keras/engine/network.py (get_config); keras 2.15: keras/src/engine/{functional,node}.py
 */
import { invalidModel } from "../error.ts";
import { brief, isObject, type Json } from "./keras-config.ts";
import { isTensorFlowOperation, operationOf } from "./keras-tf-operations.ts";

/** References deeper in arguments than this are refused. */
const deepest = 32;

/** A reference to output `tensor` of the `call`-th call of `layer`. */
type Reference = [layer: string, call: number, tensor: number, kwargs?: unknown];

/** What is known of a layer that others refer to. */
interface Target {
  readonly className: unknown;
  readonly isModel: boolean;
  readonly calls: number;
  /** Highest number of a call that is referred to. */
  last: number;
}

/** A Functional configuration whose layers, as they stand in `layers`, are connected as in Keras 3. */
export function connected(config: Json, layers: readonly unknown[], place: readonly string[]): Json {
  return new Connections(config, layers, place).config();
}

class Connections {
  readonly #config: Json;
  readonly #place: readonly string[];
  readonly #entries: readonly { readonly entry: Json; readonly name: string; readonly nodes: readonly unknown[] }[];
  readonly #targets = new Map<string, Target>();

  constructor(config: Json, layers: readonly unknown[], place: readonly string[]) {
    this.#config = config;
    this.#place = place;
    this.#entries = layers.map((entry) => {
      if (!isObject(entry) || !isObject(entry.config))
        throw invalidModel(`expected a layer, got ${brief(entry)}`, place);
      const name = String(typeof entry.name === "string" ? entry.name : entry.config.name);
      const nodes = Array.isArray(entry.inbound_nodes) ? entry.inbound_nodes : [];
      const isModel = Array.isArray(entry.config.layers);
      this.#targets.set(name, { className: entry.class_name, isModel, calls: nodes.length, last: 0 });
      return { entry, name, nodes };
    });
    for (const { nodes } of this.#entries) this.#visit(nodes);
    this.#visit(config.output_layers);
  }

  config(): Json {
    const layers = this.#entries.map(({ entry, name, nodes }) => {
      const place = [...this.#place, `layer ${name}`];
      if (!isTensorFlowOperation(entry))
        return { ...entry, inbound_nodes: nodes.map((node) => this.#node(node, place)) };
      return operationOf(
        entry,
        nodes.map((node) => this.#node(node, place)),
        place,
      );
    });
    return { ...this.#config, layers, output_layers: this.#port(this.#config.output_layers) };
  }

  #isReference(value: unknown): value is Reference {
    return (
      Array.isArray(value) &&
      (value.length === 3 || value.length === 4) &&
      typeof value[0] === "string" &&
      this.#targets.has(value[0]) &&
      Number.isInteger(value[1]) &&
      Number.isInteger(value[2])
    );
  }

  /** Notes which calls are referred to. */
  #visit(value: unknown, depth = 0): void {
    if (depth > deepest) throw invalidModel("arguments are nested too deeply", this.#place);
    if (this.#isReference(value)) {
      const target = this.#targets.get(value[0])!;
      target.last = Math.max(target.last, value[1]);
      this.#visit(value[3], depth + 1);
    } else if (Array.isArray(value)) for (const inner of value) this.#visit(inner, depth + 1);
    else if (isObject(value)) for (const inner of Object.values(value)) this.#visit(inner, depth + 1);
  }

  /** The number of a call, from 0. */
  #call([name, call]: Reference): number {
    const { isModel, calls, last } = this.#targets.get(name)!;
    return isModel && last === calls ? call - 1 : call;
  }

  #argument(value: unknown): unknown {
    if (this.#isReference(value)) {
      const [name, , tensor] = value;
      return { class_name: "__keras_tensor__", config: { keras_history: [name, this.#call(value), tensor] } };
    }
    if (!Array.isArray(value)) return value;
    return value[0] === "_CONSTANT_VALUE" ? value[2] : value.map((inner) => this.#argument(inner));
  }

  #node(given: unknown, place: readonly string[]): unknown {
    if (isObject(given)) return given;
    const single = Array.isArray(given) && typeof given[0] === "string";
    const list: unknown[] = single ? [given] : Array.isArray(given) ? given : [];
    const [first] = list;
    if (!Array.isArray(first) || !list.every((entry) => Array.isArray(entry) && typeof entry[0] === "string"))
      throw invalidModel(`expected inbound_nodes, got ${brief(given)}`, place);
    const named = Object.entries(isObject(first[3]) ? first[3] : {});
    const inputs = list.map((entry) => this.#argument(entry));
    return {
      args: inputs.length === 1 ? inputs : [inputs],
      kwargs: Object.fromEntries(named.map(([key, value]) => [key, this.#argument(value)])),
    };
  }

  #port(value: unknown): unknown {
    if (this.#isReference(value)) {
      const [name, , tensor] = value;
      const { isModel, className } = this.#targets.get(name)!;
      const call = this.#call(value);
      return [name, isModel && className !== "Sequential" ? call + 1 : call, tensor];
    }
    if (Array.isArray(value)) return value.map((inner) => this.#port(inner));
    if (!isObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, this.#port(inner)]));
  }
}
