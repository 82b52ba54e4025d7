/**
 * Functions of TensorFlow in a graph of tf.keras, as operations of Keras 3.
 *
 *     {"class_name": "TFOpLambda", "config": {"function": "math.reduce_mean"},
 *      "inbound_nodes": [["conv", 0, 0, {"axis": 1, "keepdims": true}]]}
 *     {"module": "keras.src.ops.numpy", "class_name": "Mean", "config": {"axis": 1, "keepdims": true}, …}
 *
 * tf.keras wrote what stood in the Python program, `x + y` as `__operators__.add`, with all arguments of the function but the first
 * by name. `name` is the node's own.
 *
 * Source  keras 2.15: keras/src/layers/core/tf_op_layer.py; tensorflow/python/ops for the functions
 */
import { invalidModel, type RefusedLayer, unsupportedLayers, unsupportedOption } from "../error.ts";
import { brief, isObject, type Json } from "./keras-config.ts";

/** What a function has become: its class; which named arguments are tensors or numbers, in order; which are options. */
interface Operation {
  readonly className: string;
  /** Where the class lies, if it is a layer and no operation. */
  readonly module?: string;
  /** Operands behind the first argument, by TensorFlow's name. */
  readonly operands?: readonly string[];
  /** Options by TensorFlow's name, under today's. */
  readonly options?: Readonly<Record<string, string>>;
  /** Options that TensorFlow has for it and today's class has not. */
  readonly fixed?: Json;
  /** Values of arguments that say nothing. */
  readonly silent?: Readonly<Record<string, unknown>>;
}

const unary = (className: string): Operation => ({ className });
const binary = (className: string, second = "y"): Operation => ({ className, operands: [second] });
const reduction = (className: string): Operation => ({ className, options: { axis: "axis", keepdims: "keepdims" } });

const functions: Readonly<Record<string, Operation>> = {
  "__operators__.add": binary("Add"),
  "__operators__.getitem": { className: "GetItem", operands: ["slice_spec"] },
  "__operators__.mul": binary("Multiply"),
  "__operators__.sub": binary("Subtract"),
  "__operators__.truediv": binary("TrueDivide"),
  abs: unary("Absolute"),
  cast: { className: "Cast", options: { dtype: "dtype" } },
  concat: { className: "Concatenate", module: "keras.layers", options: { axis: "axis" } },
  exp: unary("Exp"),
  expand_dims: { className: "ExpandDims", options: { axis: "axis" } },
  "linalg.matmul": {
    className: "Matmul",
    operands: ["b"],
    silent: {
      transpose_a: false,
      transpose_b: false,
      adjoint_a: false,
      adjoint_b: false,
      a_is_sparse: false,
      b_is_sparse: false,
      output_type: null,
      grad_a: false,
      grad_b: false,
    },
  },
  "math.abs": unary("Absolute"),
  "math.add": binary("Add"),
  "math.cos": unary("Cos"),
  "math.divide": binary("TrueDivide"),
  "math.exp": unary("Exp"),
  "math.expm1": unary("Expm1"),
  "math.log": unary("Log"),
  "math.log1p": unary("Log1p"),
  "math.maximum": binary("Maximum"),
  "math.minimum": binary("Minimum"),
  "math.multiply": binary("Multiply"),
  "math.negative": unary("Negative"),
  "math.pow": binary("Power"),
  "math.reduce_max": reduction("Max"),
  "math.reduce_mean": reduction("Mean"),
  "math.reduce_min": reduction("Min"),
  "math.reduce_prod": reduction("Prod"),
  "math.reduce_std": reduction("Std"),
  "math.reduce_sum": reduction("Sum"),
  "math.reduce_variance": reduction("Var"),
  "math.rsqrt": unary("Rsqrt"),
  "math.sigmoid": unary("Sigmoid"),
  "math.sin": unary("Sin"),
  "math.softplus": unary("Softplus"),
  "math.sqrt": unary("Sqrt"),
  "math.square": unary("Square"),
  "math.subtract": binary("Subtract"),
  "math.tanh": unary("Tanh"),
  "math.truediv": binary("TrueDivide"),
  multiply: binary("Multiply"),
  "nn.elu": unary("Elu"),
  "nn.gelu": { className: "Gelu", options: { approximate: "approximate" }, fixed: { approximate: false } },
  "nn.leaky_relu": { className: "LeakyRelu", options: { alpha: "negative_slope" } },
  "nn.relu": unary("Relu"),
  "nn.relu6": unary("Relu6"),
  "nn.selu": unary("Selu"),
  "nn.sigmoid": unary("Sigmoid"),
  "nn.silu": { className: "Silu", silent: { beta: 1 } },
  "nn.softmax": { className: "Softmax", options: { axis: "axis" }, fixed: { axis: -1 } },
  "nn.softplus": unary("Softplus"),
  "nn.softsign": unary("Softsign"),
  "nn.swish": { className: "Silu", silent: { beta: 1 } },
  "nn.tanh": unary("Tanh"),
  reshape: { className: "Reshape", options: { shape: "newshape" } },
  sigmoid: unary("Sigmoid"),
  sqrt: unary("Sqrt"),
  square: unary("Square"),
  squeeze: { className: "Squeeze", options: { axis: "axis" } },
  subtract: binary("Subtract"),
  tanh: unary("Tanh"),
  transpose: { className: "Transpose", options: { perm: "axes" }, silent: { conjugate: false } },
};

/** Whether a layer is a function of TensorFlow. */
export function isTensorFlowOperation({ class_name: className }: Json): boolean {
  return className === "TFOpLambda" || className === "SlicingOpLambda";
}

/**
 * The operation that a function of TensorFlow is.
 *
 * @param nodes its calls, as Keras 3 has them
 * @throws {ChannelwiseError} `unsupported-layer`, `unsupported-option`
 */
export function operationOf(entry: Json, nodes: readonly unknown[], place: readonly string[]): Json {
  const config = isObject(entry.config) ? entry.config : {};
  const { name: layer } = config;
  const name = typeof config.function === "string" ? config.function.replace(/^compat\.v1\./, "") : config.function;
  const operation = typeof name === "string" && Object.hasOwn(functions, name) ? functions[name] : undefined;
  if (!operation) {
    const refused: RefusedLayer = {
      kind: "operation",
      className: `TensorFlow's ${brief(name)}`,
      name: String(layer),
      place,
    };
    throw unsupportedLayers([refused]);
  }
  const {
    className,
    module = "keras.src.ops.numpy",
    operands = [],
    options: known = {},
    fixed = {},
    silent = {},
  } = operation;
  const options: Json[] = [];
  const inbound = nodes.map((node) => {
    if (!isObject(node) || !Array.isArray(node.args) || !isObject(node.kwargs))
      throw invalidModel(`expected inbound_nodes, got ${brief(node)}`, place);
    const { args, kwargs } = node;
    const own: Json = { ...fixed };
    for (const [key, value] of Object.entries(kwargs)) {
      const says = value !== null && key !== "name" && !operands.includes(key) && silent[key] !== value;
      if (!says) continue;
      if (!Object.hasOwn(known, key))
        throw unsupportedOption(`TensorFlow's ${String(name)}`, key, `got ${brief(value)}`, place);
      own[known[key]!] = value;
    }
    options.push(own);
    const others = operands.flatMap((key) =>
      key in kwargs ? [className === "GetItem" ? itemOf(kwargs[key]) : kwargs[key]] : [],
    );
    return { args: [...(args as unknown[]), ...others], kwargs: {} };
  });
  if (options.some((own) => JSON.stringify(own) !== JSON.stringify(options[0])))
    throw unsupportedOption(`TensorFlow's ${String(name)}`, "inbound_nodes", "calls with different options", place);
  return {
    ...entry,
    module,
    class_name: className,
    registered_name: className,
    config: { name: layer, ...options[0] },
    inbound_nodes: inbound,
  };
}

/** The places between brackets: slices are dictionaries in files of tf.keras. */
function itemOf(spec: unknown): unknown {
  const places = Array.isArray(spec) ? spec : [spec];
  return places.map((place) => {
    if (place === "..." || (isObject(place) && place.class_name === "__ellipsis__"))
      return { class_name: "__ellipsis__", config: {} };
    if (!isObject(place) || "class_name" in place) return place;
    const { start = null, stop = null, step = null } = place;
    return { class_name: "__slice__", config: { start, stop, step } };
  });
}
