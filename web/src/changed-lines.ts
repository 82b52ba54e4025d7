/** A text's lines, with those that were there before and those that are new told apart. */
import { diffLines } from "diff";
import type { CodeLine } from "./parts/code.tsx";

export function changedLines(before: string, now: string): CodeLine[] {
  let number = 0;
  const changes = diffLines(before, now);
  return changes.flatMap(({ value, added, removed }) => {
    const lines = value.replace(/\n$/, "").split("\n");
    return lines.map((text): CodeLine => {
      if (removed) return { text, number: null, change: "removed" };
      number++;
      return { text, number, change: added ? "added" : "" };
    });
  });
}
