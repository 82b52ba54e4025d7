/**
 * text-codec: UTF-8 where there is none
 *
 * AudioWorkletGlobalScope has no TextDecoder and no TextEncoder (Chromium 156), and reading a model
 * takes both. What decodeURIComponent refuses is not UTF-8.
 */
globalThis.TextDecoder ??= class {
  decode(bytes) {
    let escaped = "";
    for (const byte of bytes) escaped += `%${byte.toString(16).padStart(2, "0")}`;
    return decodeURIComponent(escaped);
  }
};

globalThis.TextEncoder ??= class {
  encode(text) {
    const escaped = encodeURIComponent(text).matchAll(/%(..)|./g);
    return Uint8Array.from(escaped, ([letter, hex]) => (hex ? Number.parseInt(hex, 16) : letter.charCodeAt(0)));
  }
};
