/** The code: model.py as it would be written, what a switch changes in it, and the files to take away. */
import { useEffect, useState } from "preact/hooks";
import { Code, type CodeLine, useHighlighted } from "../parts/code.tsx";
import { News } from "../parts/news.tsx";
import { Segments } from "../parts/segments.tsx";
import { type Choice, choiceOf, type View, type Written } from "../protocol.ts";
import { save } from "../save.ts";
import { useTask } from "../use-task.ts";
import type { PanelProps } from "../workspace.tsx";

interface CodePanelProps extends PanelProps {
  readonly onView: (part: Partial<View>) => void;
}

/** Files, and the choice that they were written by. */
interface Saved {
  readonly written: Written;
  readonly choice: Choice;
}

export function CodePanel({ engine, view, picture, onView }: CodePanelProps) {
  const { source } = picture;
  // What is saved is what is shown, where another choice is not drawn yet, too.
  const choice = choiceOf(picture.view);
  const { lines, source: shown } = useChanged(source);
  const pieces = useHighlighted(shown);
  const added = lines.filter(({ change }) => change === "added").length;
  const removed = lines.filter(({ change }) => change === "removed").length;
  const writing = useTask<Saved>();
  const [copied, setCopied] = useState<"" | "done" | "refused">("");

  const copy = async () => {
    try {
      await navigator.clipboard.writeText(source);
      setCopied("done");
      setTimeout(() => setCopied(""), 2000);
    } catch {
      setCopied("refused");
    }
  };
  const download = async () => {
    if (writing.running) return;
    const saved = await writing.run(async (watch) => ({
      written: await engine.call("convert", [choice], watch),
      choice,
    }));
    if (saved) save(saved.written.name, saved.written.bytes);
  };
  const saved = writing.result;
  const current =
    saved &&
    saved.choice.flatten === choice.flatten &&
    saved.choice.io === choice.io &&
    saved.choice.weights === choice.weights;

  return (
    <>
      <div class="switches">
        <Segments
          label="Where axes merge"
          name="code-flatten"
          value={view.flatten}
          choices={[
            ["permute", "permute the data"],
            ["fold", "fold into weights"],
          ]}
          onChange={(flatten) => onView({ flatten })}
        />
        <Segments
          label="Series in and out"
          name="io"
          value={view.io}
          choices={[
            ["torch", "NCL"],
            ["keras", "NLC"],
          ]}
          onChange={(io) => onView({ io })}
        />
        <Segments
          label="Weights"
          name="weights"
          value={view.weights}
          choices={[
            ["safetensors", "safetensors"],
            ["pt", "pt"],
          ]}
          onChange={(weights) => onView({ weights })}
        />
      </div>
      {view.flatten === "naive" && (
        <p class="hint" id="only-shown">
          Transposed weights alone go wrong, so there is no code for them: this is the code that permutes the data.
        </p>
      )}
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
            {copied === "done" ? "Copied" : "Copy"}
          </button>
        )}
        <button type="button" id="download" class="primary" aria-disabled={writing.running} onClick={download}>
          Download .zip
        </button>
      </div>
      {copied === "refused" && (
        <p class="bad" id="not-copied" role="alert">
          The browser does not let the page copy: select the code, and copy it by hand.
        </p>
      )}
      <News task={writing} label="Running both sides before anything is written" refused="Nothing was written">
        {current && <WrittenNote written={saved.written} />}
      </News>
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
