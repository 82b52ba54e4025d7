/** The worker: carries out what the page asks for, one thing after another. */
import type { Answer, Call, Method, Methods, Progress } from "../protocol.ts";
import { refusalOf } from "./refusal.ts";
import { Session } from "./session.ts";

const session = new Session();
const say = (answer: Answer, transfer: Transferable[] = []) => self.postMessage(answer, { transfer });

let last: Promise<void> = Promise.resolve();

self.addEventListener("message", ({ data }: MessageEvent<Call>) => {
  last = last.then(() => answer(data));
});

async function answer({ id, method, args }: Call): Promise<void> {
  try {
    const report = throttled((progress) => say({ id, progress }));
    const result = await perform(method, args, report);
    say({ id, result }, method === "convert" ? [(result as ReturnType<Methods["convert"]>).bytes.buffer] : []);
  } catch (error) {
    say({ id, refusal: refusalOf(error) });
  }
}

function perform(method: Method, args: Call["args"], report: (progress: Progress) => void): unknown {
  const action = session[method] as (...all: unknown[]) => unknown;
  return action.call(session, ...args, report);
}

/** Messages of progress no more often than a screen shows them; the last is always sent. */
function throttled(send: (progress: Progress) => void): (progress: Progress) => void {
  let next = 0;
  return (progress) => {
    const now = performance.now();
    if (now < next && progress.done < progress.total) return;
    next = now + 40;
    send(progress);
  };
}
