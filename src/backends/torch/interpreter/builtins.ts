/**
 * builtins: the few Python built-in functions, methods of lists and dicts, and names of `math` that a forward pass needs.
 *
 * Source  The Python Standard Library: Built-in Functions; math.
 */
import { programFails, programNotUnderstood } from "../../../error.ts";
import { roundHalfToEven } from "./arithmetic.ts";
import { Tensor64 } from "./array.ts";
import { binaryOperator, compare } from "./operators.ts";
import { selectAt } from "./shaping.ts";
import { bind, type Bound } from "./signature.ts";
import { Callable, Dict, iterate, List, numeric, positional, Tuple, truth, typeName, type Value } from "./values.ts";
import { Container } from "./containers.ts";
import { findFunction } from "./functions.ts";

const MAX_RANGE = 10_000_000n;

/** What a `for` loop visits; a tensor gives its slices along the first axis. */
export function itemsOf(value: Value): readonly Value[] {
  if (value instanceof Container)
    return value.typeName === "ModuleDict" ? [...value.children.keys()] : [...value.children.values()];
  if (value instanceof Tensor64) {
    if (value.rank === 0) throw programFails("iteration over a 0-d tensor");
    return Array.from({ length: value.shape[0]! }, (_, i) => selectAt(value, 0, i));
  }
  const items = iterate(value);
  if (!items) throw programFails(`'${typeName(value)}' object is not iterable`);
  return items;
}

type Builtin = readonly [takes: string, run: (a: Bound) => Value];

const range: Builtin = [
  "first, stop=None, step=1",
  (a) => {
    const [from, to] = a.isNone("stop") ? [0, a.int("first")] : [a.int("first"), a.int("stop")];
    const step = a.int("step");
    if (step === 0) throw programFails("range() arg 3 must not be zero");
    const length = Math.max(0, Math.ceil((to - from) / step));
    if (length > Number(MAX_RANGE)) throw programNotUnderstood(`a range of more than ${MAX_RANGE} items`);
    return new Tuple(Array.from({ length }, (_, i) => BigInt(from + i * step)));
  },
];

/** min and max of several values, or of one iterable. */
function best(operator: "<" | ">"): Builtin {
  return [
    "*values",
    (a) => {
      const given = (a.value("values") as Tuple).items;
      const items = given.length === 1 ? itemsOf(given[0]!) : given;
      if (items.length === 0) throw programFails(`${a.functionName}() arg is an empty sequence`);
      return items.reduce((found, item) => (truth(compare(operator, item, found)) ? item : found));
    },
  ];
}

function lengthOf(value: Value): number {
  if (typeof value === "string") return value.length;
  if (value instanceof Container) return value.children.size;
  if (value instanceof Tensor64 && value.rank > 0) return value.shape[0]!;
  return itemsOf(value).length;
}

const numberOf = (value: Value): number | null =>
  value instanceof Tensor64 && value.size === 1 ? value.data[value.offset]! : numeric(value);

const BUILTINS: Readonly<Record<string, Builtin>> = {
  range,
  min: best("<"),
  max: best(">"),
  len: ["value", (a) => BigInt(lengthOf(a.value("value")))],
  int: [
    "value",
    (a) => {
      const value = numberOf(a.value("value"));
      if (value === null || !Number.isFinite(value))
        throw programFails(`int() argument must be a finite number, not '${typeName(a.value("value"))}'`);
      return BigInt(Math.trunc(value));
    },
  ],
  float: [
    "value",
    (a) => {
      const value = a.value("value");
      if (typeof value === "string" && /^[+-]?inf(inity)?$/i.test(value))
        return value.startsWith("-") ? -Infinity : Infinity;
      if (numberOf(value) === null) throw programFails(`float() argument must be a number, not '${typeName(value)}'`);
      return numberOf(value)!;
    },
  ],
  bool: ["value=False", (a) => truth(a.value("value"))],
  abs: [
    "value",
    (a) => {
      const value = a.value("value");
      if (value instanceof Tensor64) return findFunction("torch.abs")!.call(positional(value));
      return truth(compare("<", value, 0n)) ? binaryOperator("*", value, -1n) : value;
    },
  ],
  round: ["value", (a) => BigInt(roundHalfToEven(a.number("value")))],
  sum: [
    "values, start=0",
    (a) => itemsOf(a.value("values")).reduce((total, item) => binaryOperator("+", total, item), a.value("start")),
  ],
  tuple: ["values=None", (a) => new Tuple(a.isNone("values") ? [] : itemsOf(a.value("values")))],
  list: ["values=None", (a) => new List(a.isNone("values") ? [] : [...itemsOf(a.value("values"))])],
  reversed: ["values", (a) => new Tuple([...itemsOf(a.value("values"))].reverse())],
  enumerate: [
    "values, start=0",
    (a) => new Tuple(itemsOf(a.value("values")).map((item, i) => new Tuple([BigInt(i + a.int("start")), item]))),
  ],
  zip: [
    "*sequences",
    (a) => {
      const sequences = (a.value("sequences") as Tuple).items.map(itemsOf);
      const length = sequences.length === 0 ? 0 : Math.min(...sequences.map((items) => items.length));
      return new Tuple(Array.from({ length }, (_, i) => new Tuple(sequences.map((items) => items[i]!))));
    },
  ],
};

export function findBuiltin(name: string): Callable | null {
  const builtin = Object.hasOwn(BUILTINS, name) ? BUILTINS[name]! : null;
  return builtin && new Callable(name, (args) => builtin[1](bind(name, builtin[0], args)));
}

// ------------------------------------------------------------------------------------------- math

const MATH_CONSTANTS: Readonly<Record<string, number>> = {
  pi: Math.PI,
  e: Math.E,
  tau: 2 * Math.PI,
  inf: Infinity,
  nan: Number.NaN,
};
const MATH_FUNCTIONS: Readonly<Record<string, (x: number) => number>> = {
  sqrt: Math.sqrt,
  exp: Math.exp,
  log: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  sin: Math.sin,
  cos: Math.cos,
  tanh: Math.tanh,
  fabs: Math.abs,
};
const MATH_ROUNDINGS: Readonly<Record<string, (x: number) => number>> = {
  ceil: Math.ceil,
  floor: Math.floor,
  trunc: Math.trunc,
};

export function findMath(name: string): Value | undefined {
  if (Object.hasOwn(MATH_CONSTANTS, name)) return MATH_CONSTANTS[name]!;
  const domainChecked = (f: (x: number) => number, finish: (x: number) => Value) =>
    new Callable(`math.${name}`, (args) => {
      const x = bind(name, "x", args).number("x");
      const result = f(x);
      if (Number.isNaN(result) && !Number.isNaN(x)) throw programFails(`math.${name}(${x}): math domain error`);
      return finish(result);
    });
  if (Object.hasOwn(MATH_FUNCTIONS, name)) return domainChecked(MATH_FUNCTIONS[name]!, (x) => x);
  if (Object.hasOwn(MATH_ROUNDINGS, name)) return domainChecked(MATH_ROUNDINGS[name]!, BigInt);
  if (name !== "prod") return undefined;
  return new Callable("math.prod", (args) =>
    itemsOf(bind("prod", "values", args).value("values")).reduce((x, y) => binaryOperator("*", x, y), 1n),
  );
}

// ------------------------------------------------------------------------------------------- methods

const LIST_METHODS: Readonly<Record<string, readonly [takes: string, run: (list: List, a: Bound) => Value]>> = {
  append: [
    "item",
    (list, a) => {
      list.items.push(a.value("item"));
      return null;
    },
  ],
  extend: [
    "items",
    (list, a) => {
      for (const item of itemsOf(a.value("items"))) list.items.push(item);
      return null;
    },
  ],
  insert: [
    "position, item",
    (list, a) => {
      list.items.splice(a.int("position"), 0, a.value("item"));
      return null;
    },
  ],
  pop: [
    "position=-1",
    (list, a) => {
      const [item] = list.items.splice(a.int("position"), 1);
      if (item === undefined) throw programFails("pop index out of range");
      return item;
    },
  ],
  reverse: [
    "",
    (list) => {
      list.items.reverse();
      return null;
    },
  ],
};

const DICT_METHODS: Readonly<Record<string, (dict: Dict) => Value>> = {
  items: ({ entries }) => new Tuple([...entries].map((entry) => new Tuple(entry))),
  keys: ({ entries }) => new Tuple([...entries.keys()]),
  values: ({ entries }) => new Tuple([...entries.values()]),
};

/** Attributes of lists, dicts and tuples. */
export function findCollectionAttribute(value: List | Dict | Tuple, name: string): Value | undefined {
  if (value instanceof Tuple) {
    const field = value.names.indexOf(name);
    if (field >= 0) return value.items[field]!;
    if (name !== "numel") return undefined;
    return new Callable(name, () => value.items.reduce((total, item) => binaryOperator("*", total, item), 1n));
  }
  if (value instanceof Dict) {
    if (!Object.hasOwn(DICT_METHODS, name)) return undefined;
    return new Callable(name, () => DICT_METHODS[name]!(value));
  }
  if (!Object.hasOwn(LIST_METHODS, name)) return undefined;
  const [takes, run] = LIST_METHODS[name]!;
  return new Callable(name, (args) => run(value, bind(name, takes, args)));
}
