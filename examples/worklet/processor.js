/**
 * processor: a keyword spotter in the audio thread: 25 frames of 40 ms in sight, an answer after each
 *
 * What it posts: `{ samples, scores }`, the frame that came last and what the model says of it and the 24 before.
 *
 * Worklets know no import map: the import says where the package is, as index.html does.
 */
import "./text-codec.js";
import { load } from "../../dist/run.js";
import { coefficients, frameSize, mfcc } from "./features.js";

class KeywordSpotter extends AudioWorkletProcessor {
  #model = null;
  #features = null;
  #frame = new Float32Array(frameSize);
  #filled = 0;

  constructor({ processorOptions: { model } }) {
    super();
    load(new Uint8Array(model)).then(
      (loaded) => {
        this.#model = loaded;
        this.#features = new Float32Array(loaded.inputs[0].shape[1] * coefficients);
        this.port.postMessage("ready");
      },
      (error) => this.port.postMessage(String(error)),
    );
  }

  /** 128 samples, every 8 ms at 16 kHz. */
  process([[samples]]) {
    if (!this.#model || !samples) return true;
    for (let at = 0; at < samples.length; ) {
      const part = samples.subarray(at, at + frameSize - this.#filled);
      this.#frame.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === frameSize) this.#answer();
    }
    return true;
  }

  #answer() {
    this.#filled = 0;
    this.#features.copyWithin(0, coefficients);
    this.#features.set(mfcc(this.#frame), this.#features.length - coefficients);
    const { data } = this.#model.predict(this.#features);
    this.port.postMessage({ samples: this.#frame.slice(), scores: data });
  }
}

registerProcessor("keyword-spotter", KeywordSpotter);
