/** One computation of the worker at a time, as a panel shows it: idle, under way, done, or refused. */
import { useCallback, useRef, useState } from "preact/hooks";
import { Cancelled, Refused, type Watch } from "./engine.ts";
import type { Progress, Refusal } from "./protocol.ts";

interface State<T> {
  readonly progress: Progress | null;
  readonly running: boolean;
  readonly result: T | null;
  readonly refusal: Refusal | null;
}

export interface Task<T> extends State<T> {
  /** Starts it; gives null where it was refused or given up. */
  run(work: (watch: Watch) => Promise<T>): Promise<T | null>;
  /** Ends it; the result before stays. */
  cancel(): void;
  /** Ends it and forgets what it said. */
  clear(): void;
}

const idle = { progress: null, running: false, result: null, refusal: null };

export function useTask<T>(): Task<T> {
  const [state, setState] = useState<State<T>>(idle);
  const latest = useRef<AbortController | null>(null);
  const run = useCallback(async (work: (watch: Watch) => Promise<T>) => {
    const own = new AbortController();
    latest.current = own;
    // What was asked before and comes later is no longer wanted.
    const set = (change: (before: State<T>) => State<T>) => own === latest.current && setState(change);
    set((before) => ({ ...before, progress: null, running: true, refusal: null }));
    try {
      const onProgress = (progress: Progress) => set((before) => ({ ...before, progress }));
      const result = await work({ onProgress, signal: own.signal });
      set(() => ({ ...idle, result }));
      return result;
    } catch (error) {
      if (error instanceof Refused) set(() => ({ ...idle, refusal: error.refusal }));
      else if (error instanceof Cancelled) set((before) => ({ ...before, running: false, progress: null }));
      else throw error;
      return null;
    }
  }, []);
  const cancel = useCallback(() => {
    latest.current?.abort();
    latest.current = null;
    setState((before) => ({ ...before, running: false, progress: null }));
  }, []);
  const clear = useCallback(() => {
    cancel();
    setState(idle);
  }, [cancel]);
  return { ...state, run, cancel, clear };
}
