"""Has PyTorch itself run what channelwise writes, and NumPy itself read it, for every Keras fixture.

    python tests/python/check_torch.py [CASE ...] [--random N] [--keras N]        after `npm run build`

For each folder of tests/fixtures/keras, by the built command line:
- `run`: its .npz files, read by NumPy, hold what Keras gave, layer by layer;
- `convert` in each of the ways below: load_model() (a strict load_state_dict) is in eval mode, its outputs on the fixture's
  inputs are Keras', and model.py's check of itself passes;
- `convert --to safetensors` and `--to pt`: PyTorch's own readers give the tensors of the folder's state dict, to the bit.

--random N does the same to N random networks of tests/support/random-keras.ts, whose answers are computed there; --keras N
runs, and converts with permute and fold, N random models that real Keras makes, saves and runs (random_keras.py).

Agreement is |got - want| <= 1e-5 + 1e-4 |want|, and got finite; a fixture of category "precision" brings a tolerance of its own.
Prints FAIL lines, and at the end `N passed, N failed`. Needs what requirements.txt lists; --keras also what
keras-requirements.txt does.
"""

import argparse
import contextlib
import importlib.util
import io
import json
import os
import pathlib
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from safetensors.torch import load_file

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = REPOSITORY / "dist" / "cli.js"
FIXTURES = REPOSITORY / "tests" / "fixtures" / "keras"
PROCESSES = 2
PATIENCE_SECONDS = 120

# The folder's name, and the options of `convert` that make it.
WAYS = {
    "permute": [],
    "fold": ["--flatten", "fold"],
    "io-keras": ["--io", "keras"],
    "weights-pt": ["--weights", "pt"],
}


class Failure(Exception):
    """One check found something wrong; the message says what."""


def expect(condition, message):
    if not condition:
        raise Failure(message)


# ------------------------------------------------------------------------------------------- comparing


class Tolerance:
    def __init__(self, absolute=1e-5, relative=1e-4):
        self.absolute, self.relative = absolute, relative

    def check(self, name, got, want):
        got = got.detach().numpy() if isinstance(got, torch.Tensor) else got
        expect(got.shape == want.shape, f"{name}: shape {got.shape}, expected {want.shape}")
        got, want = got.astype(np.float64), want.astype(np.float64)
        expect(np.isfinite(got).all(), f"{name}: not all numbers are finite")
        excess = np.abs(got - want) - self.relative * np.abs(want)
        largest = excess.max(initial=0.0)
        expect(largest <= self.absolute, f"{name}: differs by up to {np.abs(got - want).max():.3g}")


def numbered(path, stem):
    """input_0, input_1, ... of a .npz file, in order; nothing else may be in it."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files if name.startswith(stem)}
    return [arrays[f"{stem}_{index}"] for index in range(len(arrays))]


def in_layout(array, text, back=False):
    """An array of Keras in the module's order of axes, by an entry of INPUTS or OUTPUTS such as "NLC -> NCL"; or back again."""
    if "->" not in text:
        return array
    source, target = (side.strip() for side in text.split("->"))
    if back:
        source, target = target, source
    return np.ascontiguousarray(np.einsum(array, [*map(ord_of, source)], [*map(ord_of, target)]))


def ord_of(letter):
    return ord(letter) - ord("A")


# -------------------------------------------------------------------------------------------- a case


class Case:
    """A model file with inputs and the outputs that Keras gave, and a folder for what is written from it."""

    def __init__(self, folder, scratch, tolerance, ways=WAYS, single_files=True):
        self.folder, self.name, self.tolerance = folder, folder.name, tolerance
        self.ways, self.single_files = ways, single_files
        self.scratch = scratch / folder.name
        self.scratch.mkdir()
        models = sorted(folder.glob("model.*"))
        self.model = next(path for path in models if path.suffix in (".keras", ".safetensors"))
        self.inputs = numbered(folder / "inputs.npz", "input")
        self.outputs = numbered(folder / "outputs.npz", "output")
        self.layers = folder / "layers.npz"

    def channelwise(self, command, *arguments):
        done = subprocess.run(
            ["node", str(PROGRAM), command, str(self.model), *map(str, arguments)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_SECONDS,
        )
        expect(done.returncode == 0, f"{command}: exit {done.returncode}: {done.stderr.strip()[:1000]}")

    def write_all(self):
        """Runs every command; gives the failure of each, or None, by the name of its result."""
        jobs = {name: ["convert", self.scratch / name, *options] for name, options in self.ways.items()}
        if self.single_files:
            jobs["safetensors"] = ["convert", self.scratch / "only.safetensors"]
            jobs["pt"] = ["convert", self.scratch / "only.pt"]
        jobs["run"] = [
            "run", "--input", self.folder / "inputs.npz",
            "--output", self.scratch / "outputs.npz", "--layers", self.scratch / "layers.npz",
        ]
        failures = {}
        for name, job in jobs.items():
            try:
                self.channelwise(*job)
                failures[name] = None
            except (Failure, OSError, subprocess.SubprocessError) as error:
                failures[name] = error
        return failures

    # Each of these is one check.

    def run(self):
        got = numbered(self.scratch / "outputs.npz", "output")
        self.compare_outputs(got)
        if not self.layers.exists():
            return
        with np.load(self.layers) as wanted, np.load(self.scratch / "layers.npz", allow_pickle=False) as found:
            for name in wanted.files:
                expect(name in found.files, f"layers: {name} is missing")
                expect(found[name].dtype == np.float32, f"layers: {name} is {found[name].dtype}")
                self.tolerance.check(f"layers: {name}", found[name], wanted[name])

    def program(self, way):
        module = self.load(way)
        network = module.load_model()
        expect(isinstance(network, torch.nn.Module), "load_model() gives no torch.nn.Module")
        expect(not any(part.training for part in network.modules()), "load_model() gives a part in training mode")
        expect(len(module.INPUTS) == len(self.inputs), f"{len(module.INPUTS)} INPUTS, expected {len(self.inputs)}")
        expect(len(module.OUTPUTS) == len(self.outputs), f"{len(module.OUTPUTS)} OUTPUTS, expected {len(self.outputs)}")
        if way == "io-keras":
            arrows = [text for text in [*module.INPUTS.values(), *module.OUTPUTS.values()] if "->" in text]
            expect(not arrows, f"--io keras, and yet {arrows}")
        given = [in_layout(array, text) for array, text in zip(self.inputs, module.INPUTS.values())]
        with torch.inference_mode():
            result = network(*[torch.from_numpy(as_torch(array)) for array in given])
        results = list(result) if isinstance(result, tuple) else [result]
        expect(len(results) == len(self.outputs), f"{len(results)} results, expected {len(self.outputs)}")
        texts = module.OUTPUTS.values()
        self.compare_outputs([in_layout(tensor.numpy(), text, back=True) for tensor, text in zip(results, texts)])

    def itself(self, way):
        """`python model.py`, without a new process for each."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            try:
                runpy.run_path(str(self.scratch / way / "model.py"), run_name="__main__")
                code = 0
            except SystemExit as stop:
                code = stop.code or 0
        expect(code == 0, f"exit {code}: {said.getvalue().strip()}")
        expect(said.getvalue().count("agrees") == len(self.outputs), f"said {said.getvalue()!r}")

    def safetensors(self):
        same_tensors(load_file(self.scratch / "only.safetensors"), load_file(self.scratch / "permute" / "model.safetensors"))

    def pt(self):
        state = torch.load(self.scratch / "only.pt", weights_only=True)
        expect(isinstance(state, dict), f"a {type(state).__name__}, expected a dict")
        same_tensors(state, load_file(self.scratch / "permute" / "model.safetensors"))
        beside = torch.load(self.scratch / "weights-pt" / "model.pt", weights_only=True)
        same_tensors(beside, state)

    def compare_outputs(self, got):
        expect(len(got) == len(self.outputs), f"{len(got)} outputs, expected {len(self.outputs)}")
        for index, (found, wanted) in enumerate(zip(got, self.outputs)):
            self.tolerance.check(f"output_{index}", found, wanted)

    def load(self, way):
        spec = importlib.util.spec_from_file_location("emitted_model", self.scratch / way / "model.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def checks(self):
        """(what it is called, whose files it needs, what to do)"""
        yield "run", ["run"], self.run
        for way in self.ways:
            yield f"{way}: PyTorch", [way], lambda way=way: self.program(way)
            yield f"{way}: model.py", [way], lambda way=way: self.itself(way)
        if not self.single_files:
            return
        yield "safetensors", ["safetensors", "permute"], self.safetensors
        yield "pt", ["pt", "permute", "weights-pt"], self.pt


def as_torch(array):
    return array.astype(np.int64) if array.dtype.kind == "i" else array


def same_tensors(got, want):
    expect(got.keys() == want.keys(), f"tensors {sorted(got)}, expected {sorted(want)}")
    for name, tensor in got.items():
        expect(tensor.dtype == want[name].dtype, f"{name}: {tensor.dtype}, expected {want[name].dtype}")
        expect(torch.equal(tensor, want[name]), f"{name}: other numbers")


# ----------------------------------------------------------------------------------------- all of them


def fixture_cases(names, scratch):
    known = sorted(path.name for path in FIXTURES.iterdir() if (path / "model.keras").exists())
    for name in names or known:
        about = json.loads((FIXTURES / name / "case.json").read_text())
        own = about["tolerance"] if about["category"] == "precision" else {}
        yield Case(FIXTURES / name, scratch, Tolerance(own.get("atol", 1e-5), own.get("rtol", 1e-4)))


def random_cases(count, scratch):
    """Random networks; their own large sums of float32 are why the tolerance is wider."""
    if not count:
        return
    made = scratch / "random-models"
    made.mkdir()
    compiler = REPOSITORY / "node_modules" / "typescript" / "bin" / "tsc"
    script = REPOSITORY / "build" / "random-models" / "tests" / "python" / "random-models.js"
    for command in (
        [compiler, "-p", REPOSITORY / "tests" / "python" / "tsconfig.json"],
        [script, made, count],
    ):
        subprocess.run(["node", *map(str, command)], check=True, stdin=subprocess.DEVNULL, timeout=600)
    for folder in sorted(made.iterdir()):
        yield Case(folder, scratch, Tolerance(1e-4, 1e-3))


ENOUGH_FOR_ALL = 300
"""Random models of Keras in which every layer that is read has to occur."""


def check_all_drawn(folder):
    """Every class that docs/layers.md lists as read, by one of its names, is in a model of this folder."""
    page = (REPOSITORY / "docs" / "layers.md").read_text(encoding="utf-8")
    table = page.split("## Layers that are read\n\n")[1].split("\n\n")[0].splitlines()
    names = [row.split("|")[1].strip().split(", ") for row in table[2:]]
    expect(len(names) > 50, f"docs/layers.md: a table of {len(names)} layers")
    drawn = set()
    for model in folder.glob("*/model.keras"):
        with zipfile.ZipFile(model) as archive:
            drawn.update(re.findall(r'"class_name": "(\w+)"', archive.read("config.json").decode()))
    missing = [row[0] for row in names if not drawn.intersection(row)]
    expect(not missing, f"in none of the random models: {', '.join(missing)}")


def keras_cases(count, scratch, tally):
    """Random models of real Keras; the tolerance is that of random networks."""
    if not count:
        return
    made = scratch / "keras-models"
    made.mkdir()
    maker = pathlib.Path(__file__).with_name("random_keras.py")
    done = subprocess.run(
        [sys.executable, str(maker), str(made), str(count)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1800,
    )
    if done.returncode:
        raise subprocess.SubprocessError(f"{maker.name}: exit {done.returncode}: {done.stderr.strip()[-2000:]}")
    if count >= ENOUGH_FOR_ALL:
        tally.check("keras models: every layer", lambda: check_all_drawn(made))
    for folder in sorted(made.iterdir()):
        ways = {name: WAYS[name] for name in ("permute", "fold")}
        yield Case(folder, scratch, Tolerance(1e-4, 1e-3), ways, single_files=False)


class Tally:
    def __init__(self):
        self.passed, self.failed = 0, 0

    def check(self, name, action):
        try:
            action()
            self.passed += 1
        except Exception as error:  # whatever an emitted program raises is a failure of its check
            self.failed += 1
            text = str(error) if isinstance(error, Failure) else f"{type(error).__name__}: {error}"
            print(f"FAIL {name}: {text}", flush=True)


def check_as_program(case, failures, tally):
    """The real thing once: `python model.py` in a process of its own, from another folder."""

    def action():
        if failures["permute"]:
            raise failures["permute"]
        done = subprocess.run(
            [sys.executable, str(case.scratch / "permute" / "model.py")],
            cwd=tempfile.gettempdir(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_SECONDS,
        )
        expect(done.returncode == 0, f"exit {done.returncode}: {done.stdout}{done.stderr}")

    def broken():
        """The check has to be able to fail."""
        copy = case.scratch / "broken"
        shutil.copytree(case.scratch / "permute", copy)
        source = (copy / "model.py").read_text(encoding="utf-8")
        expect(".permute(0, 2, 1)" in source, "no permute in model.py")
        (copy / "model.py").write_text(source.replace(".permute(0, 2, 1)", ""), encoding="utf-8")
        done = subprocess.run([sys.executable, str(copy / "model.py")], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        expect(done.returncode == 1 and "DIFFERS" in done.stdout, f"exit {done.returncode}: {done.stdout}{done.stderr}")

    tally.check(f"{case.name}: python model.py", action)
    tally.check(f"{case.name}: python model.py without its permute exits 1", broken)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("cases", nargs="*", metavar="CASE", help="names of fixtures; all of them by default")
    options.add_argument("--random", type=int, default=0, metavar="N", help="random networks besides")
    options.add_argument("--keras", type=int, default=0, metavar="N", help="random models of real Keras besides")
    options = options.parse_args()
    if not PROGRAM.exists():
        sys.exit(f"{PROGRAM} is missing: npm run build")
    torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="channelwise-torch-") as folder, ThreadPoolExecutor(PROCESSES) as pool:
        scratch = pathlib.Path(folder)
        cases = [*fixture_cases(options.cases, scratch)]
        try:
            cases += random_cases(options.random, scratch)
            cases += keras_cases(options.keras, scratch, tally)
        except subprocess.SubprocessError as error:
            tally.failed += 1
            print(f"FAIL random networks: {error}")
        for case, written in [(case, pool.submit(case.write_all)) for case in cases]:
            failures = written.result()
            for name, needs, action in case.checks():
                failure = next((failures[need] for need in needs if failures[need]), None)

                def perform(failure=failure, action=action):
                    if failure:
                        raise failure
                    action()

                tally.check(f"{case.name}: {name}", perform)
            if case.name == "seed-experiment":
                check_as_program(case, failures, tally)
            shutil.rmtree(case.scratch)
    if not cases:
        tally.failed += 1
        print("FAIL there are no fixtures")
    print(f"{tally.passed} passed, {tally.failed} failed")
    sys.exit(1 if tally.failed else 0)


if __name__ == "__main__":
    main()
