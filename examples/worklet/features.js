/**
 * features: mel-frequency cepstral coefficients of one frame of audio
 *
 *     640 samples at 16 kHz -> Hann window -> FFT of 1024 -> power -> 20 mel bands -> log -> DCT-II -> the first 6
 *
 * A model hears what it was trained on: put your own features here, with the window, bands and scale of the training.
 *
 * Source  Davis and Mermelstein, "Comparison of parametric representations for monosyllabic word recognition", 1980
 */
export const sampleRate = 16_000;
export const frameSize = 640;
export const coefficients = 6;

const fftSize = 1024;
const bands = 20;

const mel = (hertz) => 2595 * Math.log10(1 + hertz / 700);
const hertz = (mels) => 700 * (10 ** (mels / 2595) - 1);

/** The bins at which the triangles begin, peak and end: each ends where the next but one begins. */
const edges = Array.from({ length: bands + 2 }, (_, index) => {
  const mels = mel(20) + ((mel(7600) - mel(20)) * index) / (bands + 1);
  return (hertz(mels) * fftSize) / sampleRate;
});

/** @param {Float32Array} frame `frameSize` samples @returns {Float32Array} `coefficients` numbers */
export function mfcc(frame) {
  const power = powerSpectrum(frame);
  const energies = Array.from({ length: bands }, (_, band) => {
    const [from, peak, to] = edges.slice(band, band + 3);
    let sum = 0;
    for (let bin = Math.ceil(from); bin < to; bin++) {
      sum += power[bin] * (bin < peak ? (bin - from) / (peak - from) : (to - bin) / (to - peak));
    }
    return Math.log(sum + 1e-6);
  });
  return Float32Array.from(
    { length: coefficients },
    (_, k) =>
      energies.reduce((sum, energy, band) => sum + energy * Math.cos((Math.PI * k * (band + 0.5)) / bands), 0) / bands,
  );
}

/** |FFT|² of the windowed frame, bins 0 to half of the FFT's size: decimation in time, in place, after bit reversal. */
function powerSpectrum(frame) {
  const real = new Float64Array(fftSize);
  const imaginary = new Float64Array(fftSize);
  const bits = Math.log2(fftSize);
  for (let at = 0; at < frameSize; at++) {
    let reversed = 0;
    for (let bit = 0; bit < bits; bit++) reversed |= ((at >> bit) & 1) << (bits - 1 - bit);
    real[reversed] = frame[at] * (0.5 - 0.5 * Math.cos((2 * Math.PI * at) / frameSize));
  }
  for (let half = 1; half < fftSize; half *= 2) {
    for (let start = 0; start < fftSize; start += 2 * half) {
      for (let k = 0; k < half; k++) {
        const [a, b] = [start + k, start + k + half];
        const angle = (-Math.PI * k) / half;
        const [c, s] = [Math.cos(angle), Math.sin(angle)];
        const re = real[b] * c - imaginary[b] * s;
        const im = real[b] * s + imaginary[b] * c;
        [real[b], imaginary[b]] = [real[a] - re, imaginary[a] - im];
        real[a] += re;
        imaginary[a] += im;
      }
    }
  }
  return Float64Array.from({ length: fftSize / 2 + 1 }, (_, bin) => real[bin] ** 2 + imaginary[bin] ** 2);
}
