/** One computation of the worker at a time, as a panel shows it: idle, under way, done, or refused. */
import { useCallback, useRef, useState } from "preact/hooks";
import { Cancelled, Refused } from "./engine.ts";
import type { Progress, Refusal } from "./protocol.ts";

export interface Task<T> {
  readonly progress: Progress | null;
  readonly running: boolean;
  readonly result: T | null;
  readonly refusal: Refusal | null;
  run(work: (onProgress: (progress: Progress) => void) => Promise<T>): Promise<T | null>;
}

interface State<T> {
  readonly progress: Progress | null;
  readonly running: boolean;
  readonly result: T | null;
  readonly refusal: Refusal | null;
}

const idle = { progress: null, running: false, result: null, refusal: null };

export function useTask<T>(): Task<T> {
  const [state, setState] = useState<State<T>>(idle);
  const latest = useRef(0);
  const run = useCallback(async (work: (onProgress: (progress: Progress) => void) => Promise<T>) => {
    const own = ++latest.current;
    // What was asked before and comes later is no longer wanted.
    const set = (change: (before: State<T>) => State<T>) => own === latest.current && setState(change);
    set((before) => ({ ...before, progress: null, running: true, refusal: null }));
    try {
      const result = await work((progress) => set((before) => ({ ...before, progress })));
      set(() => ({ ...idle, result }));
      return result;
    } catch (error) {
      if (error instanceof Refused) set(() => ({ ...idle, refusal: error.refusal }));
      else if (error instanceof Cancelled) set((before) => ({ ...before, running: false, progress: null }));
      else throw error;
      return null;
    }
  }, []);
  return { ...state, run };
}
