/**
 * containers: nn.Sequential, nn.ModuleList and nn.ModuleDict, whose children are named by position or key.
 *
 * Source  PyTorch docs: torch.nn, Containers.
 */
import { programFails } from "../../../error.ts";
import { sliceBounds } from "./indexing.ts";
import { Module } from "./layers.ts";
import { Callable, type CallArguments, Dict, iterate, positional, SliceValue, typeName, type Value } from "./values.ts";

/** A module that can be indexed, iterated over and measured. */
export class Container extends Module {
  add(name: string, value: Value): void {
    if (!(value instanceof Module)) throw programFails(`${typeName(value)} is not a Module subclass`);
    this.children.set(name, value);
  }

  append(value: Value): void {
    this.add(String(this.children.size), value);
  }

  /** `container[i]`, `container["key"]`, `container[a:b]`. */
  at(subscript: Value): Value {
    const modules = [...this.children.values()];
    if (typeof subscript === "string" && this.children.has(subscript)) return this.children.get(subscript)!;
    if (typeof subscript === "bigint") {
      const found = modules.at(Number(subscript));
      if (!found || Number(subscript) < -modules.length) throw programFails(`index ${subscript} is out of range`);
      return found;
    }
    if (subscript instanceof SliceValue) {
      const { start, length, step } = sliceBounds(subscript, modules.length);
      const part = this.empty();
      for (let i = 0; i < length; i++) part.append(modules[start + i * step]!);
      return part;
    }
    throw programFails(`${this.typeName} can't be indexed by ${typeName(subscript)}`);
  }

  override isTrue(): boolean {
    return this.children.size > 0;
  }

  protected empty(): Container {
    return new Container(this.typeName);
  }

  override get(name: string): Value | undefined {
    const own = super.get(name);
    if (own !== undefined || this.typeName === "ModuleDict") return own;
    const modulesOf = { append: (value: Value) => [value], extend: (value: Value) => iterate(value) ?? [] }[name];
    if (!modulesOf) return undefined;
    return new Callable(name, ({ positional: [value] }) => {
      for (const module of modulesOf(value ?? null)) this.append(module);
      return this;
    });
  }
}

class Sequential extends Container {
  override call(args: CallArguments): Value {
    if (args.positional.length !== 1 || args.keyword.size > 0)
      throw programFails("Sequential.forward() takes 1 positional argument");
    let value = args.positional[0] as Value;
    for (const child of this.children.values()) value = child.call(positional(value));
    return value;
  }

  protected override empty(): Container {
    return new Sequential("Sequential");
  }
}

const CONTAINERS: Readonly<Record<string, (args: readonly Value[]) => Container>> = {
  Sequential: (modules) => {
    const made = new Sequential("Sequential");
    const [only] = modules;
    if (modules.length === 1 && only instanceof Dict) addEntries(made, only);
    else for (const module of modules) made.append(module);
    return made;
  },
  ModuleList: ([modules]) => {
    const made = new Container("ModuleList");
    for (const module of iterate(modules ?? null) ?? []) made.append(module);
    return made;
  },
  ModuleDict: ([modules]) => {
    const made = new Container("ModuleDict");
    if (modules instanceof Dict) addEntries(made, modules);
    return made;
  },
};

function addEntries(container: Container, { entries }: Dict): void {
  for (const [name, module] of entries) container.add(String(name), module);
}

/** The class `nn.name`. */
export function findContainer(name: string): Callable | null {
  const make = Object.hasOwn(CONTAINERS, name) ? CONTAINERS[name]! : null;
  return (
    make &&
    new Callable(`nn.${name}`, (args) => {
      if (args.keyword.size > 0)
        throw programFails(`${name}() got an unexpected keyword argument '${[...args.keyword.keys()][0]}'`);
      return make(args.positional);
    })
  );
}
