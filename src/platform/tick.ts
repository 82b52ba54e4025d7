/**
 * tick: a pause in which everything that has already arrived gets its turn
 *
 * Node, Deno and Bun have setImmediate, which waits for nothing else; setTimeout, which all runtimes have, takes a millisecond or so.
 */

const native = globalThis as { readonly setImmediate?: (action: () => void) => unknown };

/** Resolves in a later turn of the event loop: in the next one, or in `milliseconds`. */
export function tick(milliseconds = 0): Promise<void> {
  return new Promise((resolve) => {
    if (milliseconds === 0 && native.setImmediate) native.setImmediate(resolve);
    else setTimeout(resolve, milliseconds);
  });
}
