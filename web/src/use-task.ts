/** One computation of the worker at a time, as a panel shows it: idle, under way, done, or refused. */
import { useCallback, useState } from "preact/hooks";
import { Cancelled, Refused } from "./engine.ts";
import type { Progress, Refusal } from "./protocol.ts";

export interface Task<T> {
  readonly progress: Progress | null;
  readonly running: boolean;
  readonly result: T | null;
  readonly refusal: Refusal | null;
  run(work: (onProgress: (progress: Progress) => void) => Promise<T>): Promise<T | null>;
  reset(): void;
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
  const run = useCallback(async (work: (onProgress: (progress: Progress) => void) => Promise<T>) => {
    setState((before) => ({ ...before, progress: null, running: true, refusal: null }));
    try {
      const result = await work((progress) => setState((before) => ({ ...before, progress })));
      setState({ ...idle, result });
      return result;
    } catch (error) {
      if (error instanceof Refused) setState({ ...idle, refusal: error.refusal });
      else if (error instanceof Cancelled) setState((before) => ({ ...before, running: false, progress: null }));
      else throw error;
      return null;
    }
  }, []);
  const reset = useCallback(() => setState(idle), []);
  return { ...state, run, reset };
}
