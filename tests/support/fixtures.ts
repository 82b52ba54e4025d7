/**
 * The cases of tests/fixtures/keras: models saved by Keras, inputs, and what Keras computes. See tests/fixtures/README.md.
 */
import { readdirSync, readFileSync } from "node:fs";
import { readNpz } from "../../src/bytes/npz.ts";
import { readGraph } from "../../src/api/load.ts";
import type { Graph } from "../../src/graph/graph.ts";
import type { StoredArray } from "../../src/tensor.ts";

const folder = new URL("../fixtures/keras/", import.meta.url);

export interface Case {
  readonly name: string;
  readonly file: Uint8Array;
  readonly graph: () => Graph;
  readonly inputs: StoredArray[];
  readonly outputs: StoredArray[];
  /** |got - want| <= atol + rtol * |want| */
  readonly tolerance: { readonly atol: number; readonly rtol: number };
}

function numbered(bytes: Uint8Array, stem: string): StoredArray[] {
  const arrays = readNpz(bytes);
  return Array.from({ length: arrays.size }, (_, index) => arrays.get(`${stem}_${index}`)!);
}

/** A file of a case, or null where the case has no such file. */
export function caseFile(name: string, file: string): Uint8Array | null {
  try {
    return new Uint8Array(readFileSync(new URL(`${name}/${file}`, folder)));
  } catch {
    return null;
  }
}

export function openGraph(file: Uint8Array, place = "model.keras"): Graph {
  return readGraph({ bytes: file, name: place }).graph;
}

export function loadCase(name: string): Case {
  const file = caseFile(name, "model.keras")!;
  const about = JSON.parse(new TextDecoder().decode(caseFile(name, "case.json")!));
  return {
    name,
    file,
    graph: () => openGraph(file, `${name}/model.keras`),
    inputs: numbered(caseFile(name, "inputs.npz")!, "input"),
    outputs: numbered(caseFile(name, "outputs.npz")!, "output"),
    tolerance: about.category === "precision" ? about.tolerance : { atol: 1e-5, rtol: 1e-4 },
  };
}

/** The names of all cases. */
export const caseNames: string[] = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .sort();
