/**
 * infer-response: a model's outputs as the protocol's inference response
 *
 *     { "model_name": "motion", "model_version": "1", "id": "42",
 *       "outputs": [ { "name": "dense", "shape": [1, 6], "datatype": "FP32", "data": [ … ] } ] }
 *
 * An output that is asked for as binary data has `parameters.binary_data_size` for its `data`, and its bytes behind the JSON, whose length
 * then stands in Inference-Header-Content-Length. Numbers of JSON are written with as many digits as tell a float32 apart.
 *
 * Source  Open Inference Protocol, "Inference Response JSON Object"; Triton's docs/protocol/extension_binary_data.md
 */
import { joined } from "../platform/bytes.ts";
import type { Tensor } from "../tensor.ts";
import { datatypeOf, toBinary, toJson } from "./datatypes.ts";
import type { InferRequest } from "./infer-request.ts";
import { modelVersion, type ServedModel } from "./model.ts";

/** The answer to an inference request. @param tensors all outputs of the model, in their order */
export function inferResponse(
  name: string,
  model: ServedModel,
  request: InferRequest,
  tensors: readonly Tensor[],
): Response {
  const parts: Uint8Array[] = [];
  const outputs = request.outputs.map(({ index, binary }) => {
    const port = model.outputs[index]!;
    const { data, shape } = tensors[index]!;
    const about = { name: port.name, shape, datatype: datatypeOf(port) };
    if (!binary) return { ...about, data: toJson(port, data) };
    const bytes = toBinary(port, data);
    parts.push(bytes);
    return { ...about, parameters: { binary_data_size: bytes.length } };
  });
  const id = request.id === null ? {} : { id: request.id };
  const json = JSON.stringify({ model_name: name, model_version: modelVersion, ...id, outputs });
  if (parts.length === 0) return new Response(json, { headers: { "content-type": "application/json" } });
  const header = new TextEncoder().encode(json);
  return new Response(joined([header, ...parts]), {
    headers: {
      "content-type": "application/octet-stream",
      "inference-header-content-length": String(header.length),
    },
  });
}
