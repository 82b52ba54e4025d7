/**
 * tfjs-masks: whether TensorFlow.js gives the masks of a model to the layers that Keras gives them to
 *
 * It has masks of its own, and hands them on otherwise. A layer is called with the mask of its first input where any input has one, and
 * else with the mask of the layer that was computed before it, whichever that was: what has no mask in Keras may have one there. So
 * the model is gone through in the order in which TensorFlow.js computes it, and each layer that looks at a mask has to find the one
 * that it has in the graph, or none as there. Any other model with masks is refused.
 *
 *     Embedding(mask_zero) -> LSTM(return_sequences) -> Dropout -> LSTM -> Dense       the same
 *     Embedding(mask_zero) -> Conv1D -> LSTM                                           Keras has lost it, TensorFlow.js has not
 *     Concatenate([LSTM of a masked text, LSTM of a series])                           the same: the last branch is computed first
 *     Concatenate([LSTM of a series, LSTM of a masked text])                           the series has the text's mask there
 *
 * Keras 3 writes the masks of a Functional model into it, as operations and arguments `mask`. They are left out of what is written.
 *
 * Source  @tensorflow/tfjs-layers 4.22.0: src/engine/executor.ts (execute, getTopologicalSortAndRecipientCounts); keras-masks.ts
 */
import { notInTfjs } from "../error.ts";
import type { Graph, Node, ValueId } from "../graph/graph.ts";
import type { Recurrent } from "../ops/recurrent.ts";
import { isObject, type Json } from "./keras-config.ts";
import { type TfjsMasks, tfjsLayers } from "./tfjs-layers.ts";

const fix = "take the mask out if no layer needs it (mask_zero=False), or convert to PyTorch";
const computedFirst =
  "have this branch computed first: of those that one layer joins, TensorFlow.js computes the last one first; or ";

// ----------------------------------------------------------------------------------------- masks of Keras' file

/** Whether an entry of a model's layers is an operation of `keras.ops`. */
export function isOperation({ module }: Json): boolean {
  return typeof module === "string" && /^keras\.(src\.)?ops\b/.test(module);
}

/** The layers of a Functional model without the operations that compute nothing but arguments `mask`. */
export function withoutMasks(layers: readonly Json[], outputs: unknown): readonly Json[] {
  const left = new Map(layers.filter(isOperation).map((layer) => [String(layer.name), layer]));
  const wanted = [...tensorNames(outputs), ...layers.filter((layer) => !isOperation(layer)).flatMap(usedBy)];
  // What an operation uses in its turn is wanted, too: the list grows as it is gone through.
  for (const name of wanted) {
    const operation = left.get(name);
    if (!operation) continue;
    left.delete(name);
    wanted.push(...usedBy(operation));
  }
  return layers.filter((layer) => !(isOperation(layer) && left.has(String(layer.name))));
}

/** The layers whose tensors a layer takes, but as a mask. */
function usedBy({ inbound_nodes: nodes }: Json): string[] {
  return (Array.isArray(nodes) ? nodes : []).flatMap((node) => tensorNames(withoutMask(node)));
}

function withoutMask(node: unknown): unknown {
  if (!isObject(node) || !isObject(node.kwargs)) return node;
  const { mask: _, ...kwargs } = node.kwargs;
  return { ...node, kwargs };
}

/** The layers whose tensors stand in a value. */
function tensorNames(value: unknown): string[] {
  if (Array.isArray(value) && value.length === 3 && typeof value[0] === "string" && typeof value[1] === "number")
    return [value[0]];
  if (Array.isArray(value)) return value.flatMap(tensorNames);
  if (!isObject(value)) return [];
  if (value.class_name === "__keras_tensor__") return [String(((value.config as Json).keras_history as unknown[])[0])];
  return Object.values(value).flatMap(tensorNames);
}

// ------------------------------------------------------------------------------------------- masks of the graph

/** A mask, told by how it is computed; null is none. */
type Mask = string | null;

/** The masks that Keras has. */
class KerasMasks {
  readonly #producers = new Map<ValueId, Node>();
  readonly #graph: Graph;

  constructor(graph: Graph) {
    this.#graph = graph;
    for (const node of graph.nodes) for (const value of node.outputs) this.#producers.set(value, node);
  }

  /** The recurrence that a call computes. */
  recurrence(call: string): Node<Recurrent> | undefined {
    const found = this.#graph.calls.find(({ name }) => name === call);
    const behind = [...(found?.outputs ?? [])];
    for (let value = behind.pop(); value !== undefined; value = behind.pop()) {
      const node = this.#producers.get(value);
      const { path } = found!.layer;
      if (!node || (node.layer.path !== path && !node.layer.path.startsWith(`${path}/`))) continue;
      if (node.kind === "recurrent") return node as Node<Recurrent>;
      behind.push(...node.inputs);
    }
    return undefined;
  }

  maskOf({ attributes, inputs }: Node<Recurrent>): Mask {
    return attributes.masked ? this.#told(inputs[1]!) : null;
  }

  #told(value: ValueId): string {
    const { kind, attributes, inputs } = this.#producers.get(value) ?? { kind: "", attributes: {}, inputs: [] };
    const own = attributes as { kind?: unknown; value?: unknown; axes?: unknown };
    if (kind === "rearrange") return this.#told(inputs[0]!);
    if (kind === "reduce" && own.kind === "any") return `any of ${this.#told(inputs[0]!)}`;
    if (kind === "compare" && own.kind === "notEqual" && inputs.length === 1) return unequal(inputs[0]!, own.value);
    return `#${value}`;
  }

  /** The mask that a layer makes of what it is called on, in the same words. */
  madeOf(className: string, config: Json, input: string): Mask {
    const value = this.#valueOf(input);
    if (value === undefined) return `of ${input}`;
    return className === "Masking" ? `any of ${unequal(value, config.mask_value)}` : unequal(value, 0);
  }

  #valueOf(tensor: string): ValueId | undefined {
    const [name, index] = tensor.split(":") as [string, string];
    const call = this.#graph.calls.find((own) => own.name === name);
    return call?.outputs[Number(index)] ?? this.#graph.inputs.find((own) => own.name === name)?.value;
  }
}

const unequal = (value: ValueId, to: unknown) => `#${value} is not ${Number(to)}`;

// ------------------------------------------------------------------------------------------------- TensorFlow.js

/** A call of a layer, by the name that the graph has for it. */
interface Call {
  readonly name: string;
  readonly className: string;
  readonly config: Json;
  /** Tensors as `name:index`. */
  readonly inputs: readonly string[];
}

/**
 * Refuses a model whose masks go other ways in TensorFlow.js; see above.
 *
 * @param model spelled for TensorFlow.js
 */
export function requireSameMasks(model: Json, graph: Graph): void {
  const made = /"mask_zero":true|"class_name":"Masking"/.test(JSON.stringify(model));
  if (!made && !graph.nodes.some(({ attributes }) => (attributes as Partial<Recurrent>).masked)) return;
  const layers = (model.config as Json).layers as Json[];
  const inner = layers.find(({ config }) => Array.isArray((config as Json).layers));
  if (inner)
    throw notInTfjs(
      String((inner.config as Json).name),
      "masks as Keras has them in a model with models inside",
      `put the layers of the inner model into the outer one; ${fix}`,
    );
  const keras = new KerasMasks(graph);
  const calls = callsOf(model);
  /** Of tensors, by the call that gave them: all outputs of one have the same. */
  const masks = new Map<string, Mask>();
  const inKeras = new Map<string, boolean>();
  /** The mask that a layer is called with whose inputs have none. */
  let latest: Mask = null;
  let before = "";
  for (const tensor of executionOrder(model, calls)) {
    const call = calls.get(callOf(tensor))!;
    const given = call.inputs.map((input) => masks.get(callOf(input)) ?? null);
    const masked = call.inputs.some((input) => inKeras.get(callOf(input)) === true);
    const refuse = (what: string, how = fix): never => {
      throw notInTfjs(call.name, what, how);
    };
    if (given.some((mask) => mask !== null)) {
      latest = given[0]!;
      before = call.name;
    }
    const own = masksOf(call);
    const heeded = own === "heed" && latest !== null;
    if ((own === "differ" || own === "heed") && (masked || heeded || given.some((mask) => mask !== null)))
      refuse(`${call.className} behind a mask, as Keras computes it`);
    const sequences = recurrentConfig(call).return_sequences === true;
    const trouble = own === "use" ? maskTrouble(call, keras, latest, before) : null;
    if (trouble) {
      const branch = !trouble.startsWith("without") || isBehind(call, before, calls) ? "" : computedFirst;
      refuse(`${call.className} ${trouble}`, `${branch}${fix}`);
    }
    if (masks.has(call.name)) continue;
    const passed = own === "carry" || (own === "use" && sequences);
    masks.set(
      call.name,
      own === "make" ? keras.madeOf(call.className, call.config, call.inputs[0]!) : passed ? given[0]! : null,
    );
    inKeras.set(call.name, own === "make" || (masked && (passed || own === "differ")));
  }
}

/** What is wrong with the mask that a recurrent layer finds, which has to be the one that it has in Keras; null where nothing is. */
function maskTrouble(call: Call, keras: KerasMasks, found: Mask, before: string): string | null {
  const node = keras.recurrence(call.name);
  const wanted = node ? keras.maskOf(node) : null;
  if (wanted === null && found !== null) return `without a mask after ${before}, which has one`;
  if (wanted !== found) return "with another mask than its input brings along there";
  if (wanted === null || !node) return null;
  const { zeroMasked, initial, directions, sequences } = node.attributes;
  if (zeroMasked || (directions.length > 1 && sequences)) return "that gives zeros where the mask is";
  return initial ? "with a mask and initial states, as Keras computes it" : null;
}

/** Whether a call is computed from what another one gave. */
function isBehind(call: Call, other: string, calls: ReadonlyMap<string, Call>): boolean {
  const found = new Set(call.inputs.map(callOf));
  // What is added to a set is gone through too.
  for (const name of found) for (const input of calls.get(name)?.inputs ?? []) found.add(callOf(input));
  return found.has(other);
}

function masksOf({ className, config }: Call): TfjsMasks {
  if (className === "Embedding") return config.mask_zero === true ? "make" : "lose";
  return tfjsLayers[className]?.masks ?? "heed";
}

/** The options of a recurrent layer, or of that in a Bidirectional. */
function recurrentConfig({ config }: Call): Json {
  return isObject(config.layer) ? (config.layer.config as Json) : config;
}

const callOf = (tensor: string) => tensor.slice(0, tensor.lastIndexOf(":"));
const tensorOf = (reference: unknown): string => {
  const [layer, call, index] = reference as [string, number, number];
  return `${layer}${call === 0 ? "" : `@${call}`}:${index}`;
};

/** The calls of a model's layers by name, those of its inputs left out. */
function callsOf({ class_name: className, config }: Json): Map<string, Call> {
  const calls = new Map<string, Call>();
  let before: string[] = [];
  for (const layer of (config as Json).layers as Json[]) {
    const own = layer.config as Json;
    const name = String(own.name);
    const input = layer.class_name === "InputLayer";
    const nodes =
      className === "Sequential" ? [before] : (layer.inbound_nodes as unknown[][]).map((node) => node.map(tensorOf));
    nodes.forEach((inputs, index) => {
      const call = index === 0 ? name : `${name}@${index}`;
      if (!input) calls.set(call, { name: call, className: String(layer.class_name), config: own, inputs });
    });
    before = [`${name}:0`];
  }
  return calls;
}

/** The tensors in the order in which they are computed. A layer of several outputs is computed for each that is needed. */
function executionOrder({ class_name: className, config }: Json, calls: ReadonlyMap<string, Call>): Set<string> {
  const { layers, output_layers: outputs } = config as { layers: Json[]; output_layers?: unknown[] };
  const last = `${String((layers.at(-1)!.config as Json).name)}:0`;
  const wanted = className === "Sequential" ? [last] : outputs!.map(tensorOf);
  const order = new Set<string>();
  for (const output of wanted) {
    const visited = new Set<string>();
    const stack = [output];
    const marks: number[] = [];
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const call = calls.get(callOf(top));
      const marked = marks.at(-1) === stack.length - 1;
      if (visited.has(top) || !call || marked) {
        stack.pop();
        if (visited.has(top)) continue;
        visited.add(top);
        if (marked) marks.pop();
        if (call) order.add(top);
      } else {
        marks.push(stack.length - 1);
        stack.push(...call.inputs.filter((input) => !visited.has(input)));
      }
    }
  }
  return order;
}
