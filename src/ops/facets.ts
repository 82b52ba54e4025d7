/**
 * What an operator family says of itself. A family is one file here, and every facet is an export of its own, so that a
 * bundle that only runs models carries no PyTorch text:
 *
 *     spec       shapes and weights: what the operator is
 *     arrange    in which order of axes a target wants its values
 *     evaluate   a plain-loop definition in float64: the oracle, which shares no code with the kernels
 *     fromKeras  Keras' classes as nodes
 *     toTorch    PyTorch's spelling
 *     toWasm     kernel calls
 */
import type { Axes, Axis } from "../axes.ts";
import type { ValueId, ValueType } from "../graph/graph.ts";
import type { Kernels } from "./kernels.ts";
import type { Floats } from "../bytes/numbers.ts";
import type { PanelMemory, StoredOrder } from "./pack.ts";
import type { Schema } from "./schema.ts";

// ------------------------------------------------------------------------------------------------- meaning

/** How one weight is laid out on both sides. */
export interface WeightSpec {
  readonly keras: string;
  readonly torch: string;
  /**
   * The letter of the weight that runs along the operator's feature axis. Where that axis is merged, the weight's rows
   * are in merged order too, and a planner may permute them instead of the data.
   */
  readonly along?: string;
  /** Whether the operator does without it. */
  readonly optional?: true;
  /** What files hold it as, where that is not floats. */
  readonly type?: "int8";
}

/** Shape rule and weights of an operator. Shapes may hold null for sizes that are known only at run time. */
export interface OpSpec<A extends object> {
  /** What each attribute may be, for graphs out of a file. */
  readonly attributes: Schema<A>;
  readonly weights: Readonly<Record<string, WeightSpec>>;
  /** Axes of the outputs, in the source's order, from those of the inputs, in whatever order they come. */
  infer(attributes: A, inputs: readonly Axes[]): Axes[];
  /** What the outputs hold, where that is not what the first input holds. */
  types?(attributes: A, inputs: readonly ValueType[]): ValueType[];
  /** Sizes of the weights, in Keras' layout, by role. */
  shapes?(attributes: A, inputs: readonly Axes[]): Readonly<Record<string, readonly (number | null)[]>>;
  /** The letter of the data's axis along which weights lie (`WeightSpec.along`), if there is one. */
  featureAxis?(attributes: A, inputs: readonly Axes[]): string;
}

/** An array in float64 with its axes. All sizes are known. */
export interface Array64 {
  readonly axes: Axes;
  readonly data: Float64Array;
}

/** The plain-loop definition: outputs in the order of `outputs`. */
export type Evaluate<A extends object> = (
  attributes: A,
  inputs: readonly Array64[],
  weights: Readonly<Record<string, Array64>>,
  outputs: readonly Axes[],
) => Float64Array[];

// -------------------------------------------------------------------------------------------------- layout

/** Who the plan is for. */
export type Target = "wasm" | "torch";

/** A value as the planner meets it: `source` is the order that the source gives it, `held` the order it is held in. */
export interface Held {
  readonly source: Axes;
  readonly held: Axes;
}

/** The order in which an operator takes its inputs and gives its outputs. */
export interface Arrangement {
  readonly inputs: readonly Axes[];
  readonly outputs: readonly Axes[];
  /** The node's attributes said in the held order, where they depend on it. */
  readonly attributes?: object;
}

/** What the planner may do about a merged axis whose parts are held in another order than the source's. */
export type FlattenMode = "permute" | "fold" | "naive";

export interface ArrangeContext {
  readonly target: Target;
  readonly flatten: FlattenMode;
}

/** Chooses orders for a node, given how its inputs are held; `outputs` are the outputs' axes in the source's order. */
export type Arrange<A extends object> = (
  attributes: A,
  inputs: readonly Held[],
  outputs: readonly Axes[],
  context: ArrangeContext,
) => Arrangement;

// --------------------------------------------------------------------------------------------------- Keras

/** Reads a layer's configuration; what is not read and not known to be harmless is refused by name. */
export interface KerasConfig {
  readonly className: string;
  /** A positive integer. */
  integer(key: string, fallback?: number): number;
  /** A positive integer along the only dimension: Keras writes `[3]` for a `kernel_size` of 3. */
  extent(key: string, fallback?: number): number;
  /** The number of an axis; negative ones count from the end. */
  axis(key: string, fallback: number): number;
  number(key: string, fallback?: number): number;
  /** A number, or null where the file says so or nothing. */
  optionalNumber(key: string): number | null;
  boolean(key: string, fallback?: boolean): boolean;
  text(key: string, fallback?: string): string;
  /** One of these texts. */
  choice<T extends string>(key: string, choices: readonly T[], fallback?: T): T;
  /** A list of integers (a bare integer counts as a list of one). */
  integers(key: string, fallback?: readonly number[]): number[];
  /** Two integers; one stands for both. */
  pair(key: string): [number, number];
  raw(key: string): unknown;
  has(key: string): boolean;
  /** Options without a meaning for inference. */
  ignore(...keys: string[]): void;
  /**
   * Fails: this option is understood but not supported. `key` may also be `input`, `inputs` or `call argument …`. `fix` says
   * what to do where that is more than to change it.
   */
  refuse(key: string, why: string, fix?: string): never;
}

/** An argument of a call: tensors, in lists of any nesting, or what the file says instead. */
export type Argument<T = ValueId> =
  | { readonly kind: "tensor"; readonly tensor: T }
  | { readonly kind: "list"; readonly entries: readonly Argument<T>[] }
  | {
      readonly kind: "slice";
      readonly start: Argument<T>;
      readonly stop: Argument<T>;
      readonly step: Argument<T>;
    }
  | { readonly kind: "ellipsis" }
  /** A number, a text, true, false or null; arrays of numbers as nested lists. */
  | { readonly kind: "constant"; readonly value: unknown };

/** What a layer or an operation is called with. */
export interface CallArguments<T = ValueId> {
  readonly positional: readonly Argument<T>[];
  readonly named: ReadonlyMap<string, Argument<T>>;
}

/** One call of a Keras layer, for `fromKeras` to turn into nodes. */
export interface KerasCall {
  readonly config: KerasConfig;
  /** The tensors of the first argument. */
  readonly inputs: readonly ValueId[];
  axes(value: ValueId): Axes;
  type(value: ValueId): ValueType;
  /** The only input; a layer called on several is refused. */
  input(): ValueId;
  /**
   * An argument of the call by its name in Keras, or by its place (the inputs are 0); undefined where it is left out or
   * null. An argument that is given and never asked for is refused.
   */
  argument(name: string, place?: number): Argument | undefined;
  /** The same where it has to be a tensor; null where there is none. */
  tensor(name: string, place?: number): ValueId | null;
  /**
   * The mask of the inputs, `NL` of bools, false where a step does not count: the argument `mask`, or what the layers before
   * left for this input; null where there is none.
   */
  mask(input?: ValueId): ValueId | null;
  /** Whether there is a mask, without making it. */
  masked(input?: ValueId): boolean;
  /** Leaves a mask for the layers behind; `make` is called once, if one of them asks. Null: the output has none. */
  carry(output: ValueId, make: (() => ValueId) | null): void;
  /**
   * Takes the layer's next variable as this weight, or that of the object beneath it in Keras' path `scope` (`cell`,
   * `forward_layer/cell`). Shapes are checked; a shared layer's further calls get the same. `stored` is the variable's own
   * shape, where it is the same numbers under other sizes: (I, H, D) for a kernel `IO` of H heads. `type` is what the variable
   * has to be; without it, any type is taken as floats.
   */
  weight(
    role: string,
    letters: string,
    shape: readonly number[],
    options?: { readonly scope?: string; readonly stored?: readonly number[]; readonly type?: "int8" },
  ): void;
  /**
   * Takes the layer's next variable as the scales of a weight of int8, one per entry of its axis `letter`, and makes the weight
   * the floats that it stands for: integer / scale.
   */
  dequantize(role: string, letter: string, options?: { readonly stored?: readonly number[] }): void;
  /**
   * What the layer kept under this name when it was called last; at its first call an input of the model, with the batch first
   * and `sizes` behind it.
   */
  state(name: string, letters: string, sizes: readonly number[]): ValueId;
  /** Keeps a value for the layer's next call; what is kept at the end is an output of the model. */
  keep(name: string, value: ValueId): void;
  /** Passes over variables that inference does not need; `again`: that are another layer's, and in some formats stand only there. */
  discard(count: number, again?: "again"): void;
  /** Numbers out of the configuration as a weight. */
  constant(role: string, letters: string, shape: readonly number[], numbers: ArrayLike<number>): void;
  /** Adds a node; gives its first output. `weights` names the roles it reads. */
  emit<A extends object>(kind: string, attributes: A, inputs: readonly ValueId[], weights?: readonly string[]): ValueId;
  /** The same for an operator with several outputs. */
  emitAll<A extends object>(
    kind: string,
    attributes: A,
    inputs: readonly ValueId[],
    weights?: readonly string[],
  ): ValueId[];
  /** The value under other letters and, where `to` says so, with its axes in another order; see `rearrange`. */
  rearrange(value: ValueId, to: string, letters: string): ValueId;
  /**
   * What this call would be if the layer were of Keras' class `className`: for one derived from it that adds options of its own,
   * which are to be read or ignored before.
   */
  like(className: string): ValueId | ValueId[];
  /** Nodes for a Keras activation given by name, function or layer. */
  activation(value: ValueId, activation: unknown): ValueId;
  /** A size that has to be known here, such as the channels of a convolution's input. */
  known(value: ValueId, letter: string): number;
  /** The configuration of an object in an option, such as an RNN's cell; what is not read of it is refused. */
  nested(key: string, object: unknown): KerasConfig;
  /**
   * A call of an object in an option, whose nodes and weights belong to a layer of its own: `rnn/cell_0`. Its variables lie
   * at `scope` beneath this layer's.
   */
  part(name: string, object: unknown, scope: string, inputs: readonly ValueId[]): KerasCall;
  /** Calls a whole layer or model that stands in an option; its variables lie at `scope` beneath this layer's. */
  apply(object: unknown, scope: string, inputs: readonly ValueId[]): ValueId[];
}

/** Builds the nodes of one layer call and gives its outputs. */
export type FromKeras = (call: KerasCall) => ValueId | ValueId[];

// -------------------------------------------------------------------------------------------------- PyTorch

/** A node as a backend sees it: planned, with the axes of its values in the order they are held in. */
export interface PlannedNode<A extends object> {
  readonly attributes: A;
  readonly inputs: readonly Axes[];
  readonly outputs: readonly Axes[];
  readonly weights: readonly string[];
}

/**
 * A part of a weight: per letter of Keras' layout where it begins and how long it is; whole along the others. An axis that
 * PyTorch's layout does not have is of length 1 here.
 */
export interface WeightPiece {
  readonly role: string;
  readonly box?: Readonly<Record<string, readonly [start: number, count: number]>>;
}

/** What an emitted PyTorch program is written with. Every text is Python. */
export interface TorchWriter {
  /** The expression of input `index`. */
  input(index: number): string;
  /** Axis numbers in PyTorch are positions: the position of `letter` in input `index`. */
  dim(letter: string, index?: number): number;
  /** Whether another call of the same layer has other attributes, so that these can't be the module's. */
  varies(): boolean;
  /** Declares the layer's module in `__init__` (once per layer) and gives `self.name`. */
  module(construct: string, suffix?: string): string;
  /** The tensor called `name` of that module's state is this weight, rearranged to PyTorch's layout. */
  state(name: string, role: string, suffix?: string): void;
  /**
   * The tensor called `name` is made of pieces of weights, one after another along its first axis: the gates of an LSTM in
   * PyTorch's order, the stacked projections of an attention.
   */
  stack(name: string, pieces: readonly WeightPiece[], suffix?: string): void;
  /**
   * A state tensor that no weight of the source gives, such as BatchNorm's ones where Keras has no scale. `addedTo`: it is added to
   * these pieces, whose tensor comes before it, so that what is learned in it belongs to them.
   */
  constantState(
    name: string,
    shape: readonly number[],
    value: number,
    options?: { readonly suffix?: string; readonly addedTo?: readonly WeightPiece[] },
  ): void;
  /** Number of elements of a size, as text: a number where it is known, else an expression of the input's shape. */
  size(letter: string, index?: number): string;
  /**
   * Writes an intermediate statement; gives its variable, called `name` if that is given. Without a name it may take over
   * the variable of an input that nothing else reads, so the input must not be used after it.
   */
  step(expression: string, comment: string, name?: string): string;
  /** Writes a statement that gives several tensors; gives their variables, called after `names`. */
  steps(expression: string, comment: string, names: readonly string[]): string[];
  /** Uses a helper class, written once into the file. */
  helper(name: string, source: string): void;
  /** Uses a module of the standard library. */
  import(name: string): void;
}

/** Writes a node's statements and gives the expression of its output; of several outputs, their variables (`TorchWriter.steps`). */
export type ToTorch<A extends object> = (node: PlannedNode<A>, torch: TorchWriter) => string | readonly string[];

// ----------------------------------------------------------------------------------------------------- wasm

/** An address that is known once memory is planned. */
export type Operand = number | Place;
/** Opaque to the families: a value, a packed weight or a table, and an offset in it. */
export interface Place {
  readonly offsetBytes: number;
  /** The same place, `elements` float32 further on. */
  at(elements: number): Place;
}

/** Names of kernels that can be called in a step: all but those that only tell sizes. */
export type StepKernel = Exclude<
  keyof Kernels,
  "packedBytes" | "panelWidth" | "narrowStride" | "toomCookPart" | "toomCookWeights" | "toomCookWork"
>;

/** How convolutions are computed. */
export type ConvolutionChoice = "auto" | "direct";

/** Turns a node with known sizes into kernel calls. */
export interface WasmWriter {
  /** Concrete sizes, in the order the values are held in. */
  inputShape(index: number): number[];
  outputShape(index?: number): number[];
  input(index: number): Place;
  output(index?: number): Place;
  call(kernel: StepKernel, ...operands: Operand[]): void;
  /**
   * Calls that may be made for some of `rows` at a time, by several threads at once: `rowsFrom` makes those of one range. No
   * row's calls read what another's write, and its result is the same, bit for bit, in whatever range it is. Ranges begin at
   * multiples of 4. `work` counts multiply-adds of all rows; see also `elementWork` (rows.ts). Where a family divides something
   * else, such as panels of columns, that is what `rows` counts.
   */
  split(rows: number, work: number, rowsFrom: (from: number, to: number) => void): void;
  /** The output is the input's bytes: nothing to do. */
  alias(): void;
  /** The kernel may write over input `index`, if nothing else needs it. Call before `output()`. */
  overwrite(index: number): void;
  /** An int32 table that lives as long as the plan. */
  table(values: readonly number[]): Place;
  /** Memory that is free again after the node. */
  scratch(elements: number): Place;
  /** Limits of the result that the kernel applies as it stores it; infinite where there are none. */
  clamp(): readonly [low: number, high: number];
  /** A weight in the order of `WeightSpec.keras`, as float32, prepared once for each form by `prepare`. */
  weight(form: string, prepare: (pack: WeightPacker) => void): Place;
  /** Whether convolutions may be computed by fewer multiplications, which rounds otherwise (`EngineOptions.convolution`). */
  readonly convolution: ConvolutionChoice;
  /** Whether all numbers of a weight are finite. */
  finite(role: string): boolean;
  readonly kernels: Kernels;
}

/** Prepares a layer's weights in WebAssembly memory when a program first needs them. */
export interface WeightPacker {
  readonly memory: PanelMemory;
  /** The weight's numbers in Keras' order (merged axes in the order of the plan), null where the layer has none. */
  read(role: string): Float32Array | null;
  /** The same in the order in which the file has it, where that is known: for `packPanels`. */
  stored(role: string): Floats | StoredOrder | null;
  /** Reserves the result, to be written whole and at once; called once per preparation. */
  allocate(elements: number): Float32Array;
}

export type ToWasm<A extends object> = (node: PlannedNode<A>, wasm: WasmWriter) => void;

/** For facets that only pass an axis list on. */
export type { Axes, Axis, ValueType };
