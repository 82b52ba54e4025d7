/**
 * Keras' recurrent layers as `recurrent` nodes: LSTM, GRU, SimpleRNN, RNN of cells, Bidirectional.
 *
 *   go_backwards      takes the steps from the last on, and gives every step's output in that order
 *   StackedRNNCells   a layer per cell, one behind the other; a step that is masked is masked in all of them
 *   Bidirectional     one node where both halves are alike, else a node each; with every step's output the backward half is
 *                     turned back into the series' order, and masked steps give zeros, whatever the halves say
 *
 * dropout, unroll, implementation and use_cudnn make no difference to what comes out.
 *
 * Source  keras:keras/src/layers/rnn/{rnn,lstm,gru,simple_rnn,stacked_rnn_cells,bidirectional}.py
 */
import { lettersOf } from "../axes.ts";
import type { ValueId } from "../graph/graph.ts";
import { layerActivation, namedActivation } from "./activation.ts";
import type { Concatenate } from "./concatenate.ts";
import type { Argument, FromKeras, KerasCall, KerasConfig } from "./facets.ts";
import type { Merge } from "./merge.ts";
import { type Notes, series } from "./notes.ts";
import {
  biasRows,
  type CellFunction,
  type CellKind,
  gateColumns,
  halfSuffix,
  type Recurrent,
  statesOf,
} from "./recurrent.ts";
import { isObject } from "./schema.ts";

interface Cell {
  readonly cell: CellKind;
  readonly units: number;
  readonly activation: CellFunction;
  readonly gate: CellFunction;
  readonly biased: boolean;
}

/** What a layer says besides its cell. */
interface Options {
  readonly sequences: boolean;
  readonly states: boolean;
  readonly backwards: boolean;
  readonly zeroMasked: boolean;
  /** Whether the next call goes on where this one ends. */
  readonly stateful: boolean;
}

/** What a node is made of besides its cell. */
type Walk = Pick<Recurrent, "directions" | "flip" | "sequences" | "apart" | "states" | "zeroMasked"> &
  Pick<Options, "stateful">;

function cellFunction(call: KerasCall, config: KerasConfig, key: string, fallback: string): CellFunction {
  const given = config.has(key) ? config.raw(key) : fallback;
  if (given === null || given === "linear") return { kind: "linear", parameters: [] };
  if (given === "softmax") return { kind: "softmax", parameters: [] };
  if (typeof given !== "string") {
    const layer = call.nested(key, given);
    return (
      layerActivation(layer) ??
      config.refuse(
        key,
        `${layer.className} is not supported inside a cell; expected ReLU, LeakyReLU, ELU or a function's name`,
      )
    );
  }
  return (
    namedActivation(given) ??
    config.refuse(key, `${given} is not supported inside a cell; expected a function of single elements, or softmax`)
  );
}

function readCell(call: KerasCall, config: KerasConfig): Cell {
  const kind = config.className.replace(/Cell$/, "");
  const common = {
    units: config.integer("units"),
    activation: cellFunction(call, config, "activation", "tanh"),
    biased: config.boolean("use_bias", true),
  };
  config.ignore("dropout", "recurrent_dropout", "seed", "implementation");
  switch (kind) {
    case "SimpleRNN":
      return { ...common, cell: "simple", gate: { kind: "linear", parameters: [] } };
    case "LSTM":
      config.ignore("unit_forget_bias");
      return { ...common, cell: "lstm", gate: cellFunction(call, config, "recurrent_activation", "sigmoid") };
    case "GRU":
      return {
        ...common,
        cell: config.boolean("reset_after", true) ? "gru" : "gruBefore",
        gate: cellFunction(call, config, "recurrent_activation", "sigmoid"),
      };
    default:
      return call.config.refuse(
        "cell",
        `${config.className} is not supported; expected LSTMCell, GRUCell or SimpleRNNCell`,
      );
  }
}

function readOptions(config: KerasConfig): Options {
  if (config.raw("time_major") === true)
    config.refuse("time_major", "expected the batch first", "save it with time_major=False");
  config.ignore("unroll", "use_cudnn");
  return {
    sequences: config.boolean("return_sequences", false),
    states: config.boolean("return_state", false),
    backwards: config.boolean("go_backwards", false),
    zeroMasked: config.boolean("zero_output_for_mask", false),
    stateful: config.boolean("stateful", false),
  };
}

/** The variables of one half: kernel, recurrent kernel, bias. */
function takeWeights(call: KerasCall, cell: Cell, channels: number, scope: string, half = 0): string[] {
  const suffix = halfSuffix(half);
  const columns = gateColumns(cell);
  call.weight(`kernel${suffix}`, "IO", [channels, columns], { scope });
  call.weight(`recurrent${suffix}`, "IO", [cell.units, columns], { scope });
  if (!cell.biased) return [`kernel${suffix}`, `recurrent${suffix}`];
  const rows = biasRows(cell.cell);
  const stored = rows === 1 ? [columns] : [rows, columns];
  call.weight(`bias${suffix}`, "BO", [rows, columns], { scope, stored });
  return [`kernel${suffix}`, `recurrent${suffix}`, `bias${suffix}`];
}

function emit(
  call: KerasCall,
  { biased: _, ...cell }: Cell,
  { stateful, ...walk }: Walk,
  input: ValueId,
  mask: ValueId | null,
  states: readonly ValueId[],
  weights: readonly string[],
): ValueId[] {
  const expected = walk.directions.length * statesOf(cell.cell);
  if (states.length > 0 && states.length !== expected)
    call.config.refuse("initial_state", `expected ${expected} states, got ${states.length}`);
  const names = stateful ? stateNames(walk.directions, cell.cell) : [];
  const kept = names.map((name) => call.state(name, "NC", [cell.units]));
  const before = states.length > 0 ? states : kept;
  const attributes: Recurrent = {
    ...cell,
    ...walk,
    states: walk.states || stateful,
    masked: mask !== null,
    initial: before.length > 0,
  };
  const made = call.emitAll("recurrent", attributes, [input, ...(mask === null ? [] : [mask]), ...before], weights);
  const after = made.length - expected;
  for (const [index, name] of names.entries()) call.keep(name, made[after + index]!);
  return stateful && !walk.states ? made.slice(0, after) : made;
}

/** What the states of a layer are called, in their order. */
function stateNames(directions: Walk["directions"], cell: Cell["cell"]): string[] {
  const own = ["state_h", "state_c"].slice(0, statesOf(cell));
  return directions.length === 1 ? own : directions.flatMap((direction) => own.map((name) => `${direction}_${name}`));
}

// -------------------------------------------------------------------------------------------------- arguments

/** The tensors of an argument in order, lists in it opened. */
function tensors(call: KerasCall, argument: Argument | undefined): ValueId[] {
  if (!argument) return [];
  if (argument.kind === "tensor") return [argument.tensor];
  if (argument.kind === "list") return argument.entries.flatMap((entry) => tensors(call, entry));
  return call.config.refuse("initial_state", "expected tensors");
}

interface Given {
  readonly input: ValueId;
  /** The steps that count; null where all do. */
  readonly mask: ValueId | null;
  /** What the layers behind take as the mask of the steps. */
  readonly carried: () => ValueId | null;
  readonly states: readonly ValueId[];
}

/**
 * The series, its mask, and the states before the first step; Keras 2 has those in the list of inputs. Keras 3 passes the series'
 * own mask only to a call without another tensor: beside an `initial_state` every step counts, though the mask is carried on.
 */
function given(call: KerasCall): Given {
  const [series, ...more] = call.inputs;
  if (series === undefined) return call.config.refuse("inputs", "expected a series, got none");
  const letters = lettersOf(call.axes(series));
  if (letters.length !== 3) call.config.refuse("input", `expected a series of three axes, got ${letters.length}`);
  const input = call.rearrange(series, letters, "NLC");
  const named = tensors(call, call.argument("initial_state", 1));
  const explicit = call.tensor("mask") !== null;
  const steps = () => {
    const mask = call.mask(series);
    return mask === null ? null : call.rearrange(mask, lettersOf(call.axes(mask)), "NL");
  };
  const mask = explicit || named.length === 0 ? steps() : null;
  const states = [...more, ...named].map((state) => {
    const own = lettersOf(call.axes(state));
    if (own.length !== 2) call.config.refuse("initial_state", `expected states of two axes, got ${own.length}`);
    return call.rearrange(state, own, "NC");
  });
  return { input, mask, carried: () => mask ?? steps(), states };
}

/** Every step's output keeps the mask of the series. */
function carryMask(call: KerasCall, outputs: readonly ValueId[], sequences: boolean, { carried }: Given): void {
  for (const output of outputs) call.carry(output, sequences && call.masked(call.inputs[0]) ? () => carried()! : null);
}

// ------------------------------------------------------------------------------------------------------ layers

/**
 * The nodes of one layer whose options are `call.config`: its output, then its states. `direction` backward turns every
 * step's output back.
 */
function layer(
  call: KerasCall,
  { input, mask, states }: Given,
  options: Options,
  direction: "forward" | "backward",
): ValueId[] {
  const { config } = call;
  const last: Walk = {
    directions: [direction],
    flip: options.backwards !== (direction === "backward"),
    sequences: options.sequences,
    apart: false,
    stateful: options.stateful,
    states: options.states,
    zeroMasked: options.zeroMasked,
  };
  if (config.className !== "RNN") {
    const cell = readCell(call, config);
    const weights = takeWeights(call, cell, call.known(input, "C"), "cell");
    return emit(call, cell, last, input, mask, states, weights);
  }
  const object = config.raw("cell");
  const nested = call.nested("cell", object);
  if (nested.className !== "StackedRNNCells") {
    const cell = readCell(call, nested);
    const weights = takeWeights(call, cell, call.known(input, "C"), "cell");
    return emit(call, cell, last, input, mask, states, weights);
  }
  const cells = nested.raw("cells");
  if (!Array.isArray(cells) || cells.length === 0) return config.refuse("cells", "expected a list of cells");
  const seen = new Map<string, number>();
  const after: ValueId[] = [];
  let value = input;
  let taken = 0;
  cells.forEach((own: unknown, index) => {
    const stem = stems[className(own)] ?? "";
    const count = seen.get(stem) ?? 0;
    seen.set(stem, count + 1);
    const part = call.part(`cell_${index}`, own, `cell/cells/${count === 0 ? stem : `${stem}_${count}`}`, [value]);
    const cell = readCell(part, part.config);
    const weights = takeWeights(part, cell, part.known(value, "C"), "");
    const inner: Walk = {
      ...last,
      directions: [options.backwards ? "backward" : "forward"],
      flip: false,
      sequences: true,
    };
    const mine = states.slice(taken, taken + (states.length === 0 ? 0 : statesOf(cell.cell)));
    taken += mine.length;
    if (states.length > 0 && mine.length === 0)
      config.refuse("initial_state", `expected states for ${cells.length} cells`);
    const [output, ...own_] = emit(part, cell, index === cells.length - 1 ? last : inner, value, mask, mine, weights);
    value = output!;
    after.push(...own_);
  });
  if (taken !== states.length) config.refuse("initial_state", `expected ${taken} states, got ${states.length}`);
  return [value, ...after];
}

/** The groups of cells in a Keras 3 file. */
const stems: Readonly<Record<string, string>> = {
  LSTMCell: "lstm_cell",
  GRUCell: "gru_cell",
  SimpleRNNCell: "simple_rnn_cell",
};

const plain: FromKeras = (call) => {
  const series = given(call);
  const options = readOptions(call.config);
  const outputs = layer(call, series, options, "forward");
  carryMask(call, outputs.slice(0, 1), options.sequences, series);
  return outputs;
};

const directions = ["forward", "backward"] as const;

/** Whether the cells of two halves, as the file has them, are the same but for their weights. */
function alike(one: unknown, other: unknown): boolean {
  const text = (object: unknown) => {
    const { class_name: className, config = {} } = object as { class_name?: unknown; config?: Record<string, unknown> };
    const options = ["units", "activation", "recurrent_activation", "use_bias", "reset_after"];
    return className === "RNN" ? null : JSON.stringify([className, ...options.map((key) => config[key] ?? null)]);
  };
  return isObject(one) && isObject(other) && text(one) !== null && text(one) === text(other);
}

/** The class of an object of Keras; nothing where it is none. */
function className(object: unknown): string {
  const { class_name: name } = (object ?? {}) as { class_name?: unknown };
  return typeof name === "string" ? name : "";
}

const merges = { sum: "add", mul: "multiply", ave: "average" } as const;

export const fromKeras: Record<string, FromKeras> = {
  LSTM: plain,
  GRU: plain,
  SimpleRNN: plain,
  RNN: plain,
  Bidirectional(call) {
    const { config } = call;
    const series = given(call);
    const mode =
      config.raw("merge_mode") === null ? null : config.choice("merge_mode", ["concat", "sum", "mul", "ave"], "concat");
    const objects = [config.raw("layer"), config.raw("backward_layer")] as const;
    const parts = alike(...objects)
      ? null
      : directions.map((direction, index) =>
          call.part(`${direction}_layer`, objects[index], `${direction}_layer`, [series.input]),
        );
    const halves = parts ? parts.map((part) => part.config) : objects.map((object) => call.nested("layer", object));
    for (const { className } of halves) {
      if (!Object.hasOwn(fromKeras, className) || className === "Bidirectional")
        config.refuse("layer", `${className} is not supported; expected LSTM, GRU, SimpleRNN or RNN`);
    }
    const [forward, backward] = halves.map(readOptions) as [Options, Options];
    const { sequences, states } = forward;
    if (forward.backwards === backward.backwards)
      config.refuse("backward_layer", "expected another go_backwards than the forward layer has");
    if (sequences !== backward.sequences || states !== backward.states)
      config.refuse("backward_layer", "expected the return_sequences and return_state of the forward layer");
    // False in files from before Bidirectional forced zeros.
    const zeroMasked = config.boolean("zero_output_for_mask", true) && sequences;
    let outputs: ValueId[];
    let after: ValueId[];
    if (!parts) {
      const cells = halves.map((half) => readCell(call, half));
      const weights = cells.flatMap((cell, half) => {
        const scope = half === 0 ? "forward_layer/cell" : "backward_layer/cell";
        return takeWeights(call, cell, call.known(series.input, "C"), scope, half);
      });
      const apart = mode !== "concat";
      const walk: Walk = {
        directions: ["forward", "backward"],
        flip: forward.backwards,
        sequences,
        apart,
        stateful: forward.stateful,
        states,
        zeroMasked,
      };
      const made = emit(call, cells[0]!, walk, series.input, series.mask, series.states, weights);
      outputs = made.slice(0, apart ? 2 : 1);
      after = made.slice(outputs.length);
    } else {
      const half = Math.ceil(series.states.length / 2);
      const made = parts.map((part, index) => {
        const own = index === 0 ? series.states.slice(0, half) : series.states.slice(half);
        const options = { ...(index === 0 ? forward : backward), zeroMasked };
        return layer(part, { ...series, states: own }, options, directions[index]!);
      });
      outputs = made.map(([output]) => output!);
      after = made.flatMap(([, ...own]) => own);
    }
    const output = merged(call, outputs, mode);
    carryMask(call, output, sequences, series);
    return [...output, ...after];
  },
};

/** Both halves' outputs as `merge_mode` joins them. */
function merged(call: KerasCall, outputs: readonly ValueId[], mode: "concat" | keyof typeof merges | null): ValueId[] {
  if (mode === null || outputs.length === 1) return [...outputs];
  if (mode === "concat") {
    const attributes: Concatenate = { axis: "C" };
    return [call.emit("concatenate", attributes, outputs)];
  }
  const attributes: Merge = { kind: merges[mode] };
  return [call.emit("merge", attributes, outputs)];
}

// ------------------------------------------------------------------------------------------------------ notes

const limits = {
  input: series,
  time_major: "none of Keras 2's `time_major=True`",
  activation: "the name of a function of single elements, `softmax`, or a ReLU, LeakyReLU or ELU layer",
};
const gated = { ...limits, recurrent_activation: limits.activation };
const recurrence =
  "a small class `Recurrence` with other functions in the cell, or a mask; states of `stateful=True` as inputs and outputs of the model";

export const notes: Notes = {
  LSTM: { torch: `\`nn.LSTM\`; ${recurrence}`, limits: gated },
  GRU: { torch: `\`nn.GRU\`, unless \`reset_after=False\`; ${recurrence}`, limits: gated },
  SimpleRNN: { torch: `\`nn.RNN\`; ${recurrence}`, limits },
  RNN: {
    torch: "that of the layers that are its cells",
    limits: { ...limits, cell: "LSTMCell, GRUCell, SimpleRNNCell, or StackedRNNCells of them" },
  },
  Bidirectional: {
    torch: "one module with `bidirectional=True` where both halves are alike; else two",
    limits: {
      input: series,
      layer: "LSTM, GRU, SimpleRNN or RNN",
    },
  },
};
