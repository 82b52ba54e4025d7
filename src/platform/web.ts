/**
 * web: pages, and every kind of worker of theirs; also whatever runtime is none of the others
 */
import { inlinedKernels } from "./inlined.ts";
import type { Crc32, Files, PackagedKernels } from "./runtime.ts";
import { sharingThreads, type ThreadHost, type ThreadStarter } from "./threads.ts";
import type { Reply } from "./worker.ts";

export const files: Files | null = null;
export const packagedKernels: () => PackagedKernels = inlinedKernels;
export const runtimeCrc32 = (): Crc32 | null => null;

/** Web Workers. A page's policy may refuse them (CSP without `worker-src blob:`): then they break before they answer. */
export const startWebWorker: ThreadStarter = async (text) => {
  return ({ reply, broken }) => {
    const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    const worker = new Worker(url);
    worker.onmessage = ({ data }: MessageEvent<Reply>) => {
      // The text has been read by the time of the first answer.
      URL.revokeObjectURL(url);
      reply(data);
    };
    worker.onerror = broken;
    return { send: (order) => worker.postMessage(order), hold: () => {}, stop: () => worker.terminate() };
  };
};

export const threadHost = (): Promise<ThreadHost | null> => sharingThreads(startWebWorker);
