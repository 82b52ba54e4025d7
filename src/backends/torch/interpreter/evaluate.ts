/**
 * evaluate: parsed expressions to values, inside a frame of names.
 *
 * Every evaluated node costs one step of a budget, as do large results; nesting is bounded, and an error that leaves a frame
 * carries the line that was running. Statements, and with them calls of the program's own functions, are execute.ts's part.
 *
 * Source  The Python Language Reference, sections 4 (Execution model) and 6 (Expressions).
 */
import { ChannelwiseError, programFails, programNotUnderstood } from "../../../error.ts";
import { Tensor64 } from "./array.ts";
import { findBuiltin, itemsOf } from "./builtins.ts";
import { Super, UserClass, type UserModule } from "./classes.ts";
import { index, sliceBounds } from "./indexing.ts";
import { Module } from "./layers.ts";
import { containerItem, getAttribute } from "./names.ts";
import { binaryOperator, compare, unaryOperator } from "./operators.ts";
import type { Argument, Comprehension, Expression } from "./syntax.ts";
import { place } from "./tokens.ts";
import {
  type CallArguments,
  Callable,
  Dict,
  Ellipsis,
  iterate,
  List,
  Poison,
  SliceValue,
  Tuple,
  truth,
  typeName,
  type Value,
} from "./values.ts";

const MAX_DEPTH = 400;

/** Called after each assignment to a name in an observed frame. */
export type Observer = (line: number, name: string, value: Value) => void;

export interface Frame {
  readonly locals: Map<string, Value>;
  /** The instance and the class whose method runs; null in plain functions and at module level. */
  readonly self: UserModule | null;
  readonly owner: UserClass | null;
  readonly observer: Observer | null;
  line: number;
}

export abstract class Evaluator {
  readonly globals = new Map<string, Value>();
  private readonly maxSteps: number;
  private steps = 0;
  private depth = 0;

  constructor(maxSteps: number) {
    this.maxSteps = maxSteps;
  }

  protected abstract assign(target: Expression, value: Value, frame: Frame): void;

  protected startBudget(): void {
    this.steps = 0;
    this.depth = 0;
  }

  protected step(): void {
    if (++this.steps > this.maxSteps) throw programNotUnderstood(`the program takes more than ${this.maxSteps} steps`);
  }

  /** Adds the running line to errors on their way out. */
  protected inFrame<T>(frame: Frame, action: () => T): T {
    if (++this.depth > MAX_DEPTH) throw programNotUnderstood(`calls and expressions nest more than ${MAX_DEPTH} deep`);
    try {
      return action();
    } catch (error) {
      if (!(error instanceof ChannelwiseError) || error.where.includes(place(frame.line))) throw error;
      throw frame.line === 0 ? error : error.within(place(frame.line));
    } finally {
      this.depth--;
    }
  }

  protected evaluate(node: Expression, frame: Frame): Value {
    this.step();
    if (++this.depth > MAX_DEPTH) throw programNotUnderstood(`calls and expressions nest more than ${MAX_DEPTH} deep`);
    try {
      return this.value(node, frame);
    } finally {
      this.depth--;
    }
  }

  private value(node: Expression, frame: Frame): Value {
    switch (node.kind) {
      case "name":
        return this.lookUp(node.name, frame);
      case "constant":
        return node.value;
      case "ellipsis":
        return new Ellipsis();
      case "attribute":
        return usable(getAttribute(this.evaluate(node.value, frame), node.name));
      case "call":
        return this.call(node, frame);
      case "subscript":
        return subscripted(this.evaluate(node.value, frame), this.evaluate(node.index, frame));
      case "slice": {
        const [start, stop, step] = [node.start, node.stop, node.step].map((part) => this.sliceBound(part, frame)) as [
          bigint | null,
          bigint | null,
          bigint | null,
        ];
        return new SliceValue(start, stop, step);
      }
      case "tuple":
        return new Tuple(this.sequence(node.items, frame));
      case "list":
        return new List(this.sequence(node.items, frame));
      case "dict":
        return new Dict(
          new Map(node.entries.map(([key, value]) => [this.evaluate(key, frame), this.evaluate(value, frame)])),
        );
      case "unary":
        return unaryOperator(node.operator, this.evaluate(node.value, frame));
      case "binary":
        return this.charged(
          binaryOperator(node.operator, this.evaluate(node.left, frame), this.evaluate(node.right, frame)),
        );
      case "compare":
        return this.comparison(node, frame);
      case "and":
      case "or":
        return this.junction(node.values, node.kind === "or", frame);
      case "conditional":
        return this.evaluate(truth(this.evaluate(node.test, frame)) ? node.yes : node.no, frame);
      case "comprehension":
        return this.comprehension(node, frame);
      case "fstring":
      case "starred":
        throw programNotUnderstood(
          `the value of ${node.kind === "fstring" ? "an f-string" : "a starred expression"} is not known to the checker`,
          [place(node.line)],
        );
    }
  }

  private lookUp(name: string, frame: Frame): Value {
    const found = frame.locals.get(name) ?? this.globals.get(name);
    if (found !== undefined) return usable(found);
    if (frame.locals.has(name) || this.globals.has(name)) return null;
    const builtin = findBuiltin(name);
    if (!builtin) throw programNotUnderstood(`name '${name}' is not defined, or not known to the checker`);
    return builtin;
  }

  private call({ callee, args, line }: Extract<Expression, { kind: "call" }>, frame: Frame): Value {
    if (callee.kind === "name" && callee.name === "super" && !this.globals.has("super"))
      return this.superOf(args, frame);
    const target = this.evaluate(callee, frame);
    const given = this.callArguments(args, frame);
    const outer = frame.line;
    frame.line = line;
    if (!(target instanceof Callable) && !(target instanceof Module))
      throw programFails(`'${typeName(target)}' object is not callable`);
    const value = target.call(given);
    frame.line = outer;
    return this.charged(value);
  }

  /** Large results cost steps too. */
  protected charged(value: Value): Value {
    if (value instanceof Tensor64) this.steps += value.size >>> 12;
    else this.steps += (iterate(value)?.length ?? 0) >>> 4;
    return value;
  }

  /** `super()`, or `super(Class, self)` as Python 2 has it. */
  private superOf(args: readonly Argument[], frame: Frame): Value {
    const owner = args.length === 0 ? frame.owner : this.evaluate(args[0]!.value, frame);
    if (!frame.self || !(owner instanceof UserClass)) throw programFails("super(): no arguments");
    return new Super(frame.self, owner);
  }

  private callArguments(args: readonly Argument[], frame: Frame): CallArguments {
    const positional: Value[] = [];
    const keyword = new Map<string, Value>();
    for (const { name, value: expression } of args) {
      const value = this.evaluate(expression, frame);
      if (name === "") positional.push(value);
      else if (name === "*") positional.push(...itemsOf(value));
      else if (name === "**") {
        if (!(value instanceof Dict)) throw programFails(`argument after ** must be a mapping, not ${typeName(value)}`);
        for (const [key, item] of value.entries) keyword.set(String(key), item);
      } else if (keyword.has(name)) throw programFails(`keyword argument repeated: ${name}`);
      else keyword.set(name, value);
    }
    return { positional, keyword };
  }

  private sequence(items: readonly Expression[], frame: Frame): Value[] {
    return items.flatMap((item) =>
      item.kind === "starred" ? itemsOf(this.evaluate(item.value, frame)) : [this.evaluate(item, frame)],
    );
  }

  private sliceBound(part: Expression | null, frame: Frame): bigint | null {
    const value = part && this.evaluate(part, frame);
    if (value !== null && typeof value !== "bigint")
      throw programFails(`slice indices must be integers or None, not ${typeName(value)}`);
    return value;
  }

  private comparison(node: Extract<Expression, { kind: "compare" }>, frame: Frame): Value {
    let left = this.evaluate(node.first, frame);
    let result: Value = true;
    for (const [i, operator] of node.operators.entries()) {
      const right = this.evaluate(node.rest[i]!, frame);
      result = compare(operator, left, right);
      if (i + 1 < node.operators.length && !truth(result)) return result;
      left = right;
    }
    return result;
  }

  private junction(values: readonly Expression[], stopAt: boolean, frame: Frame): Value {
    let value: Value = null;
    for (const expression of values) {
      value = this.evaluate(expression, frame);
      if (truth(value) === stopAt) return value;
    }
    return value;
  }

  private comprehension(node: Comprehension, frame: Frame): Value {
    const inner: Frame = { ...frame, locals: new Map(frame.locals), observer: null };
    const items: Value[] = [];
    for (const item of this.items(node.over, frame)) {
      this.step();
      this.assign(node.target, item, inner);
      if (node.test === null || truth(this.evaluate(node.test, inner))) items.push(this.evaluate(node.element, inner));
    }
    return new List(items);
  }

  protected items(over: Expression, frame: Frame): readonly Value[] {
    return itemsOf(this.evaluate(over, frame));
  }
}

/** Refuses a value that couldn't be computed, with the reason. */
function usable(value: Value): Value {
  if (value instanceof Poison) throw value.reason;
  return value;
}

/** `value[subscript]` to be read. */
function subscripted(value: Value, subscript: Value): Value {
  if (value instanceof Tensor64) return index(value, subscript);
  if (value instanceof Dict) {
    for (const [key, item] of value.entries) if (key === subscript) return item;
    throw programFails(`KeyError: ${String(subscript)}`);
  }
  const item = containerItem(value, subscript);
  if (item !== undefined) return item;
  const items = iterate(value);
  if (items && typeof subscript === "bigint") {
    const found = items.at(Number(subscript));
    if (found === undefined || Number(subscript) < -items.length)
      throw programFails(`index ${subscript} is out of range`);
    return found;
  }
  if (items && subscript instanceof SliceValue) {
    const { start, length, step } = sliceBounds(subscript, items.length);
    const part = Array.from({ length }, (_, i) => items[start + i * step]!);
    return value instanceof List ? new List(part) : new Tuple(part);
  }
  throw programFails(`${typeName(value)} can't be indexed by ${typeName(subscript)}`);
}
