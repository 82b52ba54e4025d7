"""Has real Keras load what channelwise writes, for every Keras fixture: the same variables to the bit, the same predictions.

    python tests/python/check_keras.py [CASE ...]        after `npm run build`

For each folder of tests/fixtures/keras:
- `convert` to .keras, .h5 and .weights.h5: what Keras loads has the original's variables, bit by bit, and gives its predictions, to
  the bit too, since it is the same program on the same numbers. An .h5 is checked where Keras itself can load the .h5 that it
  saved of the model (model.h5 in the fixture), since it drops some options there;
- Keras -> PyTorch -> Keras: the folder's checkpoint, saved again by PyTorch, with `--template`, folded and not: every variable
  comes back, bit by bit;
- the .h5 that Keras saved, to .keras: the same; and copied by h5py with libver="latest" before, with its attributes in dense
  storage and its arrays in chunks, behind each kind of index in turn;
- trained: a PyTorch step on every parameter, back to Keras: Keras predicts what PyTorch computes.

For each folder of tests/fixtures/legacy, files of Keras 1 and 2 and of tf.keras: what Keras 3 loads of the .keras gives the
outputs that the model had. Where it had a meaning that Keras 3 can't say, `convert` has to refuse it, and with `--meaning keras3` to
write what gives Keras 3's own.

Prints FAIL lines, and at the end `N passed, N failed`. Needs what requirements.txt and keras-requirements.txt list.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
warnings.filterwarnings("ignore")

import h5py
import keras
import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from check_torch import FIXTURES, PATIENCE_SECONDS, PROCESSES, PROGRAM, Failure, Tally, Tolerance, as_torch, expect, in_layout, numbered

FORMATS = ("keras", "h5", "weights.h5")
WAYS = ("permute", "fold")


def channelwise(*arguments):
    done = subprocess.run(
        ["node", str(PROGRAM), *map(str, arguments)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_SECONDS,
    )
    expect(done.returncode == 0, f"{arguments[0]}: exit {done.returncode}: {done.stderr.strip()[:1000]}")


def open_keras(path):
    return keras.saving.load_model(path, compile=False)


def same_variables(got, want):
    expect(len(got.weights) == len(want.weights), f"{len(got.weights)} variables, expected {len(want.weights)}")
    for mine, theirs in zip(got.weights, want.weights):
        # Read before they are converted: NumPy alone has no bfloat16.
        a, b = np.asarray(keras.ops.convert_to_numpy(mine.value)), np.asarray(keras.ops.convert_to_numpy(theirs.value))
        expect(a.dtype == b.dtype and a.shape == b.shape, f"{mine.path}: {a.dtype} {a.shape}, expected {b.dtype} {b.shape}")
        expect(a.tobytes() == b.tobytes(), f"{mine.path}: other numbers")


class LatestCopy:
    """A copy of an HDF5 file in the structures of libver="latest"."""

    def __init__(self, source, target):
        self.arrays = 0
        with h5py.File(source) as old, h5py.File(target, "w", libver="latest", track_order=True) as new:
            # More than eight move out of the header.
            for index in range(9):
                new.attrs[f"note_{index}"] = "x" * index
            self.copy(old, new)

    def copy(self, old, new):
        for name, value in old.attrs.items():
            # Texts that are marked as ASCII and are not can be read, and not written again.
            texts = h5py.check_string_dtype(old.attrs.get_id(name).dtype)
            kind = h5py.string_dtype() if texts and texts.length is None else None
            new.attrs.create(name, value, dtype=kind)
        for name, child in old.items() if isinstance(old, h5py.Group) else ():
            if isinstance(child, h5py.Group):
                self.copy(child, new.create_group(name, track_order=self.arrays % 2 == 0))
            else:
                self.copy(child, self.array(child[()], new, name))

    def array(self, data, group, name):
        self.arrays += 1
        if data.ndim == 0 or data.size == 0:
            return group.create_dataset(name, data=data)
        half = tuple(-(-size // 2) for size in data.shape)
        chunks, largest, early = [
            (data.shape, data.shape, False),  # a single chunk
            (half, data.shape, True),  # no index: behind each other
            (half, data.shape, False),  # a fixed array
            (half, (None, *data.shape[1:]), False),  # an extensible array
            (half, (None,) * data.ndim, False),  # a tree
        ][self.arrays % 5]
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk(chunks)
        if early:
            properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        elif self.arrays % 3 > 0:
            properties.set_shuffle()
            properties.set_deflate(self.arrays % 9)
        space = h5py.h5s.create_simple(data.shape, tuple(h5py.h5s.UNLIMITED if size is None else size for size in largest))
        made = h5py.h5d.create(group.id, name.encode(), h5py.h5t.py_create(data.dtype), space, properties)
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(data))
        return h5py.Dataset(made)


class Case:
    def __init__(self, name, scratch):
        self.name, self.folder, self.scratch = name, FIXTURES / name, scratch / name
        self.scratch.mkdir()
        self.model = self.folder / "model.keras"
        about = json.loads((self.folder / "case.json").read_text())
        own = about["tolerance"] if about["category"] == "precision" else {}
        self.tolerance = Tolerance(own.get("atol", 1e-5), own.get("rtol", 1e-4))
        self.inputs = numbered(self.folder / "inputs.npz", "input")

    def path(self, name):
        return self.scratch / name

    def write_all(self):
        """What needs no Keras: gives the failure of each, or None, by the name of its result."""
        failures = {}
        for form in FORMATS:
            failures[form] = self.attempt("convert", self.model, self.path(f"model.{form}"))
        if (self.folder / "model.h5").exists():
            failures["from h5"] = self.attempt("convert", self.folder / "model.h5", self.path("from-h5.keras"))
            LatestCopy(self.folder / "model.h5", self.path("latest.h5"))
            failures["from latest"] = self.attempt("convert", self.path("latest.h5"), self.path("from-latest.keras"))
        for way in WAYS:
            failures[way] = self.attempt("convert", self.model, self.path(way), "--flatten", way)
            if failures[way]:
                continue
            try:
                self.save_states(way)
            except Exception as error:
                failures[way] = error
                continue
            # The order is told from the weights, which are near those of the template in one of the two.
            for what in ("same", "trained"):
                failures[f"{way} {what}"] = self.attempt(
                    "convert", self.path(f"{way}-{what}.pt"), self.path(f"{way}-{what}.keras"), "--template", self.model
                )
        return failures

    def attempt(self, *arguments):
        try:
            channelwise(*arguments)
        except (Failure, OSError, subprocess.SubprocessError) as error:
            return error
        return None

    def network(self, way):
        spec = importlib.util.spec_from_file_location("emitted_model", self.path(way) / "model.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module, module.load_model()

    def save_states(self, way):
        _, network = self.network(way)
        torch.save(network.state_dict(), self.path(f"{way}-same.pt"))
        with torch.no_grad():
            generator = torch.Generator().manual_seed(7)
            for name, parameter in network.named_parameters():
                if self.has_variable(name, parameter):
                    parameter += 0.01 * torch.randn(parameter.shape, generator=generator)
        form = {"_use_new_zipfile_serialization": way == "permute"}
        torch.save({"epoch": 1, "state_dict": {f"module.{k}": v for k, v in network.state_dict().items()}}, self.path(f"{way}-trained.pt"), **form)

    def has_variable(self, name, parameter):
        """Constants of the module have no variable in Keras: ones and zeros throughout."""
        return parameter.numel() == 0 or not (bool((parameter == 1).all()) or bool((parameter == 0).all()))

    # Each of these is one check.

    def original(self):
        return open_keras(self.model)

    def predictions(self, model):
        # A Sequential that was built by a call has no input of its own. The keys of a dictionary are in sorted order.
        structure = getattr(model, "_inputs_struct", None)
        if isinstance(structure, dict):
            given = dict(zip(sorted(structure), self.inputs))
        else:
            given = self.inputs[0] if len(self.inputs) == 1 else self.inputs
        result = model(given, training=False)
        if isinstance(result, dict):
            result = [result[key] for key in sorted(result)]
        results = result if isinstance(result, (list, tuple)) else [result]
        return [np.asarray(keras.ops.convert_to_numpy(value)) for value in results]

    def same_model(self, got):
        want = self.original()
        same_variables(got, want)
        for mine, theirs in zip(self.predictions(got), self.predictions(want)):
            expect(mine.shape == theirs.shape, f"shape {mine.shape}, expected {theirs.shape}")
            expect(mine.tobytes() == theirs.tobytes(), "other predictions")

    def whole(self, form):
        self.same_model(open_keras(self.path(f"model.{form}")))

    def weights(self):
        model = self.original()
        for variable in model.weights:
            variable.assign(keras.ops.zeros_like(variable))
        model.load_weights(self.path("model.weights.h5"))
        self.same_model(model)

    def round_trip(self, way):
        self.same_model(open_keras(self.path(f"{way}-same.keras")))

    def trained(self, way):
        module, network = self.network(way)
        state = torch.load(self.path(f"{way}-trained.pt"), weights_only=True)["state_dict"]
        network.load_state_dict({key.removeprefix("module."): value for key, value in state.items()})
        given = [torch.from_numpy(as_torch(in_layout(a, text))) for a, text in zip(self.inputs, module.INPUTS.values())]
        with torch.inference_mode():
            result = network(*given)
        results = list(result) if isinstance(result, tuple) else [result]
        predictions = self.predictions(open_keras(self.path(f"{way}-trained.keras")))
        expect(len(predictions) <= len(results), f"{len(results)} results, expected {len(predictions)}")
        for index, (tensor, text, want) in enumerate(zip(results, module.OUTPUTS.values(), predictions)):
            self.tolerance.check(f"output_{index}", in_layout(tensor.numpy(), text, back=True), want)

    def checks(self):
        yield ".keras", "keras", lambda: self.whole("keras")
        if (self.folder / "model.h5").exists():
            yield ".h5", "h5", lambda: self.whole("h5")
            yield ".h5 to .keras", "from h5", lambda: self.same_model(open_keras(self.path("from-h5.keras")))
            latest = lambda: self.same_model(open_keras(self.path("from-latest.keras")))
            yield '.h5 of libver="latest" to .keras', "from latest", latest
        yield ".weights.h5", "weights.h5", self.weights
        for way in WAYS:
            yield f"{way}, there and back", f"{way} same", lambda way=way: self.round_trip(way)
            # Weights of int8 can't be trained; what becomes of them is refused (tests/api/to-keras.test.ts).
            if not self.name.startswith("quantized"):
                yield f"{way}, trained", f"{way} trained", lambda way=way: self.trained(way)


LEGACY = FIXTURES.parent / "legacy"


def check_legacy(name, scratch):
    """A file of Keras 1 or 2 or of tf.keras as a .keras file."""
    folder, out = LEGACY / name, scratch / f"{name}.keras"
    architecture = folder / "architecture.json"
    options = ["--architecture", architecture] if architecture.exists() else []
    model = next(path for path in sorted(folder.iterdir()) if path.suffix == ".h5")
    wanted = "outputs.npz"
    try:
        channelwise("convert", model, out, *options)
    except Failure as failure:
        if "no mask that goes along" in str(failure):
            return
        # A gate has the hard_sigmoid of before Keras 3.
        expect("Keras 3 has no" in str(failure), str(failure))
        channelwise("convert", model, out, *options, "--meaning", "keras3")
        wanted = "outputs_keras3.npz"
    network = open_keras(out)
    if not (folder / wanted).exists():
        return
    inputs, outputs = numbered(folder / "inputs.npz", "input"), numbered(folder / wanted, "output")
    result = network(inputs[0] if len(inputs) == 1 else inputs, training=False)
    results = list(result) if isinstance(result, (list, tuple)) else [result]
    expect(len(results) == len(outputs), f"{len(results)} outputs, expected {len(outputs)}")
    for index, (got, want) in enumerate(zip(results, outputs)):
        Tolerance().check(f"output_{index}", np.asarray(keras.ops.convert_to_numpy(got)), want)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("cases", nargs="*", metavar="CASE", help="names of fixtures; all of them by default")
    options = options.parse_args()
    if not PROGRAM.exists():
        sys.exit(f"{PROGRAM} is missing: npm run build")
    torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))
    names = options.cases or sorted(path.name for path in FIXTURES.iterdir() if (path / "model.keras").exists())
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="channelwise-keras-") as folder, ThreadPoolExecutor(PROCESSES) as pool:
        cases = [Case(name, pathlib.Path(folder)) for name in names]
        for case, written in [(case, pool.submit(case.write_all)) for case in cases]:
            failures = written.result()
            for name, needs, action in case.checks():
                failure = failures.get(needs, failures.get(needs.split(" ")[0]))

                def perform(failure=failure, action=action):
                    if failure:
                        raise failure
                    action()

                tally.check(f"{case.name}: {name}", perform)
        for name in sorted(path.name for path in LEGACY.iterdir()) if not options.cases else []:
            tally.check(f"{name}: .keras", lambda name=name: check_legacy(name, pathlib.Path(folder)))
    print(f"{tally.passed} passed, {tally.failed} failed")
    sys.exit(1 if tally.failed or not names else 0)


if __name__ == "__main__":
    main()
