/**
 * A series drawn by hand, channel by channel: with a pointer, or with the keyboard (left and right choose a step, up and down its value).
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { useScheme } from "../use-scheme.ts";

export interface DrawSeriesProps {
  readonly length: number;
  readonly channels: number;
  readonly onChange: (data: Float32Array) => void;
}

/** Values at the upper edge. */
const top = 3;
const height = 160;

/** A wave in each channel, so that there is something to change. */
function firstWave(length: number, channels: number): Float32Array {
  return Float32Array.from({ length: length * channels }, (_, index) => {
    const [step, channel] = [Math.floor(index / channels), index % channels];
    return Math.sin((2 * Math.PI * (channel + 2) * step) / length + channel);
  });
}

export function DrawSeries({ length, channels, onChange }: DrawSeriesProps) {
  const [data, setData] = useState(() => firstWave(length, channels));
  const [channel, setChannel] = useState(0);
  const [step, setStep] = useState(0);
  const canvas = useRef<HTMLCanvasElement>(null);
  const last = useRef<{ step: number; value: number } | null>(null);
  const scheme = useScheme();

  useEffect(() => onChange(data), []);
  useEffect(() => paint(canvas.current!, data, { length, channels, channel, step }), [data, channel, step, scheme]);

  const change = (next: Float32Array) => {
    setData(next);
    onChange(next);
  };
  const draw = (event: PointerEvent) => {
    const box = canvas.current!.getBoundingClientRect();
    const at = clamp(Math.round(((event.clientX - box.left) / box.width) * (length - 1)), 0, length - 1);
    const value = clamp((1 - (2 * (event.clientY - box.top)) / box.height) * top, -top, top);
    const from = last.current ?? { step: at, value };
    const next = data.slice();
    const span = Math.max(1, Math.abs(at - from.step));
    for (let index = 0; index <= span; index++) {
      const share = index / span;
      const here = Math.round(from.step + (at - from.step) * share);
      next[here * channels + channel] = from.value + (value - from.value) * share;
    }
    last.current = { step: at, value };
    setStep(at);
    change(next);
  };
  const key = (event: KeyboardEvent) => {
    const side = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const rise = { ArrowUp: 0.1, ArrowDown: -0.1 }[event.key];
    if (side === undefined && rise === undefined) return;
    event.preventDefault();
    if (side !== undefined) return setStep(clamp(step + side, 0, length - 1));
    const next = data.slice();
    const index = step * channels + channel;
    next[index] = clamp(next[index]! + rise!, -top, top);
    change(next);
  };
  const value = data[step * channels + channel]!;
  return (
    <div class="draw">
      <div class="draw-head">
        {channels > 1 && (
          <label class="pick">
            channel{" "}
            <select value={channel} onChange={({ currentTarget }) => setChannel(Number(currentTarget.value))}>
              {Array.from({ length: Math.min(channels, 256) }, (_, index) => (
                <option value={index}>{index + 1}</option>
              ))}
            </select>
          </label>
        )}
        <button type="button" onClick={() => change(new Float32Array(length * channels))}>
          All zero
        </button>
      </div>
      <canvas
        ref={canvas}
        class="draw-area"
        tabIndex={0}
        role="slider"
        aria-label={`Step ${step + 1} of ${length}, channel ${channel + 1}; left and right choose the step, up and down its value`}
        aria-valuemin={-top}
        aria-valuemax={top}
        aria-valuenow={Number(value.toFixed(2))}
        aria-valuetext={`step ${step + 1}: ${value.toFixed(2)}`}
        onKeyDown={key}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          last.current = null;
          draw(event);
        }}
        onPointerMove={(event) => event.buttons > 0 && draw(event)}
      />
    </div>
  );
}

const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value));

interface Drawn {
  readonly length: number;
  readonly channels: number;
  readonly channel: number;
  readonly step: number;
}

function paint(canvas: HTMLCanvasElement, data: Float32Array, { length, channels, channel, step }: Drawn): void {
  const sharp = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  canvas.width = width * sharp;
  canvas.height = height * sharp;
  const pen = canvas.getContext("2d")!;
  pen.scale(sharp, sharp);
  const styles = getComputedStyle(canvas);
  const color = (name: string) => styles.getPropertyValue(name).trim();
  const x = (at: number) => 4 + ((width - 8) * at) / Math.max(1, length - 1);
  const y = (value: number) => height / 2 - (value / top) * (height / 2 - 4);
  pen.strokeStyle = color("--line");
  pen.beginPath();
  pen.moveTo(0, height / 2);
  pen.lineTo(width, height / 2);
  pen.stroke();
  const curve = (own: number, stroke: string, thick: number) => {
    pen.strokeStyle = stroke;
    pen.lineWidth = thick;
    pen.beginPath();
    for (let at = 0; at < length; at++) pen.lineTo(x(at), y(data[at * channels + own]!));
    pen.stroke();
  };
  for (let own = 0; own < Math.min(channels, 16); own++) if (own !== channel) curve(own, color("--line-strong"), 1);
  curve(channel, color("--axis-C"), 2);
  pen.fillStyle = color("--ink");
  pen.beginPath();
  pen.arc(x(step), y(data[step * channels + channel]!), 4, 0, 2 * Math.PI);
  pen.fill();
}
