/**
 * classes: the nn.Module classes that a program defines, their instances, and `super()`.
 *
 * Source  The Python Language Reference, 3.3 (Special method names); PyTorch docs: torch.nn.Module.
 */
import { programFails } from "../../../error.ts";
import { Module } from "./layers.ts";
import type { FunctionDefinition } from "./syntax.ts";
import { type CallArguments, Callable, HasAttributes, type Value } from "./values.ts";

/** Runs a method or function of the program: the interpreter's part. */
export type Invoke = (definition: FunctionDefinition, args: CallArguments, self: UserModule, owner: UserClass) => Value;

export class UserClass extends Callable {
  /** null stands for nn.Module itself. */
  readonly base: UserClass | null;
  readonly methods: ReadonlyMap<string, FunctionDefinition>;
  readonly constants: ReadonlyMap<string, Value>;
  readonly invoke: Invoke;

  constructor(
    name: string,
    base: UserClass | null,
    methods: ReadonlyMap<string, FunctionDefinition>,
    constants: ReadonlyMap<string, Value>,
    invoke: Invoke,
  ) {
    super(name, (args) => instantiate(this, args));
    this.base = base;
    this.methods = methods;
    this.constants = constants;
    this.invoke = invoke;
  }

  /** The method and the class that defines it, looked up along the bases. */
  findMethod(name: string): { readonly definition: FunctionDefinition; readonly owner: UserClass } | null {
    const definition = this.methods.get(name);
    return definition ? { definition, owner: this } : (this.base?.findMethod(name) ?? null);
  }

  findConstant(name: string): Value | undefined {
    return this.constants.get(name) ?? this.base?.findConstant(name);
  }
}

function instantiate(userClass: UserClass, args: CallArguments): UserModule {
  const module = new UserModule(userClass);
  const init = userClass.findMethod("__init__");
  if (init) init.owner.invoke(init.definition, args, module, init.owner);
  else if (args.positional.length > 0 || args.keyword.size > 0)
    throw programFails(`${userClass.name}() takes no arguments`);
  else module.initialized = true;
  return module;
}

export class UserModule extends Module {
  readonly userClass: UserClass;
  /** Whether nn.Module.__init__ has run, without which nothing can register. */
  initialized = false;

  constructor(userClass: UserClass) {
    super(userClass.name);
    this.userClass = userClass;
  }

  override call(args: CallArguments): Value {
    const forward = this.bound("forward", this.userClass);
    return forward ? forward.call(args) : super.call(args);
  }

  override get(name: string): Value | undefined {
    const own = this.attributes.get(name) ?? this.bound(name, this.userClass);
    return own ?? this.userClass.findConstant(name) ?? super.get(name);
  }

  override set(name: string, value: Value): void {
    if (!this.initialized && (value instanceof Module || value instanceof HasAttributes)) {
      throw programFails("cannot assign module before Module.__init__() call");
    }
    super.set(name, value);
  }

  /** A method of `from` or its bases, bound to this instance. */
  bound(name: string, from: UserClass | null): Callable | null {
    const found = from?.findMethod(name);
    return found ? new Callable(name, (args) => found.owner.invoke(found.definition, args, this, found.owner)) : null;
  }
}

/** `super()` inside a method of `owner`. */
export class Super extends HasAttributes {
  readonly typeName = "super";
  private readonly self: UserModule;
  private readonly owner: UserClass;

  constructor(self: UserModule, owner: UserClass) {
    super();
    this.self = self;
    this.owner = owner;
  }

  get(name: string): Value | undefined {
    const found = this.self.bound(name, this.owner.base);
    if (found || name !== "__init__") return found ?? undefined;
    return new Callable("__init__", ({ positional, keyword }) => {
      if (positional.length > 0 || keyword.size > 0)
        throw programFails("Module.__init__() takes 1 positional argument");
      this.self.initialized = true;
      return null;
    });
  }

  set(name: string): void {
    throw programFails(`'super' object has no attribute '${name}'`);
  }
}
