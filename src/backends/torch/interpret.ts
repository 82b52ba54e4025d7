/**
 * interpret: runs an emitted PyTorch program, as text, in float64.
 *
 * It is the other side of a conversion's proof: model.py's own text, with its state dict, under PyTorch's channels-first
 * semantics. It shares no code with the engine, the operators or the axes, so that one mistake can't agree with itself.
 *
 *   text -> tokens -> statements -> module tree (__init__) <- state dict;  inputs -> forward -> outputs
 *
 * Always in evaluation mode. Whatever the text uses that is not in the tables of interpreter/ is refused with its line.
 */
import { lendMemory, lent } from "../../platform/scratch.ts";
import { at, programFails, programNotUnderstood, stateDictDiffers } from "../../error.ts";
import { count, type DType, locked, type Part, rows, type Shape, showShape, Tensor64 } from "./interpreter/array.ts";
import { UserClass, UserModule } from "./interpreter/classes.ts";
import { castTo } from "./interpreter/elementwise.ts";
import { Interpreter } from "./interpreter/execute.ts";
import { parsePython } from "./interpreter/parse.ts";
import type { Expression, PyModule } from "./interpreter/syntax.ts";
import { iterate, positional, type Value } from "./interpreter/values.ts";

export { parsePython } from "./interpreter/parse.ts";
export type { PyModule } from "./interpreter/syntax.ts";

/** A row-major array as it goes in and out. Without a dtype, integer arrays are int64 and floats float64. */
export interface Array64 {
  readonly shape: Shape;
  readonly data: ArrayLike<number> | BigInt64Array;
  readonly dtype?: DType;
}

/** An array of a state dict whose numbers are read when the program comes to them, and perhaps again. */
export interface LateArray {
  readonly shape: Shape;
  read(): ArrayLike<number> | BigInt64Array;
  /** Gives what reads elements `[start, end)` alone, as floats; null where it can't be. */
  parts?(): ((start: number, end: number) => ArrayLike<number>) | null;
}

/** What an assignment in forward gave: a tensor, or several. */
export type StepValue = Array64 | readonly StepValue[];

/** Called after each assignment of tensors to a name in the main class's forward. The arrays are lent: copy what is kept. */
export type OnStep = (line: number, name: string, value: StepValue) => void;

export interface ProgramOptions {
  /** The class to run; by default the last nn.Module in the text. */
  className?: string;
  /** Evaluated nodes per run, after which a program counts as endless. */
  maxSteps?: number;
}

const MAX_STEPS = 10_000_000;

/** One program: parsed and built once, loaded once, run as often as wanted. */
export class TorchProgram {
  readonly className: string;
  private readonly interpreter: Interpreter;
  private readonly module: UserModule;
  private loaded = false;

  constructor(source: string, options: ProgramOptions = {}) {
    const parsed = parsePython(source);
    this.interpreter = new Interpreter(options.maxSteps ?? MAX_STEPS);
    this.interpreter.load(parsed);
    this.className = options.className ?? lastModuleClass(parsed, this.interpreter);
    const found = this.interpreter.globals.get(this.className);
    if (!(found instanceof UserClass))
      throw programFails(`expected the program to define an nn.Module named ${this.className}`);
    const module = found.call(positional());
    if (!(module instanceof UserModule)) throw programFails(`${this.className}() is not a module`);
    this.module = module;
    this.module.state();
    this.lock();
  }

  /** What the module holds outlives a run: no run may change it. */
  private lock(): void {
    for (const data of this.module.storage()) locked.add(data);
  }

  /** The entries that the state dict must have, in PyTorch's order. */
  stateShapes(): Map<string, Shape> {
    return new Map(this.module.state().map(({ name, shape }) => [name, shape]));
  }

  /** As load_state_dict(strict=True): every entry, no other, each in its shape. */
  loadState(state: ReadonlyMap<string, Array64 | LateArray>): void {
    const recent = new Recent();
    const slots = this.module.state();
    const expected = new Set(slots.map(({ name }) => name));
    const missing = [...expected].filter((name) => !state.has(name));
    const spare = [...state.keys()].filter((name) => !expected.has(name));
    if (missing.length > 0)
      throw stateDictDiffers("missing-weight", `expected ${missing.join(", ")}, got no such entry`);
    if (spare.length > 0)
      throw stateDictDiffers(
        "missing-weight",
        `expected no entry ${spare.join(", ")}, got one: ${this.className} has no such parameter or buffer`,
      );
    for (const { name, shape, dtype, store } of slots) {
      const given = state.get(name)!;
      if (showShape(given.shape) !== showShape(shape)) {
        throw stateDictDiffers(
          "shape-mismatch",
          `${name}: expected ${showShape(shape)}, got ${showShape(given.shape)}`,
        );
      }
      const values = (memory: Float64Array<ArrayBuffer>) => {
        const filled = lendMemory(() => {
          const array = "read" in given ? { shape, data: given.read() } : given;
          return castTo(
            at(name, () => fromArray(array, memory)),
            dtype,
          );
        });
        locked.add(filled.data);
        return filled.data;
      };
      const size = count(shape);
      const late =
        8 * size > recentBytes
          ? () => values(lent(Float64Array, size))
          : () => recent.get(name, () => values(new Float64Array(size)));
      const parts = "read" in given && dtype === "float64" ? () => partsOf(given) : null;
      store(new Tensor64("read" in given ? late : values(new Float64Array(size)), shape, dtype, undefined, 0, parts));
    }
    this.loaded = true;
  }

  /** The outputs of forward: one, or those of its tuple or list in order. */
  run(inputs: readonly Array64[], onStep?: OnStep): Array64[] {
    if (!this.loaded && this.module.state().length > 0)
      throw programFails("expected a state dict to be loaded before the program runs");
    const observer = onStep
      ? (line: number, name: string, value: Value) => {
          const shown = toStepValue(value);
          if (shown) onStep(line, name, shown);
        }
      : null;
    const args = positional(...inputs.map((input, i) => at(`input ${i}`, () => fromArray(input))));
    const result = toStepValue(this.interpreter.run(this.module, args, observer));
    if (!result) throw programNotUnderstood(`expected ${this.className}.forward to return tensors`);
    const outputs = Array.isArray(result) ? (result as readonly StepValue[]) : [result];
    return outputs.map((output) => {
      if (Array.isArray(output))
        throw programNotUnderstood(`expected ${this.className}.forward to return a flat tuple of tensors`);
      const { shape, data, dtype } = output as Required<Array64>;
      return { shape, data: (data as Float64Array).slice(), dtype };
    });
  }
}

/** Arrays that are kept as long as they and those after them take no more than this; a larger one is read for each use. */
const recentBytes = 2 ** 26;

/** Of a large array, what reads a part of it as float64. */
function partsOf({ shape, parts }: LateArray): Part | null {
  const read = 8 * count(shape) > recentBytes ? parts?.() : null;
  if (!read) return null;
  return (start, end) => {
    const memory = lent(Float64Array, end - start);
    memory.set(read(start, end));
    return memory;
  };
}

/** The arrays that were used last: a recurrent layer takes its weights at every step. */
class Recent {
  readonly #held = new Map<string, Float64Array>();
  #bytes = 0;

  get(name: string, make: () => Float64Array): Float64Array {
    let data = this.#held.get(name);
    if (data) this.#held.delete(name);
    else {
      data = make();
      this.#bytes += data.byteLength;
    }
    this.#held.set(name, data);
    for (const [oldest, { byteLength }] of this.#held) {
      if (this.#bytes <= recentBytes) break;
      this.#held.delete(oldest);
      this.#bytes -= byteLength;
    }
    return data;
  }
}

export interface TorchRun extends ProgramOptions {
  source: string;
  state: ReadonlyMap<string, Array64>;
  inputs: readonly Array64[];
  onStep?: OnStep;
}

export function runTorchProgram({ source, state, inputs, onStep, ...options }: TorchRun): Array64[] {
  const program = new TorchProgram(source, options);
  program.loadState(state);
  return program.run(inputs, onStep);
}

export interface TorchSignature {
  readonly className: string;
  /** Name and layout text, in the order of the module's arguments, as `["signal", "NLC -> NCL"]`. */
  readonly inputs: readonly (readonly [name: string, layout: string])[];
  readonly outputs: readonly (readonly [name: string, layout: string])[];
}

/** The dictionaries INPUTS and OUTPUTS of an emitted program, and the class it defines last. */
export function readTorchSignature(source: string): TorchSignature {
  const parsed = parsePython(source);
  const classes = parsed.body.filter((statement) => statement.kind === "class");
  if (classes.length === 0) throw programFails("expected the program to define a class");
  return {
    className: classes.at(-1)!.name,
    inputs: layoutsNamed("INPUTS", parsed),
    outputs: layoutsNamed("OUTPUTS", parsed),
  };
}

function layoutsNamed(name: string, { body }: PyModule): (readonly [string, string])[] {
  const found = body.findLast(
    (statement) => statement.kind === "assign" && statement.targets.some((t) => t.kind === "name" && t.name === name),
  );
  if (found?.kind !== "assign" || found.value.kind !== "dict")
    throw programFails(`expected the program to define ${name} = {"name": "layout", ...}`);
  const text = (expression: Expression): string => {
    if (expression.kind === "constant" && typeof expression.value === "string") return expression.value;
    throw programFails(`expected ${name} to hold plain strings`);
  };
  return found.value.entries.map(([key, value]) => [text(key), text(value)]);
}

function lastModuleClass({ body }: PyModule, { globals }: Interpreter): string {
  const found = body.findLast(
    (statement) => statement.kind === "class" && globals.get(statement.name) instanceof UserClass,
  );
  if (found?.kind !== "class") throw programFails("expected the program to define a class that extends nn.Module");
  return found.name;
}

/** @param memory where the numbers go */
function fromArray({ data, shape, dtype }: Array64, memory = new Float64Array(data.length)): Tensor64 {
  if (data.length !== count(shape))
    throw programFails(`expected ${count(shape)} values for the shape ${showShape(shape)}, got ${data.length}`);
  const floats = data instanceof Float64Array || data instanceof Float32Array || Array.isArray(data);
  if (data instanceof BigInt64Array) for (let at = 0; at < data.length; at++) memory[at] = Number(data[at]);
  else memory.set(data);
  return new Tensor64(memory, [...shape], dtype ?? (floats ? "float64" : "int64"));
}

function toStepValue(value: Value): StepValue | null {
  if (value instanceof Tensor64) return { shape: value.shape, data: rows(value), dtype: value.dtype };
  const items = iterate(value)?.map(toStepValue);
  return items && items.length > 0 && items.every((item) => item !== null) ? items : null;
}
