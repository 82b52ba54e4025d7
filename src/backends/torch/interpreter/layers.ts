/**
 * layers: torch.nn's modules as objects: their parameters, buffers, children and attributes, and how they are called.
 *
 * A built-in layer is a row of a table: its constructor's signature, the shapes of its parameters, and what a call computes.
 * Always in evaluation mode. Parameters hold NaN until a state dict is loaded.
 *
 * Source  PyTorch docs: torch.nn.Module, torch.nn.Module.state_dict.
 */
import { programFails, programNotUnderstood } from "../../../error.ts";
import { type DType, expandTo, Parameter64, scalar, type Shape, Tensor64 } from "./array.ts";
import { lendMemory } from "../../../platform/scratch.ts";
import { parameter } from "./creation.ts";
import { bind, type Bound } from "./signature.ts";
import { type CallArguments, Callable, HasAttributes, typeName, type Value } from "./values.ts";

const MAX_MODULES = 100_000;
const MAX_NAME = 1000;

/** One entry of a state dict. */
export interface StateSlot {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly store: (tensor: Tensor64) => void;
}

export class Module extends HasAttributes {
  readonly typeName: string;
  readonly parameters = new Map<string, Tensor64 | null>();
  readonly buffers = new Map<string, { readonly tensor: Tensor64 | null; readonly persistent: boolean }>();
  readonly children = new Map<string, Module>();
  readonly attributes = new Map<string, Value>();

  constructor(name: string) {
    super();
    this.typeName = name;
  }

  call(_args: CallArguments): Value {
    throw programFails(`Module [${this.typeName}] is missing the required "forward" function`);
  }

  get(name: string): Value | undefined {
    if (this.parameters.has(name)) return this.parameters.get(name)!;
    if (this.buffers.has(name)) return this.buffers.get(name)!.tensor;
    if (this.children.has(name)) return this.children.get(name)!;
    if (this.attributes.has(name)) return this.attributes.get(name)!;
    if (name === "training") return false;
    if (name === "forward") return new Callable("forward", (args) => this.call(args));
    const method = Object.hasOwn(MODULE_METHODS, name) ? MODULE_METHODS[name] : undefined;
    return method && new Callable(name, (args) => method.run(this, bind(name, method.takes, args)));
  }

  /** As nn.Module.__setattr__: parameters and modules register themselves, a buffer stays one. */
  set(name: string, value: Value): void {
    if (name === "forward" || name.startsWith("__"))
      throw programNotUnderstood(`assigning to ${name} is not known to the checker`);
    if (value instanceof Parameter64) this.parameters.set(name, value);
    else if (value instanceof Module) this.children.set(name, value);
    else if (this.parameters.has(name)) {
      if (value !== null)
        throw programFails(
          `cannot assign '${typeName(value)}' as parameter '${name}' (torch.nn.Parameter or None expected)`,
        );
      this.parameters.set(name, null);
    } else if (this.buffers.has(name)) {
      if (!(value instanceof Tensor64) && value !== null)
        throw programFails(`cannot assign '${typeName(value)}' as buffer '${name}'`);
      this.buffers.set(name, { tensor: value, persistent: this.buffers.get(name)!.persistent });
    } else if (this.children.has(name))
      throw programFails(`cannot assign '${typeName(value)}' as child module '${name}'`);
    else this.attributes.set(name, value);
  }

  /** The storage of every tensor that the module and its children hold. */
  *storage(seen = new Set<Module>()): Iterable<Float64Array> {
    if (seen.has(this)) return;
    seen.add(this);
    for (const tensor of this.parameters.values()) if (tensor) yield tensor.data;
    for (const { tensor } of this.buffers.values()) if (tensor) yield tensor.data;
    for (const value of this.attributes.values()) if (value instanceof Tensor64) yield value.data;
    for (const child of this.children.values()) yield* child.storage(seen);
  }

  /** The state dict's entries, in PyTorch's order: parameters, buffers, then the children's. */
  state(): StateSlot[] {
    const slots: StateSlot[] = [];
    this.collectState("", slots, { modules: MAX_MODULES });
    return slots;
  }

  /** A module that is shared counts once for every name it has, as in PyTorch. */
  private collectState(prefix: string, slots: StateSlot[], left: { modules: number }): void {
    if (prefix.length > MAX_NAME || --left.modules < 0)
      throw programNotUnderstood("modules that contain each other, or very many, are not known to the checker");
    for (const [name, tensor] of this.parameters) {
      if (tensor) slots.push(slot(prefix + name, tensor, (loaded) => this.parameters.set(name, loaded)));
    }
    for (const [name, { tensor, persistent }] of this.buffers) {
      if (tensor && persistent)
        slots.push(slot(prefix + name, tensor, (loaded) => this.buffers.set(name, { tensor: loaded, persistent })));
    }
    for (const [name, child] of this.children) child.collectState(`${prefix}${name}.`, slots, left);
  }
}

function slot(name: string, { shape, dtype }: Tensor64, store: StateSlot["store"]): StateSlot {
  return { name, shape, dtype, store };
}

interface ModuleMethod {
  readonly takes: string;
  readonly run: (module: Module, a: Bound) => Value;
}

const addModule: ModuleMethod = {
  takes: "name, module",
  run: (module, a) => {
    const child = a.value("module");
    if (!(child instanceof Module)) throw programFails(`${typeName(child)} is not a Module subclass`);
    module.set(a.text("name"), child);
    return null;
  },
};

const MODULE_METHODS: Readonly<Record<string, ModuleMethod>> = {
  eval: { takes: "", run: (module) => module },
  double: { takes: "", run: (module) => module },
  add_module: addModule,
  register_module: addModule,
  register_parameter: {
    takes: "name, param",
    run: (module, a) => {
      module.parameters.set(a.text("name"), a.isNone("param") ? null : parameter(a.value("param")));
      return null;
    },
  },
  register_buffer: {
    takes: "name, tensor, persistent=True",
    run: (module, a) => {
      module.buffers.set(a.text("name"), { tensor: a.optionalTensor("tensor"), persistent: a.bool("persistent") });
      return null;
    },
  },
};

// ------------------------------------------------------------------------------------------- built-in layers

/** Shapes by state-dict name; null is a parameter that is switched off. A dotted name lives in a child module. */
export type StateShapes = Readonly<Record<string, Shape | null>>;

export interface LayerRow {
  readonly names: string;
  /** The constructor's signature. */
  readonly takes: string;
  /** The call's signature; "input" if absent. */
  readonly forward?: string;
  /** Refuses constructor arguments that PyTorch refuses or the checker doesn't model. */
  readonly check?: (a: Bound) => void;
  readonly parameters?: (a: Bound) => StateShapes;
  readonly buffers?: (a: Bound) => StateShapes;
  readonly run: (a: Bound, call: Bound, weight: (name: string) => Tensor64 | null) => Value;
}

/** Constructor arguments that PyTorch keeps unchanged under their own names. */
const KEPT = new Set(
  "in_channels out_channels in_features out_features num_features num_groups num_channels eps groups num_embeddings embedding_dim embed_dim num_heads input_size hidden_size num_layers batch_first bidirectional p".split(
    " ",
  ),
);

export class Layer extends Module {
  private readonly row: LayerRow;
  private readonly arguments: Bound;

  constructor(name: string, row: LayerRow, args: CallArguments) {
    super(name);
    this.row = row;
    this.arguments = bind(name, row.takes, args);
    row.check?.(this.arguments);
    for (const [key, shape] of Object.entries(row.parameters?.(this.arguments) ?? {})) {
      this.owner(key).parameters.set(lastPart(key), shape && unloaded(shape));
    }
    for (const [key, shape] of Object.entries(row.buffers?.(this.arguments) ?? {})) {
      const tensor = shape && (key === "num_batches_tracked" ? scalar(0, "int64") : unloaded(shape));
      this.buffers.set(key, { tensor, persistent: true });
    }
    for (const [key, value] of this.arguments.values) if (KEPT.has(key)) this.attributes.set(key, value);
  }

  /** The module that holds "a.b": the child a, made when first met. */
  private owner(key: string): Module {
    const dot = key.indexOf(".");
    if (dot < 0) return this;
    const child = key.slice(0, dot);
    if (!this.children.has(child)) this.children.set(child, new Module("NonDynamicallyQuantizableLinear"));
    return this.children.get(child)!;
  }

  override call(args: CallArguments): Value {
    const call = bind(`${this.typeName}.forward`, this.row.forward ?? "input", args);
    const weight = (key: string): Tensor64 | null => {
      const holder = this.owner(key);
      return holder.parameters.get(lastPart(key)) ?? holder.buffers.get(lastPart(key))?.tensor ?? null;
    };
    // What a layer gives is its input or new: never a view of its parameters.
    return lendMemory(() => this.row.run(this.arguments, call, weight));
  }
}

function lastPart(key: string): string {
  return key.slice(key.indexOf(".") + 1);
}

/** NaN everywhere, from one element of storage. */
function unloaded(shape: Shape): Tensor64 {
  if (!shape.every((size) => Number.isInteger(size) && size >= 0))
    throw programFails(`a parameter can't have the shape (${shape.join(", ")})`);
  return expandTo(scalar(Number.NaN), shape);
}
