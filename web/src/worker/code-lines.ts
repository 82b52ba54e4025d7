/** Which lines of a program belong to which of its steps: those of forward, and those of __init__ that make what they call. */
import type { ConversionPlan, PlannedStep } from "channelwise";

export function codeLines({ source }: ConversionPlan): (steps: readonly PlannedStep[]) => number[] {
  const text = source.split("\n");
  const made = new Map<string, number>();
  text.forEach((line, index) => {
    const [, name] = /^ {8}self\.(\w+) = /.exec(line) ?? [];
    // The network is the last class of the file: helpers stand before it.
    if (name !== undefined) made.set(name, index + 1);
  });
  return (steps) => {
    const forward = [...new Set(steps.flatMap(({ lines }) => lines))];
    const modules = forward.flatMap((line) =>
      [...(text[line - 1] ?? "").matchAll(/self\.(\w+)/g)].flatMap(([, name]) => made.get(name!) ?? []),
    );
    return [...new Set([...modules, ...forward])].sort((a, b) => a - b);
  };
}
