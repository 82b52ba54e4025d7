/**
 * execute: runs parsed statements: module level, classes, functions, assignments, loops.
 *
 * A name at module level whose value can't be had is refused only where it is used; an effect at module level is refused at
 * once, since it could change what the classes mean. While a model runs, nothing that outlives the run may change.
 *
 * Source  The Python Language Reference, sections 7 (Simple statements) and 8 (Compound statements).
 */
import { ChannelwiseError, programFails, programNotUnderstood } from "../../../error.ts";
import { Tensor64 } from "./array.ts";
import { itemsOf } from "./builtins.ts";
import { UserClass, type UserModule } from "./classes.ts";
import { assignInPlace, operand } from "./elementwise.ts";
import { Evaluator, type Frame, type Observer } from "./evaluate.ts";
import { index, indexIsView } from "./indexing.ts";
import { moduleClass, resolveImport } from "./names.ts";
import { binaryOperator } from "./operators.ts";
import type {
  AugmentedAssign,
  Block,
  ClassDefinition,
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
  HasAttributes,
  List,
  Poison,
  Tuple,
  truth,
  typeName,
  type Value,
} from "./values.ts";

/** How a block ended. */
type Outcome = { readonly kind: "return"; readonly value: Value } | "break" | "continue" | null;

export class Interpreter extends Evaluator {
  /** Set before the call whose assignments are to be observed; the first frame of that instance takes it. */
  private pending: { readonly self: UserModule; readonly observer: Observer } | null = null;
  private running = false;

  /** Runs the module's top level: imports, constants, functions and classes. */
  load(module: PyModule): void {
    this.globals.set("__name__", "model");
    const frame: Frame = { locals: this.globals, self: null, owner: null, observer: null, line: 0 };
    for (const statement of module.body) this.inFrame(frame, () => this.topLevel(statement, frame));
  }

  /** Calls `module` with a fresh budget. */
  run(module: UserModule, args: CallArguments, observer: Observer | null): Value {
    this.startBudget();
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
      if (statement.kind === "function") methods.set(methodName(statement), statement);
      else if (statement.kind === "assign") this.execute(statement, body);
      else if (statement.kind !== "pass" && !(statement.kind === "expression" && statement.value.kind === "constant")) {
        throw programNotUnderstood(`a ${statement.kind} statement in a class body is not known to the checker`, [
          place(statement.line),
        ]);
      }
    }
    for (const name of constants.keys()) {
      if (methods.has(name) || name === "forward")
        throw programNotUnderstood(`${name} = ... in a class body is not known to the checker`);
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

  // ----------------------------------------------------------------------------------------- statements

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
  private augmented({ target, operator, value }: AugmentedAssign, frame: Frame): Value {
    const old = this.evaluate(target, frame);
    const result = this.charged(binaryOperator(operator, old, this.evaluate(value, frame)));
    if (old instanceof Tensor64 && result instanceof Tensor64) {
      assignInPlace(old, result);
      return old;
    }
    if (old instanceof List && result instanceof List) {
      old.items.splice(0, old.items.length, ...result.items);
      return old;
    }
    return result;
  }

  protected override assign(target: Expression, value: Value, frame: Frame): void {
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
      assignInPlace(index(object, subscript), operand(value, "__setitem__"));
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
}

/** Methods that change what attributes, calls or indexing mean are refused. */
function methodName({ name, line }: FunctionDefinition): string {
  if (/^__(?!init__$)/.test(name))
    throw programNotUnderstood(`the method ${name} is not known to the checker`, [place(line)]);
  return name;
}
