/** The page: waits for a model, opens it, shows it. A failure is told where it happened, and everything goes on. */
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useDrop } from "./drop.ts";
import { Cancelled, Engine, Refused } from "./engine.ts";
import type { Opened, Progress, Refusal } from "./protocol.ts";
import { RefusalNote } from "./parts/refusal-note.tsx";
import { Busy } from "./parts/busy.tsx";
import { Start } from "./start.tsx";
import { Workspace } from "./workspace.tsx";

type Phase =
  | { readonly at: "start" }
  | { readonly at: "opening"; readonly name: string; readonly progress: Progress | null }
  | { readonly at: "open"; readonly opened: Opened; readonly serial: number };

let serial = 0;

export function App() {
  const engine = useMemo(() => new Engine(), []);
  const [phase, setPhase] = useState<Phase>({ at: "start" });
  const [refusal, setRefusal] = useState<Refusal | null>(null);

  const latest = useRef(0);
  const open = useCallback(
    async (files: readonly File[]) => {
      if (files.length === 0) return;
      const own = ++latest.current;
      const name = files.length === 1 ? files[0]!.name : `${files.length} files`;
      setRefusal(null);
      setPhase({ at: "opening", name, progress: null });
      try {
        const opened = await engine.open(files, (progress) => setPhase({ at: "opening", name, progress }));
        setPhase({ at: "open", opened, serial: serial++ });
      } catch (error) {
        if (own !== latest.current) return;
        if (error instanceof Refused) setRefusal(error.refusal);
        else if (!(error instanceof Cancelled)) throw error;
        setPhase({ at: "start" });
      }
    },
    [engine],
  );

  useEffect(() => {
    // The worker is most of what there is to fetch: it comes when the page is painted.
    const soon = window.requestIdleCallback ?? ((action: () => void) => setTimeout(action, 50));
    soon(() => engine.warm());
    performance.mark("of use");
  }, [engine]);
  useEffect(() => {
    document.title =
      phase.at === "open" ? `${phase.opened.description.name}: channelwise` : "channelwise: Keras models in PyTorch";
  }, [phase]);

  const over = useDrop(open);
  return (
    <div class={over ? "page over" : "page"}>
      <header class="bar">
        <a class="wordmark" href="./">
          <img src="./icon.svg" width="24" height="24" alt="" /> channelwise
        </a>
        {phase.at === "open" && (
          <button type="button" class="quiet" onClick={() => setPhase({ at: "start" })}>
            Open another model
          </button>
        )}
      </header>
      {phase.at === "open" ? (
        <Workspace key={phase.serial} engine={engine} opened={phase.opened} />
      ) : (
        <Start onFiles={open} disabled={phase.at === "opening"}>
          {refusal && <RefusalNote refusal={refusal} title="This was not opened" />}
          {phase.at === "opening" && (
            <Busy label={`Opening ${phase.name}`} progress={phase.progress} onCancel={() => engine.cancel()} />
          )}
        </Start>
      )}
    </div>
  );
}
