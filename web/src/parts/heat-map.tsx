/** A weight's numbers as coloured cells on a canvas, blocks of rows and columns: pointed at, or gone through with the arrow keys. */
import { useEffect, useMemo, useRef } from "preact/hooks";
import { useScheme } from "../use-scheme.ts";
import type { WeightSide } from "../protocol.ts";
import { axisKey, type Place, placeText } from "./weight-pair.tsx";

export interface HeatMapProps {
  readonly side: WeightSide;
  /** The largest magnitude: the end of the colours. */
  readonly largest: number;
  readonly place: Place | null;
  readonly label: string;
  readonly onPlace: (place: Place | null) => void;
}

/** Blocks that are drawn; a weight of thousands shows its first. */
const mostBlocks = 24;
/** Pixels that a map is as wide as, at most. */
const mostWidth = 300;

interface Grid {
  readonly rows: number;
  readonly columns: number;
  readonly blocks: number;
  /** Blocks in a line of them. */
  readonly across: number;
  readonly cell: number;
  readonly gap: number;
  readonly width: number;
  readonly height: number;
}

function gridOf({ axes }: WeightSide): Grid {
  const sizes = axes.map(({ size }) => size);
  const columns = sizes.at(-1) ?? 1;
  const rows = sizes.at(-2) ?? 1;
  const blocks = Math.min(
    mostBlocks,
    sizes.slice(0, -2).reduce((all, size) => all * size, 1),
  );
  const gap = 5;
  const cell = Math.max(
    3,
    Math.min(14, Math.floor(mostWidth / Math.max(columns, 8)), Math.floor(260 / Math.max(rows, 6))),
  );
  const across = Math.max(1, Math.min(blocks, Math.floor((mostWidth + gap) / (columns * cell + gap))));
  const down = Math.ceil(blocks / across);
  const width = across * (columns * cell + gap) - gap;
  const height = down * (rows * cell + gap) - gap;
  return { rows, columns, blocks, across, cell, gap, width, height };
}

/** The left upper corner of an entry's cell. */
function cornerOf(grid: Grid, index: number): [x: number, y: number] {
  const { rows, columns, across, cell, gap } = grid;
  const block = Math.floor(index / (rows * columns));
  const row = Math.floor(index / columns) % rows;
  const x = (block % across) * (columns * cell + gap) + (index % columns) * cell;
  const y = Math.floor(block / across) * (rows * cell + gap) + row * cell;
  return [x, y];
}

export function HeatMap({ side, largest, place, label, onPlace }: HeatMapProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const grid = useMemo(() => gridOf(side), [side]);
  const scheme = useScheme();

  useEffect(() => paint(canvas.current!, grid, side, largest, place), [grid, side, largest, place, scheme]);

  const count = grid.rows * grid.columns * grid.blocks;
  const at = place ? Math.min(indexOf(side, place), count - 1) : 0;
  const step = (event: KeyboardEvent) => {
    const { columns } = grid;
    const next = {
      ArrowLeft: at - 1,
      ArrowRight: at + 1,
      ArrowUp: at - columns,
      ArrowDown: at + columns,
      Home: 0,
      End: count - 1,
    }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    if (next >= 0 && next < count) onPlace(placeOf(side, next));
  };
  const point = (event: PointerEvent) => {
    const box = canvas.current!.getBoundingClientRect();
    const scale = grid.width / box.width;
    const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    const { cell } = grid;
    for (let index = 0; index < count; index++) {
      const [left, top] = cornerOf(grid, index);
      if (x >= left && x < left + cell && y >= top && y < top + cell) return onPlace(placeOf(side, index));
    }
    onPlace(null);
  };
  return (
    <canvas
      ref={canvas}
      class="heat-map"
      tabIndex={0}
      role="slider"
      aria-label={`${label}; arrow keys go from entry to entry`}
      aria-readonly
      aria-valuemin={1}
      aria-valuemax={count}
      aria-valuenow={at + 1}
      aria-valuetext={placeText(placeOf(side, at), side)}
      style={{ width: `${grid.width}px`, aspectRatio: `${grid.width} / ${grid.height}` }}
      onKeyDown={step}
      onFocus={() => place ?? onPlace(placeOf(side, 0))}
      onBlur={() => onPlace(null)}
      onPointerMove={point}
      onPointerLeave={() => onPlace(null)}
    />
  );
}

function placeOf({ axes }: WeightSide, index: number): Place {
  const place: Record<string, number> = {};
  let rest = index;
  for (let at = axes.length - 1; at >= 0; at--) {
    const { size } = axes[at]!;
    place[axisKey(axes, at)] = rest % size;
    rest = Math.floor(rest / size);
  }
  return place;
}

function indexOf({ axes }: WeightSide, place: Place): number {
  return axes.reduce((all, { size }, at) => all * size + (place[axisKey(axes, at)] ?? 0), 0);
}

function paint(canvas: HTMLCanvasElement, grid: Grid, side: WeightSide, largest: number, place: Place | null): void {
  const sharp = window.devicePixelRatio || 1;
  const { width, height, cell, rows, columns, blocks } = grid;
  canvas.width = Math.ceil(width * sharp);
  canvas.height = Math.ceil(height * sharp);
  const pen = canvas.getContext("2d")!;
  pen.scale(sharp, sharp);
  const styles = getComputedStyle(canvas);
  const [low, zero, high] = ["--heat-low", "--heat-zero", "--heat-high"].map((name) =>
    rgb(styles.getPropertyValue(name)),
  ) as [Rgb, Rgb, Rgb];
  const inset = cell > 5 ? 1 : 0;
  for (let index = 0; index < rows * columns * blocks; index++) {
    const value = side.data[index]! / (largest || 1);
    const [x, y] = cornerOf(grid, index);
    pen.fillStyle = mixed(zero, value < 0 ? low : high, Math.sqrt(Math.min(1, Math.abs(value))));
    pen.fillRect(x, y, cell - inset, cell - inset);
  }
  if (!place) return;
  const [x, y] = cornerOf(grid, indexOf(side, place));
  pen.strokeStyle = styles.color;
  pen.lineWidth = 2;
  pen.strokeRect(x - 1, y - 1, cell + 1, cell + 1);
}

type Rgb = readonly [number, number, number];

function rgb(hex: string): Rgb {
  const number = Number.parseInt(hex.trim().slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

function mixed(from: Rgb, to: Rgb, share: number): string {
  return `rgb(${from.map((value, index) => Math.round(value + (to[index]! - value) * share)).join(" ")})`;
}
