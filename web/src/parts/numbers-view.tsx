/** An array as a plot or a table: its first sample. */
import { useMemo, useState } from "preact/hooks";
import type uPlot from "uplot";
import { Layout } from "../axes.tsx";
import type { Numbers } from "../protocol.ts";
import { Plot, type PlotStyle } from "./plot.tsx";
import { ScrollRegion } from "./scroll-region.tsx";
import { Segments } from "./segments.tsx";

export interface NumbersViewProps {
  readonly title: string;
  readonly numbers: Numbers;
  readonly open: boolean;
}

const mostRows = 200;
const mostCurves = 12;
const mostPoints = 2 ** 14;

/** Steps by channels: a vector is one channel. */
function tableOf({ data, shape }: Numbers): { rows: number; columns: number; data: ArrayLike<number> } {
  const [, ...sizes] = shape;
  const each = sizes.reduce((all, size) => all * size, 1);
  const columns = sizes.length < 2 ? 1 : sizes.at(-1)!;
  return { rows: columns === 0 ? 0 : each / columns, columns, data: data.subarray(0, each) };
}

export function NumbersView({ title, numbers, open }: NumbersViewProps) {
  const [way, setWay] = useState<"plot" | "table">("plot");
  const table = useMemo(() => tableOf(numbers), [numbers]);
  const { rows, columns } = table;
  const samples = numbers.shape[0] ?? 1;
  const points = Math.min(rows, mostPoints);
  const data = useMemo((): uPlot.AlignedData => {
    const curves = Array.from({ length: Math.min(columns, mostCurves) }, (_, column) =>
      Array.from({ length: points }, (_, row) => table.data[row * columns + column]!),
    );
    return [Array.from({ length: points }, (_, row) => row), ...curves];
  }, [table]);
  const options = rows <= 24 && columns === 1 ? barOptions : curveOptions;
  return (
    <details class="array" open={open}>
      <summary>
        {title} <Layout text={numbers.layout} /> <span class="mono soft">{numbers.shape.join(" × ")}</span>
      </summary>
      <Segments
        label="Shown as"
        name={`way ${title}`}
        value={way}
        choices={[
          ["plot", "plot"],
          ["table", "table"],
        ]}
        onChange={setWay}
      />
      {samples > 1 && <p class="hint">The first of {samples} samples.</p>}
      {columns > mostCurves && way === "plot" && (
        <p class="hint">
          The first {mostCurves} of {columns} channels.
        </p>
      )}
      {points < rows && way === "plot" && (
        <p class="hint">
          The first {points} of {rows} steps.
        </p>
      )}
      {way === "plot" ? (
        <Plot
          label={`${title}: ${rows} by ${columns} numbers; the table has them`}
          height={180}
          data={data}
          options={options}
        />
      ) : (
        <NumberTable {...table} title={title} />
      )}
    </details>
  );
}

function NumberTable({ rows, columns, data, title }: ReturnType<typeof tableOf> & { readonly title: string }) {
  const shownColumns = Math.min(columns, 32);
  return (
    <ScrollRegion label={`Numbers of ${title}`}>
      <table class="numbers">
        <tbody>
          {Array.from({ length: Math.min(rows, mostRows) }, (_, row) => (
            <tr>
              <th scope="row">{row}</th>
              {Array.from({ length: shownColumns }, (_, column) => (
                <td>{Number(data[row * columns + column]!.toPrecision(6))}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {(rows > mostRows || columns > shownColumns) && (
        <p class="hint">
          The first {Math.min(rows, mostRows)} of {rows} rows, {shownColumns} of {columns} columns.
        </p>
      )}
    </ScrollRegion>
  );
}

const common = {
  cursor: { show: false },
  legend: { show: false },
  padding: [12, 12, 0, 0] as [number, number, number, number],
};

function curveOptions(
  { axis, color }: PlotStyle,
  [, ...curves]: uPlot.AlignedData,
): Omit<uPlot.Options, "width" | "height"> {
  const hues = ["--axis-C", "--axis-L", "--axis-K", "--axis-O", "--axis-I", "--axis-N"].map(color);
  return {
    ...common,
    scales: { x: { time: false } },
    axes: [axis("", { size: 24 }), axis("", { size: 52 })],
    series: [
      {},
      ...curves.map((_, index) => ({ stroke: hues[index % hues.length]!, width: 1.5, points: { show: false } })),
    ],
  };
}

/** Few numbers of one sample: a stem and a point for each. */
function barOptions({ axis, color }: PlotStyle, [places]: uPlot.AlignedData): Omit<uPlot.Options, "width" | "height"> {
  const stroke = color("--axis-O");
  return {
    ...common,
    scales: {
      x: { time: false, range: [-0.6, places!.length - 0.4] },
      y: { range: (_, low, high) => [Math.min(0, low * 1.1), Math.max(0, high * 1.1) || 1] },
    },
    axes: [
      axis("", {
        size: 24,
        grid: { show: false },
        incrs: [1, 2, 5, 10],
        values: (_, all) => all.map((at) => (Number.isInteger(at) ? String(at) : "")),
      }),
      axis("", { size: 52 }),
    ],
    series: [{}, { stroke, width: 0, points: { show: true, size: 10, stroke, fill: stroke } }],
    hooks: { drawSeries: [(plot) => drawStems(plot, stroke)] },
  };
}

function drawStems(plot: uPlot, stroke: string): void {
  const { ctx } = plot;
  const [places, values] = plot.data;
  ctx.save();
  ctx.strokeStyle = stroke;
  ctx.lineWidth = 3 * devicePixelRatio;
  for (let index = 0; index < places!.length; index++) {
    const x = plot.valToPos(places![index]!, "x", true);
    ctx.beginPath();
    ctx.moveTo(x, plot.valToPos(0, "y", true));
    ctx.lineTo(x, plot.valToPos(values![index]!, "y", true));
    ctx.stroke();
  }
  ctx.restore();
}
