"""Asks the server of examples/node as a client in Python does, and compares with what Keras computed.

The requests are those of Triton's client: tensors as binary data behind the JSON, no content type, answers in binary unless outputs say
otherwise. Needs node and `npm run build`, and numpy alone.

    python tests/python/check_serve.py

Prints a line per check, and `N passed, N failed` at the end.
"""

import concurrent.futures
import http.client
import json
import subprocess
import sys
import threading
import traceback
import urllib.parse
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
CASE = ROOT / "tests/fixtures/keras/activity-recognition-cnn"
MODEL = ROOT / "examples/node/motion.safetensors"

START_SECONDS = 60
"""How long the server may take to say where it is."""

DATATYPES = {
    np.dtype(dtype): name
    for dtype, name in [
        (np.float16, "FP16"),
        (np.float32, "FP32"),
        (np.float64, "FP64"),
        (np.int8, "INT8"),
        (np.int64, "INT64"),
        (np.uint16, "UINT16"),
    ]
}


class Client:
    """One connection, kept open."""

    def __init__(self, address):
        parsed = urllib.parse.urlparse(address)
        self.connection = http.client.HTTPConnection(parsed.hostname, parsed.port, timeout=30)

    def request(self, method, path, body=None, headers={}):
        self.connection.request(method, path, body=body, headers=headers)
        response = self.connection.getresponse()
        return response.status, response.headers, response.read()

    def get(self, path):
        status, _, body = self.request("GET", path)
        return status, json.loads(body)

    def infer(self, inputs, outputs=None, request_id=None, path="/v2/models/motion/infer"):
        """Arrays by name; binary data both ways, unless `outputs` says otherwise."""
        request = {"inputs": [], "parameters": {"binary_data_output": True}}
        if outputs is not None:
            request = {"inputs": [], "outputs": outputs}
        if request_id is not None:
            request["id"] = request_id
        for name, array in inputs.items():
            given = {"name": name, "shape": list(array.shape), "datatype": DATATYPES[array.dtype]}
            request["inputs"].append({**given, "parameters": {"binary_data_size": array.nbytes}})
        header = json.dumps(request).encode()
        body = b"".join([header, *(array.tobytes() for array in inputs.values())])
        headers = {"Inference-Header-Content-Length": str(len(header))}
        status, said, answer = self.request("POST", path, body, headers)
        length = int(said.get("Inference-Header-Content-Length", len(answer)))
        return status, json.loads(answer[:length]), answer[length:]

    def predict(self, array):
        status, answer, data = self.infer({"accelerometer": array})
        assert status == 200, answer
        [output] = answer["outputs"]
        assert output["parameters"]["binary_data_size"] == len(data)
        return np.frombuffer(data, np.float32).reshape(output["shape"])


passed = failed = 0


def check(action):
    global passed, failed
    name = action.__name__.replace("_", " ")
    try:
        action()
        passed += 1
        print(f"ok    {name}")
    except Exception:
        failed += 1
        print(f"FAIL  {name}\n{traceback.format_exc()}")


def checks(address):
    client = Client(address)
    x = np.load(CASE / "inputs.npz")["input_0"]
    keras = np.load(CASE / "outputs.npz")["output_0"]
    rng = np.random.default_rng(7)
    samples = rng.standard_normal((64, 1, 20, 3)).astype(np.float32)

    @check
    def metadata_and_health():
        assert client.get("/v2/health/live")[0] == 200
        assert client.get("/v2/health/ready")[0] == 200
        assert client.get("/v2/models/motion/versions/1/ready")[0] == 200
        assert "binary_tensor_data" in client.get("/v2")[1]["extensions"]
        [port] = client.get("/v2/models/motion")[1]["inputs"]
        assert port == {"name": "accelerometer", "datatype": "FP32", "shape": [-1, 20, 3]}

    @check
    def what_Keras_computed():
        np.testing.assert_allclose(client.predict(x), keras, rtol=1e-4, atol=1e-5)

    @check
    def JSON_both_ways_has_the_same_bits():
        given = {"name": "accelerometer", "shape": list(x.shape), "datatype": "FP32", "data": x.tolist()}
        body = json.dumps({"id": "seven", "inputs": [given]})
        status, _, answer = client.request("POST", "/v2/models/motion/infer", body, {"content-type": "application/json"})
        answer = json.loads(answer)
        assert (status, answer["id"], answer["model_name"], answer["model_version"]) == (200, "seven", "motion", "1")
        [output] = answer["outputs"]
        np.testing.assert_array_equal(np.array(output["data"], np.float32).reshape(output["shape"]), client.predict(x))

    @check
    def outputs_in_JSON_and_in_binary_when_asked_for():
        for binary in [False, True]:
            outputs = [{"name": "dense_1", "parameters": {"binary_data": binary}}]
            status, answer, data = client.infer({"accelerometer": x}, outputs, "id-1")
            assert (status, answer["id"], len(data) > 0) == (200, "id-1", binary)
            assert ("data" in answer["outputs"][0]) != binary

    @check
    def other_datatypes_where_they_are_exact():
        whole = rng.integers(0, 100, (1, 20, 3))
        want = client.predict(whole.astype(np.float32))
        for dtype in [np.float16, np.float64, np.int8, np.int64, np.uint16]:
            np.testing.assert_array_equal(client.predict(whole.astype(dtype)), want)
        status, answer, _ = client.infer({"accelerometer": samples[0].astype(np.float64) + 1e-12})
        assert status == 400 and "which no FP32 is; send FP32" in answer["error"], answer

    @check
    def refusals_are_JSON():
        for inputs in [{}, {"other": samples[0]}, {"accelerometer": samples[0].reshape(1, 3, 20)}]:
            status, answer, _ = client.infer(inputs)
            assert status == 400 and list(answer) == ["error"], answer
        assert client.infer({"accelerometer": samples[0]}, path="/v2/models/other/infer")[0] == 404

    @check
    def thirty_two_connections_at_once_get_the_bits_of_one():
        alone = [client.predict(sample) for sample in samples]

        def some(start):
            own = Client(address)
            return [own.predict(samples[(start + step) % 64]) for step in range(40)]

        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            for start, answers in zip(range(32), pool.map(some, range(32))):
                for step, answer in enumerate(answers):
                    np.testing.assert_array_equal(answer, alone[(start + step) % 64])


def main():
    before = MODEL.read_bytes() if MODEL.exists() else None
    convert = ["node", "dist/cli.js", "convert", str(CASE / "model.keras"), str(MODEL)]
    subprocess.run(convert, cwd=ROOT, check=True, capture_output=True)
    command = ["node", "examples/node/server.js", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            # The end of what a killed server says ends the wait for its address.
            timer = threading.Timer(START_SECONDS, server.kill)
            timer.start()
            address = server.stdout.readline().strip()
            timer.cancel()
            assert address, f"the server said no address within {START_SECONDS} s"
            checks(address)
        finally:
            server.kill()
            if before is None:
                MODEL.unlink()
            else:
                MODEL.write_bytes(before)
    print(f"\n{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
