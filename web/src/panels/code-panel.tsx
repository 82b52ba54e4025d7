/** The code: model.py as it would be written, what a switch changes in it, and the files to take away. */
import { useEffect, useState } from "preact/hooks";
import { Busy } from "../parts/busy.tsx";
import { Code, type CodeLine, useHighlighted } from "../parts/code.tsx";
import { RefusalNote } from "../parts/refusal-note.tsx";
import { Segments } from "../parts/segments.tsx";
import type { Choice, View, Written } from "../protocol.ts";
import { save } from "../save.ts";
import { useTask } from "../use-task.ts";
import type { PanelProps } from "../workspace.tsx";

interface CodePanelProps extends PanelProps {
  readonly onView: (part: Partial<View>) => void;
}

/** What can be written: a conversion that goes wrong is only shown. */
export function choiceOf(view: View): Choice {
  return { ...view, flatten: view.flatten === "naive" ? "permute" : view.flatten };
}

export function CodePanel({ engine, view, picture, onView }: CodePanelProps) {
  const { source } = picture;
  const choice = choiceOf(view);
  const { lines, source: shown } = useChanged(source);
  const pieces = useHighlighted(shown);
  const added = lines.filter(({ change }) => change === "added").length;
  const removed = lines.filter(({ change }) => change === "removed").length;
  const writing = useTask<Written>();
  const [copied, setCopied] = useState(false);

  const copy = async () => {
    await navigator.clipboard.writeText(source);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  const download = async () => {
    const written = await writing.run((onProgress) => engine.call("convert", [choice], onProgress));
    if (written) save(written.name, written.bytes);
  };

  return (
    <>
      <div class="switches">
        <Segments
          label="Where axes merge"
          name="code-flatten"
          value={choice.flatten}
          choices={[
            ["permute", "permute the data"],
            ["fold", "fold into weights"],
          ]}
          onChange={(flatten) => onView({ flatten })}
        />
        <Segments
          label="Series in and out"
          name="io"
          value={choice.io}
          choices={[
            ["torch", "NCL"],
            ["keras", "NLC"],
          ]}
          onChange={(io) => onView({ io })}
        />
        <Segments
          label="Weights"
          name="weights"
          value={choice.weights}
          choices={[
            ["safetensors", "safetensors"],
            ["pt", "pt"],
          ]}
          onChange={(weights) => onView({ weights })}
        />
      </div>
      <div class="code-head">
        <h2>
          <code>model.py</code>
        </h2>
        <p class="changes" role="status">
          {added + removed > 0 && (
            <>
              last switch: <span class="plus">+{added}</span> <span class="minus">−{removed}</span>
            </>
          )}
        </p>
        {/* A page that is not served securely has no clipboard. */}
        {navigator.clipboard && (
          <button type="button" id="copy" onClick={copy}>
            {copied ? "Copied" : "Copy"}
          </button>
        )}
        <button type="button" id="download" class="primary" disabled={writing.running} onClick={download}>
          Download .zip
        </button>
      </div>
      <div class="news" aria-live="polite">
        {writing.running && (
          <Busy
            label="Running both sides before anything is written"
            progress={writing.progress}
            onCancel={() => engine.cancel()}
          />
        )}
        {writing.refusal && <RefusalNote refusal={writing.refusal} title="Nothing was written" />}
        {writing.result && !writing.running && <WrittenNote written={writing.result} />}
      </div>
      <Code lines={lines} pieces={pieces} label="model.py" class="code-whole" toChange />
    </>
  );
}

function WrittenNote({ written: { name, bytes, report } }: { readonly written: Written }) {
  return (
    <p class="good" id="written">
      <b>{name}</b> ({Math.ceil(bytes.length / 1024).toLocaleString("en")} KiB): {report.layers.length} layers compared,
      all agree. With PyTorch at hand, <code>python model.py</code> compares once more.
    </p>
  );
}

/** The lines, with the marks of the last change. What tells them apart is fetched when there is a first one. */
function useChanged(source: string): { readonly source: string; readonly lines: readonly CodeLine[] } {
  const [lines, setLines] = useState(() => ({ source, lines: unchangedLines(source) }));
  useEffect(() => {
    let current = true;
    const before = lines.source;
    if (before === source) return undefined;
    import("../changed-lines.ts").then(
      ({ changedLines }) => current && setLines({ source, lines: changedLines(before, source) }),
      () => current && setLines({ source, lines: unchangedLines(source) }),
    );
    return () => {
      current = false;
    };
  }, [source, lines]);
  return lines;
}

function unchangedLines(source: string): CodeLine[] {
  return source.split("\n").map((text, index) => ({ text, number: index + 1, change: "" }));
}
