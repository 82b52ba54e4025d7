/**
 * pickle: Python's object format, read as data: nothing that a file says is executed.
 *
 *   0x80 2                              protocol
 *   }                                   an empty dict                stack: {}
 *   (                                   mark                                {} MARK
 *   X 6,0,0,0 "weight"                  text                                {} MARK "weight"
 *   c torch._utils\n_rebuild_tensor_v2  global                              {} MARK "weight" f
 *   ( … t R                             tuple of arguments, call            {} MARK "weight" f(…)
 *   u .                                 set items, stop                     {"weight": f(…)}
 *
 * A pickle is a program for a stack machine that may name any function of Python. Here it may name those that the caller offers,
 * which are functions of this project on plain data; any other name refuses the file, and so do the opcodes that only make
 * objects of classes. Every opcode takes bounded time, and makes at most one value that is no larger than what it read or took
 * from the stack, so that memory is bounded by the file's length, and by `mostObjects`. Values may be shared and may contain
 * themselves: whoever walks them has to keep count.
 *
 *   None null | bool | int number, bigint past 2^53 | float number | str string | bytes Uint8Array | list Array |
 *   tuple frozen Array | dict Map | set Set
 *
 * Source  cpython Lib/pickletools.py (opcodes), Lib/pickle.py (_Unpickler), protocols 0 to 5
 */
import { corruptFile, unsupportedFeature } from "../error.ts";
import type { Cursor } from "./cursor.ts";
import { printable } from "./printable.ts";

/** What a name in a pickle stands for: a class of its own, so that nothing that a file makes is taken for one. */
export class PickleGlobal {
  /** `torch.FloatStorage`, for messages. */
  readonly name: string;
  /** What a call of it gives; null where a call is refused. */
  readonly call: ((args: readonly unknown[]) => unknown) | null;

  constructor(name: string, call: PickleGlobal["call"] = null) {
    this.name = name;
    this.call = call;
  }
}

/** What a pickle may use. */
export interface PickleVocabulary {
  /** A global by its name; undefined refuses the file. */
  global(module: string, name: string): PickleGlobal | undefined;
  /** The object behind a persistent id. Default: there are none. */
  persistent?(id: unknown): unknown;
  /** What to do about a name that is refused. */
  readonly fix: string;
}

/** Dicts, lists, tuples, calls and texts: ten for each of 50 000 tensors. */
const mostObjects = 2 ** 19;
/** Opcodes in one pickle. */
const mostOpcodes = 2 ** 25;
const longestLine = 2 ** 16;
/** Bytes of the longest integer: Python writes larger ones as they are, and no checkpoint has them. */
const longestInteger = 64;

const mark = Symbol("mark");

/** Reads the pickle at the cursor, up to and with its STOP, and gives the object. */
export function readPickle(cursor: Cursor, vocabulary: PickleVocabulary): unknown {
  return new Unpickler(cursor, vocabulary).run();
}

class Unpickler {
  readonly #cursor: Cursor;
  readonly #vocabulary: PickleVocabulary;
  readonly #memo = new Map<number, unknown>();
  readonly #stack: unknown[] = [];
  #objects = 0;

  constructor(cursor: Cursor, vocabulary: PickleVocabulary) {
    this.#cursor = cursor;
    this.#vocabulary = vocabulary;
  }

  run(): unknown {
    for (let count = 0; count < mostOpcodes; count++) {
      const code = this.#cursor.u8();
      if (code === stop) {
        const result = this.#pop();
        if (this.#stack.length > 0) this.#fail("expected one object at the pickle's end, got more");
        return result;
      }
      const operation = operations[code];
      if (!operation) return this.#unknown(code);
      operation(this);
    }
    throw this.#limit(`${mostOpcodes} opcodes`);
  }

  // What opcodes are made of.

  get cursor(): Cursor {
    return this.#cursor;
  }

  push(value: unknown): void {
    this.#stack.push(value);
  }

  /** A new object, which counts. */
  make(value: unknown): void {
    if (++this.#objects > mostObjects) throw this.#limit(`${mostObjects} objects`);
    this.#stack.push(value);
  }

  mark(): void {
    this.#stack.push(mark);
  }

  pop(): unknown {
    return this.#pop();
  }

  /** What lies on top, left there. */
  top(): unknown {
    const value = this.#pop();
    this.#stack.push(value);
    return value;
  }

  /** Everything above the last mark, which goes too. */
  popMark(): unknown[] {
    const start = this.#stack.lastIndexOf(mark);
    if (start < 0) this.#fail("expected a mark on the pickle's stack, found none");
    const values = this.#stack.splice(start);
    values.shift();
    return values;
  }

  /** Removes the last object, or the last mark. */
  discard(): void {
    if (this.#stack.length === 0) this.#fail("the pickle's stack is empty");
    this.#stack.pop();
  }

  list(): unknown[] {
    const value = this.top();
    return Array.isArray(value) && !Object.isFrozen(value) ? value : this.#fail("expected a list to add to");
  }

  items(pairs: readonly unknown[]): void {
    const value = this.top();
    if (!(value instanceof Map) || pairs.length % 2 !== 0) return this.#fail("expected a dict and pairs to set in it");
    for (let index = 0; index < pairs.length; index += 2) value.set(pairs[index], pairs[index + 1]);
  }

  addItems(values: readonly unknown[]): void {
    const value = this.top();
    if (!(value instanceof Set)) return this.#fail("expected a set to add to");
    for (const entry of values) value.add(entry);
  }

  remember(index: number): void {
    this.#memo.set(index, this.top());
  }

  memoize(): void {
    this.remember(this.#memo.size);
  }

  recall(index: number): void {
    if (!this.#memo.has(index)) this.#fail(`the pickle names object ${index} before it makes it`);
    this.#stack.push(this.#memo.get(index));
  }

  global(module: unknown, name: unknown): void {
    if (typeof module !== "string" || typeof name !== "string") return this.#fail("expected the name of a global");
    const found = this.#vocabulary.global(module, name);
    if (!found) {
      throw unsupportedFeature(
        `the file names ${printable(`${module}.${name}`)}, which is not plain data; nothing in a file is run`,
        this.#cursor.place,
        this.#vocabulary.fix,
      );
    }
    this.#stack.push(found);
  }

  reduce(): void {
    const args = this.#pop();
    const callee = this.#pop();
    if (!(callee instanceof PickleGlobal)) return this.#fail("expected a function to call");
    if (!callee.call || !Array.isArray(args)) return this.#fail(`expected a call that ${callee.name} takes`);
    this.make(callee.call(args));
  }

  /** State of an object, such as the `_metadata` of a state dict: it says nothing about numbers. */
  build(): void {
    this.#pop();
    if (!(this.top() instanceof Map)) this.#fail("expected the state of a dict");
  }

  persistent(id: unknown): void {
    if (!this.#vocabulary.persistent) return this.#fail("an object that lies outside of the pickle");
    this.make(this.#vocabulary.persistent(id));
  }

  /** Text up to the next line end. */
  line(): string {
    const { bytes, position, end } = this.#cursor;
    const next = bytes.subarray(position, Math.min(end, position + longestLine));
    const length = next.indexOf(10);
    if (length < 0) this.#fail("a line without an end");
    const text = this.text(length);
    this.#cursor.skip(1);
    return text;
  }

  text(sizeBytes: number): string {
    // Python may write half a surrogate pair, which no name needs; it becomes U+FFFD.
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.#cursor.take(sizeBytes));
  }

  /** A little-endian integer in two's complement. */
  long(sizeBytes: number): number | bigint {
    if (sizeBytes > longestInteger) throw this.#limit(`${longestInteger} bytes in one integer`);
    const bytes = this.#cursor.take(sizeBytes);
    let value = 0n;
    for (let index = sizeBytes - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[index]!);
    return plain(BigInt.asIntN(8 * sizeBytes, value));
  }

  integerOf(text: string): number | bigint {
    if (!/^-?\d{1,150}L?$/.test(text)) this.#fail(`expected an integer, got ${printable(text)}`);
    return plain(BigInt(text.replace("L", "")));
  }

  fail(message: string): never {
    return this.#fail(message);
  }

  #pop(): unknown {
    const value = this.#stack.pop();
    if (value === undefined || value === mark) this.#fail("the pickle takes more from its stack than there is");
    return value;
  }

  #unknown(code: number): never {
    const name = refusedOpcodes[String.fromCharCode(code)];
    if (name === undefined) this.#fail(`no pickle has the opcode 0x${code.toString(16)}`);
    throw unsupportedFeature(
      `the file makes an object of a class (${name}), which is not plain data`,
      this.#cursor.place,
      this.#vocabulary.fix,
    );
  }

  #limit(what: string): Error {
    return unsupportedFeature(`a pickle of more than ${what}`, this.#cursor.place, this.#vocabulary.fix);
  }

  #fail(message: string): never {
    throw corruptFile(`${message} (before byte ${this.#cursor.position})`, this.#cursor.place);
  }
}

function plain(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

const tuple = (values: unknown[]) => Object.freeze(values);
const stop = 0x2e;

/** Opcodes that are known and make objects of classes, or look them up in a registry of the reader's program. */
const refusedOpcodes: Readonly<Record<string, string>> = {
  i: "INST",
  o: "OBJ",
  "\x81": "NEWOBJ",
  "\x92": "NEWOBJ_EX",
  "\x82": "EXT1",
  "\x83": "EXT2",
  "\x84": "EXT4",
  "\x97": "NEXT_BUFFER",
  "\x98": "READONLY_BUFFER",
};

type Operation = (it: Unpickler) => void;

const pairs: Readonly<Record<string, Operation>> = {
  "\x80": (it) => {
    const version = it.cursor.u8();
    if (version > 5) it.fail(`no pickle has protocol ${version}`);
  },
  "\x95": (it) => void it.cursor.u64(),
  "(": (it) => it.mark(),
  "0": (it) => it.discard(),
  "1": (it) => void it.popMark(),
  "2": (it) => it.push(it.top()),
  // Constants and numbers.
  N: (it) => it.push(null),
  "\x88": (it) => it.push(true),
  "\x89": (it) => it.push(false),
  I: (it) => {
    const text = it.line();
    it.push(text === "00" ? false : text === "01" ? true : it.integerOf(text));
  },
  J: (it) => it.push(it.cursor.u32() | 0),
  K: (it) => it.push(it.cursor.u8()),
  M: (it) => it.push(it.cursor.u16()),
  L: (it) => it.push(it.integerOf(it.line())),
  "\x8a": (it) => it.push(it.long(it.cursor.u8())),
  "\x8b": (it) => it.push(it.long(it.cursor.u32())),
  F: (it) => {
    const text = it.line();
    if (!/^[-+]?(\d[\d.]*(e[-+]?\d+)?|inf|nan)$/i.test(text)) it.fail(`expected a number, got ${printable(text)}`);
    it.push(Number(text.replace(/inf/i, "Infinity")));
  },
  G: (it) => {
    const bytes = it.cursor.take(8);
    it.push(new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0));
  },
  // Texts; those of Python 2 are bytes, and names in UTF-8.
  S: (it) => {
    const quoted = /^(['"])([^\\]*)\1$/.exec(it.line());
    it.make(quoted ? quoted[2] : it.fail("expected a text in quotes, without escapes"));
  },
  T: (it) => it.make(it.text(it.cursor.u32())),
  U: (it) => it.make(it.text(it.cursor.u8())),
  V: (it) => {
    const text = it.line();
    it.make(text.replace(/\\u([0-9a-f]{4})/gi, (_, code) => String.fromCharCode(Number.parseInt(code, 16))));
  },
  X: (it) => it.make(it.text(it.cursor.u32())),
  "\x8c": (it) => it.make(it.text(it.cursor.u8())),
  "\x8d": (it) => it.make(it.text(it.cursor.u64())),
  B: (it) => it.make(it.cursor.take(it.cursor.u32())),
  C: (it) => it.make(it.cursor.take(it.cursor.u8())),
  "\x8e": (it) => it.make(it.cursor.take(it.cursor.u64())),
  "\x96": (it) => it.make(it.cursor.take(it.cursor.u64())),
  // Containers.
  "]": (it) => it.make([]),
  l: (it) => it.make(it.popMark()),
  a: (it) => {
    const value = it.pop();
    it.list().push(value);
  },
  e: (it) => {
    const values = it.popMark();
    const list = it.list();
    for (const value of values) list.push(value);
  },
  ")": (it) => it.make(tuple([])),
  t: (it) => it.make(tuple(it.popMark())),
  "\x85": (it) => it.make(tuple([it.pop()])),
  "\x86": (it) => it.make(tuple([it.pop(), it.pop()].reverse())),
  "\x87": (it) => it.make(tuple([it.pop(), it.pop(), it.pop()].reverse())),
  "}": (it) => it.make(new Map()),
  d: (it) => {
    const values = it.popMark();
    it.make(new Map());
    it.items(values);
  },
  s: (it) => {
    const value = it.pop();
    const key = it.pop();
    it.items([key, value]);
  },
  u: (it) => it.items(it.popMark()),
  "\x8f": (it) => it.make(new Set()),
  "\x90": (it) => it.addItems(it.popMark()),
  "\x91": (it) => it.make(new Set(it.popMark())),
  // Objects.
  c: (it) => {
    const module = it.line();
    it.global(module, it.line());
  },
  "\x93": (it) => {
    const name = it.pop();
    it.global(it.pop(), name);
  },
  R: (it) => it.reduce(),
  b: (it) => it.build(),
  P: (it) => it.persistent(it.line()),
  Q: (it) => it.persistent(it.pop()),
  // The memo.
  g: (it) => it.recall(Number(it.integerOf(it.line()))),
  h: (it) => it.recall(it.cursor.u8()),
  j: (it) => it.recall(it.cursor.u32()),
  p: (it) => it.remember(Number(it.integerOf(it.line()))),
  q: (it) => it.remember(it.cursor.u8()),
  r: (it) => it.remember(it.cursor.u32()),
  "\x94": (it) => it.memoize(),
};

/** By opcode. */
const operations: readonly (Operation | undefined)[] = Array.from(
  { length: 256 },
  (_, code) => pairs[String.fromCharCode(code)],
);
