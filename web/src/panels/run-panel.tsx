/** A place to run the model: an input that is drawn by chance, by hand or out of a file, what comes out, and how long it takes. */
import { useEffect, useRef, useState } from "preact/hooks";
import { DrawSeries } from "../parts/draw-series.tsx";
import { News } from "../parts/news.tsx";
import { NumbersView } from "../parts/numbers-view.tsx";
import { RefusalNote } from "../parts/refusal-note.tsx";
import { Segments } from "../parts/segments.tsx";
import { fitInput, sampleShape } from "../fit-input.ts";
import type { BenchRow, InputSource, Prediction, Refusal } from "../protocol.ts";
import { NotNumbers, readText, type Table } from "../read-numbers.ts";
import { isArrays, readFile } from "../read-file.ts";
import { useLate } from "../use-late.ts";
import { useTask } from "../use-task.ts";
import type { PanelProps } from "../workspace.tsx";

/** A prediction, and what it was made of. */
interface Answered {
  readonly prediction: Prediction;
  readonly note: string;
}

type Way = "random" | "draw" | "file";

/** Steps that a drawn series has where the model leaves them open. */
const openLength = 64;
/** Numbers that can be drawn by hand. */
const mostDrawn = 2 ** 18;

export function RunPanel({ engine, opened }: PanelProps) {
  const ports = opened.description.inputs.filter(({ state }) => !state);
  const [portName, setPortName] = useState(ports[0]?.name ?? "");
  const port = ports.find(({ name }) => name === portName) ?? ports[0];
  const [way, setWay] = useState<Way>("random");
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const seed = useRef(0);
  const run = useTask<Answered>();

  // While one is under way only the last that was asked for is kept: a pointer asks faster than a large model answers.
  const busy = useRef(false);
  const next = useRef<readonly [InputSource, string] | null>(null);
  const predict = async (source: InputSource, note: string): Promise<void> => {
    if (busy.current) {
      next.current = [source, note];
      return;
    }
    busy.current = true;
    await run.run(async (watch) => ({ prediction: await engine.call("predict", [source], watch), note }));
    busy.current = false;
    const waiting = next.current;
    next.current = null;
    if (waiting) await predict(...waiting);
  };
  const draw = () => {
    predict({ kind: "random", seed: seed.current }, `random numbers, seed ${seed.current}`);
    seed.current++;
  };
  const cancel = () => {
    next.current = null;
    run.cancel();
  };
  const given = useRef(0);
  /** Runs what is found, unless something else was given since. */
  const take = async (find: () => readonly [InputSource, string] | Promise<readonly [InputSource, string]>) => {
    const own = ++given.current;
    setRefusal(null);
    try {
      const found = await find();
      if (own === given.current) await predict(...found);
    } catch (error) {
      if (!(error instanceof NotNumbers)) throw error;
      if (own === given.current)
        setRefusal({ code: "invalid-input", message: error.message, where: [], fix: error.fix });
    }
  };
  const fitted = (table: Table): readonly [InputSource, string] => {
    const { numbers, note } = fitInput(port!, table);
    return [{ kind: "numbers", port: port!.name, numbers }, note];
  };
  const takeFile = (file: File) =>
    take(async () =>
      (await isArrays(file)) ? [{ kind: "file", file, layout: "keras" }, file.name] : fitted(await readFile(file)),
    );
  const late = useLate(run.running);
  useEffect(() => {
    draw();
  }, []);

  if (!port) return <p class="hint">The model has no input.</p>;
  const shape = sampleShape(port, openLength);
  const drawable = port.layout === "NLC" && port.type === "float32" && shape[0]! * shape[1]! <= mostDrawn;
  const drawn = (data: Float32Array) => {
    const numbers = { data, layout: port.layout, shape: [1, ...shape] };
    predict({ kind: "numbers", port: port.name, numbers }, "numbers drawn by hand");
  };
  return (
    <>
      <div class="switches">
        <Segments
          label="Input"
          name="way"
          value={way}
          choices={[
            ["random", "random"],
            ...(drawable ? ([["draw", "draw one"]] as const) : []),
            ["file", "paste or drop"],
          ]}
          onChange={setWay}
        />
        {ports.length > 1 && (
          <label class="pick">
            which{" "}
            <select value={port.name} onChange={({ currentTarget }) => setPortName(currentTarget.value)}>
              {ports.map(({ name }) => (
                <option>{name}</option>
              ))}
            </select>
          </label>
        )}
      </div>
      {way === "random" && (
        <p>
          <button type="button" onClick={draw}>
            Draw other numbers
          </button>
        </p>
      )}
      {way === "draw" && drawable && (
        <DrawSeries key={port.name} length={shape[0]!} channels={shape[1]!} onChange={drawn} />
      )}
      {way === "file" && <PasteOrDrop onText={(text) => take(() => fitted(readText(text)))} onFile={takeFile} />}
      {ports.length > 1 && way !== "random" && (
        <p class="hint">The other inputs are random numbers; a .npz has all of them.</p>
      )}
      {refusal && <RefusalNote refusal={refusal} title="This input does not do" />}
      <News task={{ ...run, running: late, cancel }} label="Running the model" refused="This was not run">
        {run.result && <Measured {...run.result} />}
      </News>
      {run.result && <Result {...run.result} />}
      <Bench engine={engine} />
    </>
  );
}

interface PasteProps {
  readonly onText: (text: string) => void;
  readonly onFile: (file: File) => void;
}

function PasteOrDrop({ onText, onFile }: PasteProps) {
  const [text, setText] = useState("");
  const file = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  // What is prevented here is not the page's any more, which would open it as a model.
  const drag = (event: DragEvent) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    setOver(true);
  };
  const drop = (event: DragEvent) => {
    setOver(false);
    const [first] = event.dataTransfer?.files ?? [];
    if (!first) return;
    event.preventDefault();
    onFile(first);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: for the keyboard there is the button that chooses a file
    <div
      class={over ? "paste over" : "paste"}
      onDragOver={drag}
      onDragLeave={({ currentTarget, relatedTarget }) => {
        if (!currentTarget.contains(relatedTarget as Node | null)) setOver(false);
      }}
      onDrop={drop}
    >
      <p class="hint">Drop an input here: .npz, .npy, .csv or .wav. A model goes anywhere else.</p>
      <label>
        Numbers: a row for each step, a column for each channel
        <textarea
          rows={5}
          spellcheck={false}
          value={text}
          placeholder={"0.1, 0.2, 0.3\n0.4, 0.5, 0.6"}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>
      <p class="paste-buttons">
        <button type="button" id="run-text" disabled={text.trim() === ""} onClick={() => onText(text)}>
          Run these numbers
        </button>
        <button type="button" onClick={() => file.current?.click()}>
          Choose .npz, .npy, .csv or .wav
        </button>
        <input
          ref={file}
          id="input-file"
          class="away"
          type="file"
          tabIndex={-1}
          aria-label="Input file"
          accept=".npz,.npy,.csv,.txt,.tsv,.wav"
          onChange={({ currentTarget }) => {
            const [first] = currentTarget.files ?? [];
            if (first) onFile(first);
            currentTarget.value = "";
          }}
        />
      </p>
    </div>
  );
}

function Measured({ prediction: { milliseconds }, note }: Answered) {
  return (
    <p class="measured">
      <b>{milliseconds < 10 ? milliseconds.toPrecision(2) : milliseconds.toFixed(0)} ms</b> per prediction, on {note}
    </p>
  );
}

function Result({ prediction: { inputs, outputs } }: Answered) {
  return (
    <>
      {Object.entries(inputs).map(([name, numbers]) => (
        <NumbersView key={`in ${name}`} title={`in: ${name}`} numbers={numbers} open={false} />
      ))}
      {Object.entries(outputs).map(([name, numbers]) => (
        <NumbersView key={`out ${name}`} title={`out: ${name}`} numbers={numbers} open />
      ))}
    </>
  );
}

function Bench({ engine }: Pick<PanelProps, "engine">) {
  const bench = useTask<readonly BenchRow[]>();
  const number = (value: number) => (value < 10 ? value.toPrecision(2) : Math.round(value).toLocaleString("en"));
  return (
    <section class="bench">
      <h2 class="small">On this machine</h2>
      <p>
        <button
          type="button"
          id="measure"
          aria-disabled={bench.running}
          onClick={() => bench.running || bench.run((watch) => engine.call("bench", [], watch))}
        >
          Measure
        </button>
      </p>
      <News task={bench} label="Running for two seconds" refused="This was not measured" />
      {bench.result && (
        <table class="numbers">
          <thead>
            <tr>
              <th scope="col">batch</th>
              <th scope="col">ms, median</th>
              <th scope="col">ms, slowest</th>
              <th scope="col">samples per second</th>
            </tr>
          </thead>
          <tbody>
            {bench.result.map(({ batch, median, slowest, perSecond }) => (
              <tr>
                <th scope="row">{batch}</th>
                <td>{number(median)}</td>
                <td>{number(slowest)}</td>
                <td>{number(perSecond)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
