/**
 * options: those of a call by their names and values, so that one that is misspelt is not taken for one that was left out
 */
import { unknownOption, wrongOption } from "./error.ts";

/** The names of the options `T`, all of them: the compiler misses one that is left out. */
export type OptionNames<T> = Readonly<Record<keyof T, true>>;

/** Refuses options with other names, and says which is the nearest. */
export function requireKnown(options: object, names: object): void {
  const known = Object.keys(names);
  const wrong = Object.keys(options).find((name) => !known.includes(name));
  if (wrong !== undefined) throw unknownOption(wrong, known, nearest(wrong, known));
}

/** Refuses a value that an option does not have, and says which is the nearest. */
export function requireChoice(option: string, choices: readonly string[], value: string): void {
  if (!choices.includes(value)) throw wrongOption(option, choices, value, nearest(String(value), choices));
}

/** The word that is meant, if half of its letters or more are right. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const [found = ""] = known.toSorted((a, b) => changes(word, a) - changes(word, b));
  return changes(word, found) * 2 <= found.length ? found : undefined;
}

/** How many letters have to be put in, left out or replaced to make one word of the other (Levenshtein). */
function changes(word: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [at, letter] of [...word].entries()) {
    const next = [at + 1];
    for (let to = 0; to < other.length; to++)
      next.push(Math.min(next[to]! + 1, row[to + 1]! + 1, row[to]! + (letter === other[to] ? 0 : 1)));
    row = next;
  }
  return row.at(-1)!;
}
