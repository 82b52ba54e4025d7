/** A plot by uPlot, which is fetched when the first one is shown. It is a picture: what it says stands in its label and in a table. */
import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { useScheme } from "../use-scheme.ts";
import "uplot/dist/uPlot.min.css";

/** Colours and sizes that plots share. */
export interface PlotStyle {
  readonly ink: string;
  readonly soft: string;
  readonly line: string;
  readonly good: string;
  readonly bad: string;
  color(name: string): string;
  /** An axis with this text along it. */
  axis(label: string, more?: uPlot.Axis): uPlot.Axis;
}

export interface PlotProps {
  readonly label: string;
  readonly height: number;
  readonly data: uPlot.AlignedData;
  /** All but sizes and data. Has to stay the same as long as the plot does. */
  readonly options: (style: PlotStyle, data: uPlot.AlignedData) => Omit<uPlot.Options, "width" | "height">;
}

export function Plot({ label, height, data, options }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const scheme = useScheme();
  useEffect(() => {
    const element = place.current!;
    let plot: uPlot | null = null;
    let ended = false;
    const fit = new ResizeObserver(() => plot?.setSize({ width: element.clientWidth, height }));
    import("uplot").then(({ default: UPlot }) => {
      if (ended) return;
      plot = new UPlot({ ...options(styleOf(element), data), width: element.clientWidth, height }, data, element);
      fit.observe(element);
    });
    return () => {
      ended = true;
      fit.disconnect();
      plot?.destroy();
    };
  }, [data, options, height, scheme]);
  return <div ref={place} class="plot" role="img" aria-label={label} style={{ height: `${height}px` }} />;
}

function styleOf(element: HTMLElement): PlotStyle {
  const styles = getComputedStyle(element);
  const color = (name: string) => styles.getPropertyValue(name).trim();
  const [ink, soft, line, good, bad] = ["--ink", "--soft", "--line", "--good", "--bad"].map(color) as [
    string,
    string,
    string,
    string,
    string,
  ];
  const font = `12px ${styles.fontFamily}`;
  const axis = (label: string, more: uPlot.Axis = {}): uPlot.Axis => ({
    stroke: soft,
    font,
    label,
    labelFont: font,
    labelSize: 20,
    size: 44,
    gap: 4,
    grid: { stroke: line, width: 1 },
    ticks: { show: false },
    ...more,
  });
  return { ink, soft, line, good, bad, color, axis };
}
