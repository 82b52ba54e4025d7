/**
 * Every module and function of the checker's tables takes its parameters in PyTorch 2.13's order, with its defaults.
 * What PyTorch takes beyond that is refused as an unknown keyword.
 */
import { describe, expect, it } from "vitest";
import { knownFunctions } from "../../src/backends/torch/interpreter/functions.ts";
import { knownLayers } from "../../src/backends/torch/interpreter/modules.ts";
import { readJson } from "./fixtures.ts";

/** Names that PyTorch's signatures carry and no program writes, or that select gradients or devices alone. */
const INTERNAL = new Set(["_stacklevel", "_weight", "_freeze", "device", "dtype"]);

/** Written for one reason or another with another default or name than PyTorch's signature shows. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  "nn.Hardtanh": "min_value and max_value are PyTorch's deprecated names",
  "torch.nn.functional.sigmoid": "one row with torch.sigmoid",
};

function normal(signature: string): string[] {
  const parts = signature.split(/, (?=[*\w]+(?:=|,|$))/).filter((part) => part !== "" && part !== "*");
  return parts
    .map((part) => part.replace(/^\*/, ""))
    .filter((part) => !INTERNAL.has(part.split("=")[0]!))
    .map((part) =>
      part.replace(/=(-?[\d.]+(?:e-?\d+)?)$/, (_, number: string) => `=${Number(number)}`).replaceAll('"', "'"),
    );
}

const recorded = readJson<Record<string, string>>("signatures");
const known = new Map<string, string>();
for (const [name, row] of knownLayers()) known.set(`nn.${name}`, row.takes);
for (const [name, row] of knownFunctions()) if (name.startsWith("torch.nn.functional.")) known.set(name, row[2]);

describe("signatures", () => {
  for (const [name, takes] of known) {
    const torch = recorded[name];
    if (torch === undefined || EXCEPTIONS[name]) continue;
    it(name, () => expect(normal(takes)).toEqual(normal(torch)));
  }

  it("covers most rows", () => {
    expect([...known.keys()].filter((name) => recorded[name] !== undefined).length).toBeGreaterThan(70);
  });
});
