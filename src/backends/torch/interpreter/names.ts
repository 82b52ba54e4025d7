/**
 * names: what a dotted name of torch, torch.nn, torch.nn.functional or math stands for, and the attributes of values.
 *
 * Anything that is not in a table is refused by its full name.
 */
import { programFails, programNotUnderstood } from "../../../error.ts";
import { type DType, Tensor64 } from "./array.ts";
import { findCollectionAttribute, findMath } from "./builtins.ts";
import { Container, findContainer } from "./containers.ts";
import { parameter } from "./creation.ts";
import { findFunction, findMethod } from "./functions.ts";
import { findLayer } from "./modules.ts";
import { transpose } from "./shaping.ts";
import { bind } from "./signature.ts";
import {
  Callable,
  Dict,
  DTypeValue,
  HasAttributes,
  intTuple,
  List,
  Namespace,
  Tuple,
  typeName,
  type Value,
} from "./values.ts";

const NAMESPACES = new Set([
  "torch",
  "torch.nn",
  "torch.nn.functional",
  "torch.linalg",
  "torch.special",
  "torch.nn.parameter",
  "torch.nn.modules",
  "math",
]);

/** Every floating dtype is float64 here, every integer dtype int64. Only `x.float()` rounds to what float32 holds. */
const DTYPES: Readonly<Record<string, DType>> = {
  float: "float64",
  float32: "float64",
  float64: "float64",
  double: "float64",
  int: "int64",
  int8: "int64",
  int32: "int64",
  int64: "int64",
  long: "int64",
  bool: "bool",
};

const CONSTANTS: Readonly<Record<string, number>> = { inf: Infinity, nan: Number.NaN, pi: Math.PI, e: Math.E };

const parameterClass = new Callable("nn.Parameter", (args) =>
  parameter(bind("Parameter", "data=None, requires_grad=True", args).value("data")),
);

/** The root of the user's classes: `class Net(nn.Module)`. */
export const moduleClass = new Callable("nn.Module", () => {
  throw programFails('Module [Module] is missing the required "forward" function');
});

/** The value of `path.name`. */
export function resolveName(path: string, name: string): Value {
  const full = `${path}.${name}`;
  if (NAMESPACES.has(full)) return new Namespace(full);
  const found = path === "math" ? findMath(name) : (findFunction(full) ?? inNamespace(path, name));
  if (found !== undefined && found !== null) return found;
  const kind = path.startsWith("torch") ? "PyTorch function" : "name";
  throw programNotUnderstood(`${kind} ${full} is not known to the checker`);
}

function inNamespace(path: string, name: string): Value | undefined {
  if (path === "torch") {
    if (Object.hasOwn(DTYPES, name)) return new DTypeValue(DTYPES[name]!);
    return Object.hasOwn(CONSTANTS, name) ? CONSTANTS[name] : undefined;
  }
  if (name === "Parameter" && (path === "torch.nn" || path === "torch.nn.parameter")) return parameterClass;
  if (path !== "torch.nn") return undefined;
  if (name === "Module") return moduleClass;
  return findLayer(name) ?? findContainer(name) ?? undefined;
}

/** What `import a.b` or `from a import b` binds. */
export function resolveImport(path: string): Value {
  if (NAMESPACES.has(path)) return new Namespace(path);
  const dot = path.lastIndexOf(".");
  if (dot > 0 && NAMESPACES.has(path.slice(0, dot))) return resolveName(path.slice(0, dot), path.slice(dot + 1));
  throw programNotUnderstood(`the import ${path} is not known to the checker`);
}

const TENSOR_ATTRIBUTES: Readonly<Record<string, (tensor: Tensor64) => Value>> = {
  shape: (tensor) => intTuple(tensor.shape),
  ndim: (tensor) => BigInt(tensor.rank),
  dtype: (tensor) => new DTypeValue(tensor.dtype),
  device: () => "cpu",
  data: (tensor) => tensor,
  T: (tensor) => {
    if (tensor.rank > 2) throw programFails("x.T is for tensors with at most 2 dimensions");
    return tensor.rank < 2 ? tensor : transpose(tensor, 0, 1);
  },
  mT: (tensor) => transpose(tensor, -2, -1),
};

export function getAttribute(value: Value, name: string): Value {
  if (value instanceof Namespace) return resolveName(value.path, name);
  if (value instanceof Tensor64) {
    const read = Object.hasOwn(TENSOR_ATTRIBUTES, name) ? TENSOR_ATTRIBUTES[name]! : null;
    const found = read ? read(value) : findMethod(value, name);
    if (found === null && !read) throw programNotUnderstood(`Tensor method .${name} is not known to the checker`);
    return found;
  }
  let found: Value | undefined;
  if (value instanceof HasAttributes) found = value.get(name);
  else if (value instanceof List || value instanceof Dict || value instanceof Tuple)
    found = findCollectionAttribute(value, name);
  if (found === undefined)
    throw programNotUnderstood(`'${typeName(value)}' has no attribute '${name}' that is known to the checker`);
  return found;
}

/** `container[key]` of nn containers; undefined for other values. */
export function containerItem(value: Value, subscript: Value): Value | undefined {
  return value instanceof Container ? value.at(subscript) : undefined;
}
