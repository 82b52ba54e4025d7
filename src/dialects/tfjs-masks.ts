/**
 * tfjs-masks: whether TensorFlow.js gives the masks of a model to the layers that Keras gives them to
 *
 * It hands every layer behind a masked one the last mask that there was, also where the layers between lost it, and drops the mask at
 * layers that pass it on in Keras. That comes to the same where the model is a chain, and each layer that looks at a mask finds in it
 * what Keras finds; any other model with masks is refused.
 *
 *     Embedding(mask_zero) -> LSTM(return_sequences) -> Dropout -> LSTM -> Dense       the same
 *     Embedding(mask_zero) -> Conv1D -> LSTM                                           Keras has lost it, TensorFlow.js has not
 *
 * Source  @tensorflow/tfjs-layers 4.22.0: src/engine/executor.ts (execute); keras-masks.ts
 */
import { notInTfjs } from "../error.ts";
import type { Graph } from "../graph/graph.ts";
import { exportedName, isObject, type Json } from "./keras-config.ts";
import { type TfjsMasks, tfjsLayers } from "./tfjs-layers.ts";

const fix = "take the mask out if no layer needs it (mask_zero=False), or convert to PyTorch";

/** Refuses a model whose masks go other ways in TensorFlow.js; see above. */
export function requireSameMasks(model: Json, graph: Graph): void {
  const text = JSON.stringify(model);
  if (!/"mask_zero":true|"class_name":"Masking"/.test(text)) return;
  const layers = chain(model);
  if (!layers) throw notInTfjs(graph.name, "masks as Keras has them in a model with branches", fix);
  let kept = false;
  let seen = false;
  for (const { class_name: given, config } of layers) {
    const className = exportedName(String(given));
    const { name, return_sequences: own, zero_output_for_mask: zero } = config as Json;
    const inner = isObject((config as Json).layer) ? (((config as Json).layer as Json).config as Json) : {};
    const sequences = className === "Bidirectional" ? inner.return_sequences : own;
    const refuse = (what: string): never => {
      throw notInTfjs(String(name), what, fix);
    };
    switch (masksOf(className, config as Json)) {
      case "make":
        kept = true;
        seen = true;
        break;
      case "lose":
        kept = false;
        break;
      case "differ":
        if (kept || seen) refuse(`${className} behind a mask, as Keras computes it`);
        break;
      case "use":
        if (kept !== seen) refuse(`${className} behind layers that lose the mask`);
        if (kept && (zero === true || (className === "Bidirectional" && sequences === true)))
          refuse(`${className} that gives zeros where the mask is`);
        kept = kept && sequences === true;
        break;
      default:
    }
  }
}

function masksOf(className: string, config: Json): TfjsMasks {
  if (className === "Embedding") return config.mask_zero === true ? "make" : "lose";
  return Object.hasOwn(tfjsLayers, className) ? tfjsLayers[className]!.masks : "differ";
}

/** The layers of a model one behind the other; null where they are no chain. */
function chain({ class_name: className, config }: Json): Json[] | null {
  const entries = (config as Json).layers as Json[];
  const layers = entries.filter((entry) => entry.class_name !== "InputLayer");
  if (entries.length - layers.length > 1 || layers.some((layer) => Array.isArray((layer.config as Json).layers)))
    return null;
  if (className === "Sequential") return layers;
  // In a chain every layer is called once, on what the one before it gave.
  const inputs = layers.map((layer) => tensorNames(layer.inbound_nodes));
  const names = entries.map((entry) => String(entry.name));
  const inOrder = inputs.every(
    (own, index) => own.length === 1 && own[0] === names[index + entries.length - layers.length - 1],
  );
  return inOrder ? layers : null;
}

/** The layers whose tensors stand in a value. */
function tensorNames(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(tensorNames);
  if (!isObject(value)) return [];
  if (value.class_name === "__keras_tensor__") return [String(((value.config as Json).keras_history as unknown[])[0])];
  return Object.values(value).flatMap(tensorNames);
}
