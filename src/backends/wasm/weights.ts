/**
 * weights: packs a layer's weights into WebAssembly memory, once per layer and form
 */
import { isView, rearrangement } from "../../axes.ts";
import { type Floats, floatsOf, rearranged } from "../../bytes/numbers.ts";
import type { Layer } from "../../graph/graph.ts";
import type { WeightPacker } from "../../ops/facets.ts";
import { inKerasOrder, type StoredOrder } from "../../ops/pack.ts";
import { pieceBytes } from "../../platform/bytes.ts";
import { lendMemory } from "../../platform/scratch.ts";
import type { LayoutPlan } from "../../plan/layout.ts";
import type { KernelMemory } from "./memory.ts";

export class PackedWeights {
  readonly #memory: KernelMemory;
  readonly #plan: LayoutPlan;
  readonly #packed = new Map<Layer, Map<string, number>>();
  readonly #finite = new Map<Layer, Map<string, boolean>>();

  constructor(memory: KernelMemory, plan: LayoutPlan) {
    this.#memory = memory;
    this.#plan = plan;
  }

  /** The address of a layer's weights in this form; `prepare` packs them if they are not there yet. */
  address(layer: Layer, roles: readonly string[], form: string, prepare: (pack: WeightPacker) => void): number {
    const forms = this.#packed.get(layer) ?? new Map<string, number>();
    this.#packed.set(layer, forms);
    const known = forms.get(form);
    if (known !== undefined) return known;
    const address = this.#prepare(layer, roles, prepare);
    forms.set(form, address);
    return address;
  }

  /** Whether all numbers of a weight are finite; they are read once. */
  finite(layer: Layer, role: string): boolean {
    const known = this.#finite.get(layer) ?? new Map<string, boolean>();
    this.#finite.set(layer, known);
    if (!known.has(role))
      known.set(
        role,
        lendMemory(() => allFinite(this.#stored(layer, role))),
      );
    return known.get(role)!;
  }

  #prepare(layer: Layer, roles: readonly string[], prepare: (pack: WeightPacker) => void): number {
    const memory = this.#memory;
    let result: number | undefined;
    const stored = (role: string) => (roles.includes(role) ? this.#stored(layer, role) : null);
    const pack: WeightPacker = {
      memory,
      read: (role) => {
        const values = stored(role);
        return values && inKerasOrder(values);
      },
      stored,
      allocate(elements) {
        if (result !== undefined) throw new Error("a preparation allocates once");
        result = memory.allocateWeights(elements * 4);
        return memory.floats().subarray(result / 4, result / 4 + elements);
      },
    };
    lendMemory(() => prepare(pack));
    if (result === undefined) throw new Error(`nothing was packed for ${layer.path}`);
    return result;
  }

  #stored(layer: Layer, role: string): Floats | StoredOrder {
    const { array } = layer.weights[role]!;
    const { from, to } = this.#plan.weights.get(layer)![role]!;
    if (!isView(from, to)) return rearranged(array, from, to);
    const { reorders } = array;
    if (!reorders) return floatsOf(array);
    if (isView(reorders.from, reorders.to)) return floatsOf(reorders.stored);
    return { data: floatsOf(reorders.stored), copies: rearrangement(reorders.from, reorders.to) };
  }
}

function allFinite(values: Floats | StoredOrder): boolean {
  const data = "copies" in values ? values.data : values;
  const atOnce = pieceBytes / 4;
  for (let start = 0; start < data.length; start += atOnce) {
    const end = Math.min(start + atOnce, data.length);
    if (!lendMemory(() => data.subarray(start, end).every(Number.isFinite))) return false;
  }
  return true;
}
