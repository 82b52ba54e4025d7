/**
 * patch: one binary told by another one that it mostly agrees with
 *
 *   steps     [from, length, own] ...       `length` bytes of the base from `from` on, then `own` bytes of the literal
 *   literal   what the base does not have
 *
 * Greedy, with a table of the base's runs of eight bytes: the longest run that goes on at a place, where it is worth a step.
 * Undone by `patched` in src/platform/inlined.ts.
 */
const key = 8;
const worth = 24;

/** @param {Uint8Array} base @param {Uint8Array} wanted @returns {{ steps: number[], literal: Uint8Array }} */
export function patchFrom(base, wanted) {
  const keyAt = (/** @type {Uint8Array} */ bytes, /** @type {number} */ at) => bytes.subarray(at, at + key).join();
  /** @type {Map<string, number[]>} */
  const places = new Map();
  for (let at = 0; at + key <= base.length; at++) {
    const own = keyAt(base, at);
    const known = places.get(own);
    if (known) known.push(at);
    else places.set(own, [at]);
  }
  const steps = [0, 0, 0];
  const literal = [];
  for (let at = 0; at < wanted.length; ) {
    let [from, longest] = [0, 0];
    for (const place of places.get(keyAt(wanted, at)) ?? []) {
      let length = 0;
      while (place + length < base.length && base[place + length] === wanted[at + length]) length++;
      if (length > longest) [from, longest] = [place, length];
    }
    if (longest >= worth) {
      steps.push(from, longest, 0);
      at += longest;
    } else {
      literal.push(wanted[at++]);
      steps[steps.length - 1]++;
    }
  }
  return { steps, literal: Uint8Array.from(literal) };
}
