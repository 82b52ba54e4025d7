/**
 * syntax: the Python subset as plain data, one interface per kind of statement and expression, each with its line.
 *
 * Source  The abstract grammar of Python's `ast` module, cut down to what a torch.nn.Module file needs.
 */
export interface PyModule {
  readonly body: readonly Statement[];
}

export type Statement =
  | {
      readonly kind: "assign";
      readonly line: number;
      readonly targets: readonly Expression[];
      readonly value: Expression;
    }
  | AugmentedAssign
  | { readonly kind: "expression"; readonly line: number; readonly value: Expression }
  | { readonly kind: "return"; readonly line: number; readonly value: Expression | null }
  | { readonly kind: "pass" | "break" | "continue"; readonly line: number }
  | {
      readonly kind: "if";
      readonly line: number;
      readonly test: Expression;
      readonly yes: Block;
      readonly no: Block;
    }
  | For
  | { readonly kind: "while"; readonly line: number; readonly test: Expression; readonly body: Block }
  | { readonly kind: "with"; readonly line: number; readonly body: Block }
  | { readonly kind: "assert"; readonly line: number; readonly test: Expression }
  | { readonly kind: "raise"; readonly line: number }
  | Import
  | ClassDefinition
  | FunctionDefinition
  | Opaque;

export type Block = readonly Statement[];

export interface AugmentedAssign {
  readonly kind: "augmented";
  readonly line: number;
  readonly target: Expression;
  readonly operator: string;
  readonly value: Expression;
}

export interface For {
  readonly kind: "for";
  readonly line: number;
  readonly target: Expression;
  readonly over: Expression;
  readonly body: Block;
}

/** `import a.b as c` binds c to a.b; `import a.b` binds a to a; `from a import b as c` binds c to a.b. */
export interface Import {
  readonly kind: "import";
  readonly line: number;
  readonly bindings: readonly { readonly name: string; readonly path: string }[];
}

export interface ClassDefinition {
  readonly kind: "class";
  readonly line: number;
  readonly name: string;
  readonly bases: readonly Expression[];
  readonly body: Block;
}

export interface FunctionDefinition {
  readonly kind: "function";
  readonly line: number;
  readonly name: string;
  readonly parameters: readonly Parameter[];
  readonly decorated: boolean;
  readonly body: Block;
}

export interface Parameter {
  readonly name: string;
  readonly default: Expression | null;
  /** `*name` takes the positional rest, `**name` the keyword rest; names after a `*` are "keyword". */
  readonly kind: "plain" | "keyword" | "rest" | "keywords";
}

/** A statement that couldn't be parsed and whose names, if used, are refused with the reason. */
export interface Opaque {
  readonly kind: "opaque";
  readonly line: number;
  readonly binds: readonly string[];
  readonly reason: Error;
}

export type Expression =
  | { readonly kind: "name"; readonly line: number; readonly name: string }
  | { readonly kind: "constant"; readonly line: number; readonly value: Constant }
  | { readonly kind: "ellipsis" | "fstring"; readonly line: number }
  | { readonly kind: "attribute"; readonly line: number; readonly value: Expression; readonly name: string }
  | { readonly kind: "call"; readonly line: number; readonly callee: Expression; readonly args: readonly Argument[] }
  | { readonly kind: "subscript"; readonly line: number; readonly value: Expression; readonly index: Expression }
  | Slice
  | { readonly kind: "tuple" | "list"; readonly line: number; readonly items: readonly Expression[] }
  | { readonly kind: "dict"; readonly line: number; readonly entries: readonly (readonly [Expression, Expression])[] }
  | { readonly kind: "unary"; readonly line: number; readonly operator: string; readonly value: Expression }
  | {
      readonly kind: "binary";
      readonly line: number;
      readonly operator: string;
      readonly left: Expression;
      readonly right: Expression;
    }
  | Compare
  | { readonly kind: "and" | "or"; readonly line: number; readonly values: readonly Expression[] }
  | {
      readonly kind: "conditional";
      readonly line: number;
      readonly test: Expression;
      readonly yes: Expression;
      readonly no: Expression;
    }
  | Comprehension
  | { readonly kind: "starred"; readonly line: number; readonly value: Expression };

/** An int is a bigint, a float a number. */
export type Constant = bigint | number | string | boolean | null;

export interface Argument {
  /** `name=value`; "*" and "**" unpack; "" is positional. */
  readonly name: string;
  readonly value: Expression;
}

export interface Slice {
  readonly kind: "slice";
  readonly line: number;
  readonly start: Expression | null;
  readonly stop: Expression | null;
  readonly step: Expression | null;
}

/** `first operators[0] rest[0] operators[1] rest[1] ...` */
export interface Compare {
  readonly kind: "compare";
  readonly line: number;
  readonly first: Expression;
  readonly operators: readonly string[];
  readonly rest: readonly Expression[];
}

/** `[element for target in over if test]`, or the same without brackets as a call's only argument. */
export interface Comprehension {
  readonly kind: "comprehension";
  readonly line: number;
  readonly element: Expression;
  readonly target: Expression;
  readonly over: Expression;
  readonly test: Expression | null;
}
