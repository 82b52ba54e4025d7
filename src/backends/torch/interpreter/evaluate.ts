/**
 * evaluate: runs parsed Python: statements in frames, expressions to values.
 *
 * Every evaluated node costs one step of a budget, nesting is bounded, and an error that leaves a frame carries the line that
 * was running. What the checker doesn't know is refused, never skipped.
 *
 * Source  The Python Language Reference, sections 4, 6, 7 and 8.
 */
import { ChannelwiseError, programFails, programNotUnderstood } from "../../../error.ts";
import { Tensor64 } from "./array.ts";
import { findBuiltin, itemsOf } from "./builtins.ts";
import { Super, UserClass, type UserModule } from "./classes.ts";
import { assignInPlace, operand } from "./elementwise.ts";
import { index, indexIsView, sliceBounds } from "./indexing.ts";
import { Module } from "./layers.ts";
import { containerItem, getAttribute, moduleClass, resolveImport } from "./names.ts";
import { binaryOperator, compare, unaryOperator } from "./operators.ts";
import type {
  Argument,
  Block,
  ClassDefinition,
  Comprehension,
  Expression,
  FunctionDefinition,
  PyModule,
  Statement,
} from "./syntax.ts";
import { place } from "./tokens.ts";
import {
  type CallArguments,
  Callable,
  Dict,
  Ellipsis,
  HasAttributes,
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

interface Frame {
  readonly locals: Map<string, Value>;
  /** The instance and the class whose method runs; null in plain functions and at module level. */
  readonly self: UserModule | null;
  readonly owner: UserClass | null;
  readonly observer: Observer | null;
  line: number;
}

/** How a block ended. */
type Outcome = { readonly kind: "return"; readonly value: Value } | "break" | "continue" | null;

export class Interpreter {
  readonly globals = new Map<string, Value>();
  /** Set before the call whose assignments are to be observed; the first frame of that instance takes it. */
  private pending: { readonly self: UserModule; readonly observer: Observer } | null = null;
  /** Storage that outlives a call, as of parameters and buffers: nothing may change it. */
  readonly locked = new WeakSet<Float64Array>();
  private running = false;
  private readonly maxSteps: number;
  private steps = 0;
  private depth = 0;

  constructor(maxSteps: number) {
    this.maxSteps = maxSteps;
  }

  /** Runs the module's top level: imports, constants, functions and classes. */
  load(module: PyModule): void {
    this.globals.set("__name__", "model");
    const frame: Frame = { locals: this.globals, self: null, owner: null, observer: null, line: 0 };
    for (const statement of module.body) this.inFrame(frame, () => this.topLevel(statement, frame));
  }

  /** Calls `module` with a fresh budget. */
  run(module: UserModule, args: CallArguments, observer: Observer | null): Value {
    this.steps = 0;
    this.depth = 0;
    this.running = true;
    this.pending = observer && { self: module, observer };
    return module.call(args);
  }

  // ----------------------------------------------------------------------------------------- module level

  private topLevel(statement: Statement, frame: Frame): void {
    frame.line = statement.line;
    if (statement.kind === "opaque") {
      for (const name of statement.binds) this.globals.set(name, new Poison(statement.reason));
    } else if (statement.kind === "assign" && statement.targets.every((target) => target.kind === "name")) {
      this.orPoison(
        statement.targets.map((target) => (target as { name: string }).name),
        () => this.execute(statement, frame),
      );
    } else if (statement.kind === "import") {
      for (const { name, path } of statement.bindings)
        this.orPoison([name], () => this.globals.set(name, resolveImport(path)));
    } else if (statement.kind === "expression" && statement.value.kind !== "constant") {
      throw programNotUnderstood("a call at module level is not known to the checker");
    } else this.execute(statement, frame);
  }

  /** A name whose value can't be had is refused only where it is used. */
  private orPoison(names: readonly string[], action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof ChannelwiseError)) throw error;
      for (const name of names) this.globals.set(name, new Poison(error));
    }
  }

  private defineClass(definition: ClassDefinition, frame: Frame): void {
    const methods = new Map<string, FunctionDefinition>();
    const constants = new Map<string, Value>();
    const body: Frame = { ...frame, locals: constants };
    for (const statement of definition.body) {
      if (statement.kind === "function") methods.set(statement.name, statement);
      else if (statement.kind === "assign") this.execute(statement, body);
      else if (statement.kind !== "pass" && !(statement.kind === "expression" && statement.value.kind === "constant")) {
        throw programNotUnderstood(`a ${statement.kind} statement in a class body is not known to the checker`, [
          place(statement.line),
        ]);
      }
    }
    const [base] = definition.bases.map((expression) => this.evaluate(expression, frame));
    const known = definition.bases.length === 1 && (base === moduleClass || base instanceof UserClass);
    const invoke = (method: FunctionDefinition, args: CallArguments, self: UserModule, owner: UserClass) =>
      this.invoke(method, args, self, owner);
    const value = known
      ? new UserClass(definition.name, base instanceof UserClass ? base : null, methods, constants, invoke)
      : new Poison(
          programNotUnderstood(`class ${definition.name} is not known to the checker: it must extend nn.Module alone`, [
            place(definition.line),
          ]),
        );
    frame.locals.set(definition.name, value);
  }

  // ----------------------------------------------------------------------------------------- functions

  private invoke(
    definition: FunctionDefinition,
    args: CallArguments,
    self: UserModule | null,
    owner: UserClass | null,
  ): Value {
    if (definition.decorated)
      throw programNotUnderstood(`the decorated function ${definition.name} is not known to the checker`);
    const observed =
      definition.name === "forward" && self !== null && this.pending?.self === self ? this.pending.observer : null;
    if (observed) this.pending = null;
    const frame: Frame = { locals: new Map(), self, owner, observer: observed, line: definition.line };
    const given = self ? { ...args, positional: [self as Value, ...args.positional] } : args;
    return this.inFrame(frame, () => {
      this.bindParameters(definition, given, frame);
      const outcome = this.block(definition.body, frame);
      return outcome !== null && typeof outcome === "object" ? outcome.value : null;
    });
  }

  private bindParameters(definition: FunctionDefinition, args: CallArguments, frame: Frame): void {
    const plain = definition.parameters.filter(({ kind }) => kind === "plain");
    const rest = definition.parameters.find(({ kind }) => kind === "rest");
    const keywords = definition.parameters.find(({ kind }) => kind === "keywords");
    if (args.positional.length > plain.length && !rest) {
      throw programFails(
        `${definition.name}() takes ${plain.length} positional arguments but ${args.positional.length} were given`,
      );
    }
    for (const [i, value] of args.positional.slice(0, plain.length).entries()) frame.locals.set(plain[i]!.name, value);
    if (rest) frame.locals.set(rest.name, new Tuple(args.positional.slice(plain.length)));
    const extra = new Map<Value, Value>();
    for (const [name, value] of args.keyword) {
      const named = definition.parameters.some((p) => p.name === name && (p.kind === "plain" || p.kind === "keyword"));
      if (!named && !keywords) throw programFails(`${definition.name}() got an unexpected keyword argument '${name}'`);
      if (named && frame.locals.has(name))
        throw programFails(`${definition.name}() got multiple values for argument '${name}'`);
      if (named) frame.locals.set(name, value);
      else extra.set(name, value);
    }
    if (keywords) frame.locals.set(keywords.name, new Dict(extra));
    for (const { name, default: value, kind } of definition.parameters) {
      if (kind === "rest" || kind === "keywords" || frame.locals.has(name)) continue;
      if (value === null) throw programFails(`${definition.name}() missing 1 required positional argument: '${name}'`);
      frame.locals.set(name, this.evaluate(value, { ...frame, locals: new Map() }));
    }
  }

  /** Adds the running line to errors on their way out. */
  private inFrame<T>(frame: Frame, action: () => T): T {
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

  // ----------------------------------------------------------------------------------------- statements

  private step(): void {
    if (++this.steps > this.maxSteps) throw programNotUnderstood(`the program takes more than ${this.maxSteps} steps`);
  }

  private block(body: Block, frame: Frame): Outcome {
    for (const statement of body) {
      const outcome = this.execute(statement, frame);
      if (outcome !== null) return outcome;
    }
    return null;
  }

  private execute(statement: Statement, frame: Frame): Outcome {
    this.step();
    frame.line = statement.line;
    switch (statement.kind) {
      case "expression":
        this.evaluate(statement.value, frame);
        return null;
      case "assign": {
        const value = this.evaluate(statement.value, frame);
        frame.line = statement.line;
        for (const target of statement.targets) this.assign(target, value, frame);
        return null;
      }
      case "augmented":
        this.assign(statement.target, this.augmented(statement, frame), frame);
        return null;
      case "return":
        return { kind: "return", value: statement.value ? this.evaluate(statement.value, frame) : null };
      case "pass":
        return null;
      case "break":
      case "continue":
        return statement.kind;
      case "if":
        return this.block(truth(this.evaluate(statement.test, frame)) ? statement.yes : statement.no, frame);
      case "for":
        return this.loop(this.items(statement.over, frame), (item) => {
          this.assign(statement.target, item, frame);
          return this.block(statement.body, frame);
        });
      case "while":
        return this.loop(this.untilFalse(statement.test, frame), () => this.block(statement.body, frame));
      case "assert":
        if (!truth(this.evaluate(statement.test, frame))) throw programFails("an assertion of the program fails");
        return null;
      case "raise":
        throw programFails("the program raises an exception");
      case "class":
        this.defineClass(statement, frame);
        return null;
      case "function":
        frame.locals.set(
          statement.name,
          new Callable(statement.name, (args) => this.invoke(statement, args, null, null)),
        );
        return null;
      case "with":
      case "import":
      case "opaque":
        throw programNotUnderstood(`a ${statement.kind} statement here is not known to the checker`);
    }
  }

  private loop(items: Iterable<Value>, body: (item: Value) => Outcome): Outcome {
    for (const item of items) {
      this.step();
      const outcome = body(item);
      if (outcome === "break") return null;
      if (outcome !== null && outcome !== "continue") return outcome;
    }
    return null;
  }

  private *untilFalse(test: Expression, frame: Frame): Iterable<Value> {
    while (truth(this.evaluate(test, frame))) yield null;
  }

  /** Tensors change in place, as in PyTorch; anything else is computed anew. */
  private augmented({ target, operator, value }: Extract<Statement, { kind: "augmented" }>, frame: Frame): Value {
    const old = this.evaluate(target, frame);
    const result = this.charged(binaryOperator(operator, old, this.evaluate(value, frame)));
    if (old instanceof Tensor64 && result instanceof Tensor64) {
      this.writeInto(old, result);
      return old;
    }
    if (old instanceof List && result instanceof List) {
      old.items.splice(0, old.items.length, ...result.items);
      return old;
    }
    return result;
  }

  private writeInto(target: Tensor64, value: Tensor64): void {
    if (this.locked.has(target.data))
      throw programNotUnderstood("changing a parameter or buffer in place is not known to the checker");
    assignInPlace(target, value);
  }

  private assign(target: Expression, value: Value, frame: Frame): void {
    switch (target.kind) {
      case "name":
        frame.locals.set(target.name, value);
        frame.observer?.(frame.line, target.name, value);
        return;
      case "tuple":
      case "list":
        this.unpack(target.items, value, frame);
        return;
      case "attribute": {
        const object = this.evaluate(target.value, frame);
        if (!(object instanceof HasAttributes))
          throw programNotUnderstood(`assigning to an attribute of ${typeName(object)} is not known to the checker`);
        if (this.running)
          throw programNotUnderstood("assigning to an attribute in forward is not known to the checker");
        object.set(target.name, value);
        return;
      }
      case "subscript":
        this.assignItem(this.evaluate(target.value, frame), this.evaluate(target.index, frame), value);
        return;
      default:
        throw programNotUnderstood(`assigning to a ${target.kind} is not known to the checker`);
    }
  }

  private assignItem(object: Value, subscript: Value, value: Value): void {
    if (object instanceof Tensor64 && indexIsView(subscript))
      this.writeInto(index(object, subscript), operand(value, "__setitem__"));
    else if (object instanceof Dict) object.entries.set(subscript, value);
    else if (
      object instanceof List &&
      typeof subscript === "bigint" &&
      object.items.at(Number(subscript)) !== undefined
    ) {
      object.items.splice(Number(subscript), 1, value);
    } else
      throw programNotUnderstood(
        `assigning to an item of ${typeName(object)} by ${typeName(subscript)} is not known to the checker`,
      );
  }

  private unpack(targets: readonly Expression[], value: Value, frame: Frame): void {
    const items = itemsOf(value);
    if (targets.some(({ kind }) => kind === "starred"))
      throw programNotUnderstood("a starred target is not known to the checker");
    if (items.length !== targets.length)
      throw programFails(`expected ${targets.length} values to unpack, got ${items.length}`);
    for (const [i, target] of targets.entries()) this.assign(target, items[i]!, frame);
  }

  // ----------------------------------------------------------------------------------------- expressions

  private evaluate(node: Expression, frame: Frame): Value {
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
  private charged(value: Value): Value {
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

  private items(over: Expression, frame: Frame): readonly Value[] {
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
