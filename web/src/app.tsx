/** The page: waits for a model, opens it, shows it. A failure is told where it happened, and everything goes on. */
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useDrop } from "./drop.ts";
import { Engine, Refused } from "./engine.ts";
import { News } from "./parts/news.tsx";
import type { Opened } from "./protocol.ts";
import { Start } from "./start.tsx";
import { useTask } from "./use-task.ts";

/** What shows a model is not needed before there is one. */
const fetchWorkspace = () =>
  import("./workspace.tsx").catch((): never => {
    const message = "a part of the page could not be fetched";
    throw new Refused({ code: "failure", message, where: [], fix: "reload the page" });
  });

interface Shown {
  readonly opened: Opened;
  readonly Workspace: Awaited<ReturnType<typeof fetchWorkspace>>["Workspace"];
  /** Tells one opening of a model from the next. */
  readonly serial: number;
}

export function App() {
  const engine = useMemo(() => new Engine(), []);
  const [shown, setShown] = useState<Shown | null>(null);
  const [name, setName] = useState("");
  const opening = useTask<Omit<Shown, "serial">>();
  const serial = useRef(0);
  const { run, cancel } = opening;

  const open = useCallback(
    async (given: readonly File[] | Promise<readonly File[]>) => {
      cancel();
      setName("");
      const found = await run(async (watch) => {
        const files = await given;
        if (!watch.signal?.aborted) setName(files.length === 1 ? files[0]!.name : `${files.length} files`);
        const { Workspace } = await fetchWorkspace();
        return { Workspace, opened: await engine.open(files, watch) };
      });
      if (found) setShown({ ...found, serial: ++serial.current });
    },
    [engine, run, cancel],
  );
  const leave = () => {
    engine.close();
    engine.warm();
    opening.clear();
    setShown(null);
  };

  useEffect(() => {
    // The worker is most of what there is to fetch: it comes when the page is painted, and what shows a model with it.
    const soon = window.requestIdleCallback ?? ((action: () => void) => setTimeout(action, 50));
    soon(() => {
      engine.warm();
      fetchWorkspace().catch(() => {});
    });
    performance.mark("of use");
  }, [engine]);
  useEffect(() => {
    document.title = shown ? `${shown.opened.description.name}: channelwise` : "channelwise: Keras models in PyTorch";
  }, [shown]);

  const over = useDrop(open);
  const news = <News task={opening} label={`Opening ${name}`.trimEnd()} refused="This was not opened" focusRefusal />;
  return (
    <div class={over ? "page over" : "page"}>
      <header class="bar">
        <a class="wordmark" href="./">
          <img src="./icon.svg" width="24" height="24" alt="" /> channelwise
        </a>
        {shown && (
          <button type="button" class="quiet" onClick={leave}>
            Open another model
          </button>
        )}
      </header>
      {shown ? (
        <>
          <div class="bar-news">{news}</div>
          <shown.Workspace key={shown.serial} engine={engine} opened={shown.opened} />
        </>
      ) : (
        <Start onFiles={open} disabled={opening.running} returned={serial.current > 0}>
          {news}
        </Start>
      )}
    </div>
  );
}
