/** The proof: both sides on the same inputs, layer by layer; and what the naive way would have answered. */
import type { Explained, Report } from "channelwise";
import { useMemo, useState } from "preact/hooks";
import type uPlot from "uplot";
import { Layout } from "../axes.tsx";
import { News } from "../parts/news.tsx";
import { Plot, type PlotStyle } from "../parts/plot.tsx";
import { ScrollRegion } from "../parts/scroll-region.tsx";
import { type Choice, choiceOf, type Curves } from "../protocol.ts";
import type { Task } from "../use-task.ts";
import type { PanelProps } from "../workspace.tsx";

export interface Proof {
  /** What was proven. */
  readonly choice: Choice;
  readonly report: Report;
  readonly curves: Curves;
}

/** Half a unit in the last place of a float32: what one rounding may lose. */
const oneRounding = 2 ** -24;
/** What a proof lets pass, as a share of an output's largest number. */
const tolerance = 1e-5;
/** Equal numbers have no place on a logarithmic scale: they stand at its lower end. */
const lowest = 1e-9;

interface ProofPanelProps extends PanelProps {
  /** The proof of the open model, which outlasts the panel. */
  readonly proof: Task<Proof>;
}

export function ProofPanel({ engine, view, proof }: ProofPanelProps) {
  const choice = choiceOf(view);
  const prove = () =>
    proof.running ||
    proof.run(async (watch) => {
      const report = await engine.call("verify", [choice], watch);
      return { choice, report, curves: await engine.call("curves", [], watch) };
    });
  const { result } = proof;
  // The kind of the file changes nothing in the numbers.
  const current = result && result.choice.flatten === choice.flatten && result.choice.io === choice.io;
  return (
    <>
      <p class="lead-small">
        The model runs twice on the same random inputs: as Keras means it, in float32 in the WebAssembly engine, and as
        the PyTorch program that is written, in float64 in an interpreter of PyTorch's semantics. Every layer is
        compared.
      </p>
      <p>
        <button type="button" id="prove" class="primary" aria-disabled={proof.running} onClick={prove}>
          {current ? "Prove it again" : "Prove it"}
        </button>
      </p>
      <News task={proof} label="Running both sides" refused="The proof could not be made">
        {current && <Verdict report={result.report} />}
        {result && !current && (
          <p class="hint" id="stale">
            The proof that was made is of {choiceText(result.choice)}. What is chosen now, {choiceText(choice)}, is not
            proven yet.
          </p>
        )}
      </News>
      {view.flatten === "naive" && (
        <p class="hint">What is proven is the conversion that permutes the data; transposed weights alone go wrong.</p>
      )}
      {current && <Differences report={result.report} curves={result.curves} />}
      {current && <Answers curves={result.curves} />}
    </>
  );
}

const choiceText = ({ flatten, io }: Choice) =>
  `${flatten === "fold" ? "folding into weights" : "permuting the data"}, ${io === "torch" ? "NCL" : "NLC"} in and out`;

const worstOf = (report: Report) =>
  Math.max(...[...report.layers, ...report.outputs].map(({ maxRelative }) => maxRelative));

function Verdict({ report }: { readonly report: Report }) {
  const { agrees, layers, outputs, firstDifference } = report;
  if (!agrees)
    return (
      <p class="bad" id="verdict">
        <b>The sides differ</b>, first at {firstDifference}.
      </p>
    );
  return (
    <p class="good" id="verdict">
      <b>All {layers.length} layers agree</b>, and{" "}
      {outputs.length === 1 ? "the output" : `all ${outputs.length} outputs`}. At most{" "}
      <span class="whole">{short(worstOf(report))}</span> of a layer's largest number apart.
    </p>
  );
}

/** Lines of the logarithmic scale. */
const decades = [1e-8, 1e-6, 1e-4, 1e-2, 1];

/** Layers by their number, from 1; nothing between them. */
const wholeNumbers = (_: uPlot, all: number[]) => all.map((at) => (Number.isInteger(at) ? String(at + 1) : ""));

const short = (value: number) => (value === 0 ? "0" : value.toExponential(1));

function Differences({ report, curves }: { readonly report: Report; readonly curves: Curves }) {
  const rows = [...report.layers, ...report.outputs.map((output) => ({ ...output, name: `output ${output.name}` }))];
  const naive = Math.max(...curves.outputs.map(({ maxRelative }) => maxRelative));
  const data = useMemo((): uPlot.AlignedData => {
    const own = rows.map(({ maxRelative }) => Math.max(lowest, maxRelative));
    const places = own.map((_, index) => index);
    const wrong = own.map((_, index) => (index >= report.layers.length ? Math.max(lowest, naive) : null));
    return [places, own, wrong, own.map(() => oneRounding), own.map(() => tolerance)];
  }, [report, curves]);
  return (
    <section>
      <h2 class="small">How far the sides are apart</h2>
      <p class="hint">The largest difference in each layer, as a share of its largest number.</p>
      <ul class="keys">
        <li class="key key-good">converted</li>
        <li class="key key-bad">weights only transposed</li>
        <li class="key key-noise">one rounding of float32</li>
        <li class="key key-limit">what the proof lets pass</li>
      </ul>
      <Plot
        label={`Differences of ${rows.length} layers and outputs, from ${short(Math.min(...rows.map(({ maxRelative }) => maxRelative)))} to ${short(worstOf(report))}; weights only transposed: ${short(naive)} at the output.`}
        height={210}
        data={data}
        options={differenceOptions}
      />
      <details>
        <summary>As a table</summary>
        <ScrollRegion label="Differences by layer">
          <table class="numbers">
            <thead>
              <tr>
                <th scope="col">layer</th>
                <th scope="col">axes</th>
                <th scope="col">largest difference</th>
                <th scope="col">share of largest</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ name, className, layout, maxAbsolute, maxRelative, rounding }) => (
                <tr>
                  <th scope="row">
                    {name} <span class="soft">{className}</span>
                  </th>
                  <td>
                    <Layout text={layout} />
                  </td>
                  <td>{short(maxAbsolute)}</td>
                  <td>
                    {short(maxRelative)}
                    {rounding && " (rounding alone)"}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollRegion>
      </details>
    </section>
  );
}

function differenceOptions(
  { axis, good, bad, soft, ink }: PlotStyle,
  [places]: uPlot.AlignedData,
): Omit<uPlot.Options, "width" | "height"> {
  const points = (stroke: string, size: number) => ({ show: true, size, stroke, fill: stroke });
  const line = (stroke: string, dash: number[]) => ({ stroke, width: 1, dash, points: { show: false } });
  return {
    cursor: { show: false },
    legend: { show: false },
    padding: [12, 12, 0, 0],
    scales: {
      x: { time: false, range: [-0.5, places!.length - 0.5] },
      y: { distr: 3, range: (_, low, high) => [Math.min(low, 1e-9), Math.max(high, 1) * 2] },
    },
    axes: [
      axis("layer, in the order of computation", { incrs: [1, 2, 5, 10, 20, 50, 100], values: wholeNumbers, size: 30 }),
      axis("", {
        size: 52,
        splits: () => decades,
        filter: (_, all) => all,
        values: (_, all) => all.map((value) => value.toExponential(0)),
      }),
    ],
    series: [
      {},
      { stroke: good, width: 1.5, points: points(good, 7) },
      { stroke: bad, width: 0, points: points(bad, 10) },
      line(soft, [2, 4]),
      line(ink, [8, 5]),
    ],
  };
}

function Answers({ curves }: { readonly curves: Curves }) {
  const { outputs, samples } = curves;
  const [at, setAt] = useState(0);
  const output = outputs[Math.min(at, outputs.length - 1)]!;
  const data = useMemo((): uPlot.AlignedData => {
    const count = Math.min(output.right.data.length, 512);
    const places = Array.from({ length: count }, (_, index) => index);
    return [places, Array.from(output.right.data.slice(0, count)), Array.from(output.naive.data.slice(0, count))];
  }, [output]);
  return (
    <section>
      <h2 class="small">What transposed weights alone would answer</h2>
      {outputs.length > 1 && (
        <label class="pick">
          output{" "}
          <select value={at} onChange={({ currentTarget }) => setAt(Number(currentTarget.value))}>
            {outputs.map(({ name }, index) => (
              <option value={index}>{name}</option>
            ))}
          </select>
        </label>
      )}
      <p class="hint">
        {samples === 1 ? "On one random input. " : `On ${samples} random inputs, one after another. `}
        {output.agrees
          ? "Both are the same here: no place in this model depends on it."
          : `They are up to ${output.maxAbsolute.toPrecision(3)} apart, ${(100 * output.maxRelative).toPrecision(3)} % of the largest number.`}
      </p>
      <ul class="keys">
        <li class="key key-good">right</li>
        <li class="key key-bad">weights only transposed</li>
      </ul>
      <Plot label={answersText(output)} height={220} data={data} options={answerOptions} />
    </section>
  );
}

function answersText({ name, agrees, maxAbsolute }: Explained): string {
  return `Two curves of the output ${name}: ${agrees ? "both are the same" : `up to ${maxAbsolute.toPrecision(3)} apart`}.`;
}

function answerOptions({ axis, good, bad }: PlotStyle): Omit<uPlot.Options, "width" | "height"> {
  return {
    cursor: { show: false },
    legend: { show: false },
    padding: [12, 12, 0, 0],
    scales: { x: { time: false } },
    axes: [axis("number of the output", { size: 30 }), axis("", { size: 52 })],
    series: [
      {},
      { stroke: good, width: 2, points: { show: false } },
      { stroke: bad, width: 2, dash: [6, 4], points: { show: false } },
    ],
  };
}
