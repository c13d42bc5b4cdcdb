"""Checks against the real PyTorch that networks are the same on both sides.

    pip install torch safetensors pillow numpy
    python tests/check_torch.py target/release/xtask [TRIAL...]

Builds each network anew in PyTorch from the config in its file, lets both programs
look at the same images, and compares logits: for tensors that PyTorch drew and
`import` took, for what `export` then writes, and for each trained TRIAL (a folder in
the run store).

Not part of `cargo xtask test`: it needs Python packages.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

# Of the largest logit.
TOLERANCE = 1e-5
IMAGES = 4

CONFIGS = {
    "linear": (32, '[model]\nname = "linear"'),
    "convnet": (32, '[model]\nname = "convnet"\nlrn = { enabled = true }'),
    "convnet, tanh": (32, '[model]\nname = "convnet"\nactivation = "tanh"\npooling = "non_overlapping"'),
    "alexnet of the paper": (224, '[model]\nname = "alexnet"'),
    "alexnet for one GPU": (224, '[model]\nname = "alexnet"\ngpus = 1\nwidth = 0.5'),
    "alexnet, separate towers": (64, '[model]\nname = "alexnet"\ntowers = "separate"\nwidth = 0.5'
                                     "\nstem = { size = 7, stride = 2, padding = 3 }"),
    "alexnet, preset seed": (224, '[model]\nname = "alexnet"\npreset = "seed"\nwidth = 0.5'),
    "alexnet without conv1 and conv4": (32, '[model]\nname = "alexnet"\nwidth = 0.5\n'
                                            'remove = ["conv1", "conv4"]'),
}


class ResponseNorm(nn.Module):
    """PyTorch's, whose alpha is divided by the size, on each tower alone."""

    def __init__(self, config: dict, size: int, towers: int):
        super().__init__()
        alpha = config["alpha"] * (size if config["convention"] == "sum" else 1)
        self.norm = nn.LocalResponseNorm(size, alpha, config["beta"], config["k"])
        self.towers = towers

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.norm(part) for part in maps.chunk(self.towers, 1)], 1)


def named(layers: list) -> nn.Sequential:
    """Layers at given places; `None` is a place without one."""
    model = nn.Sequential()
    for place, layer in enumerate(layers):
        if layer is not None:
            model.add_module(str(place), layer)
    return model


def activation(config: dict) -> nn.Module:
    return {"relu": nn.ReLU, "tanh": nn.Tanh}[config["activation"]]()


def convnet(config: dict, classes: int, side: int) -> nn.Module:
    lrn, channels, layers = config["lrn"], 3, []
    for index, filters in enumerate(config["filters"]):
        layers += [nn.Conv2d(channels, filters, 5, padding=2), activation(config)]
        if index < 2:
            layers.append(ResponseNorm(lrn, lrn["size"], 1) if lrn["enabled"] else None)
        overlapping = config["pooling"] == "overlapping"
        layers.append(nn.MaxPool2d(3, 2, 1) if overlapping else nn.MaxPool2d(2, 2))
        channels = filters
    return finish(layers, lambda inputs: [nn.Linear(inputs, classes)], side)


def alexnet(config: dict, classes: int, side: int) -> nn.Module:
    gpus, lrn, stem = config["gpus"], config["lrn"], config["stem"]
    full = config.get("kernels") or ([48, 128, 192, 192, 256] if gpus == 1 else [96, 256, 384, 384, 256])
    # Halves away from zero, as Rust rounds; Python rounds them to even.
    rounded = lambda value: int(np.floor(value + 0.5))
    width = config["width"]
    kernels = full if width == 1 else [2 * max(1, rounded(k * width / 2)) for k in full]
    hidden = max(1, rounded(config["hidden"] * width))
    towers = gpus if config["towers"] == "separate" else 1
    kept = [f"conv{i}" for i in range(1, 6) if f"conv{i}" not in config["remove"]]
    pool = nn.MaxPool2d(3, 2) if config["pooling"] == "overlapping" else nn.MaxPool2d(2, 2)
    channels, layers = 3, []
    for index, kernel in enumerate(kernels):
        name = f"conv{index + 1}"
        if name in kept:
            grouped = index in (1, 3, 4) and name != kept[0]
            size = stem["size"] if index == 0 else config["sizes"][index - 1]
            stride, padding = (stem["stride"], stem["padding"]) if index == 0 else (1, size // 2)
            groups = gpus if grouped else 1
            layers += [nn.Conv2d(channels, kernel, size, stride, padding, groups=groups), activation(config)]
            channels = kernel
        else:
            layers += [None, None]
        if index < 2:
            normalised = name in kept and lrn["enabled"]
            layers.append(ResponseNorm(lrn, lrn["sizes"][index], towers) if normalised else None)
        if index in (0, 1, 4):
            layers.append(pool)

    def classifier(inputs: int) -> list:
        sizes = [inputs, hidden, hidden, classes]
        linear = [nn.Linear(a, b) for a, b in zip(sizes, sizes[1:])]
        before = [nn.Dropout(config["dropout"])] if config["dropout_at"] == "maps" else []
        return before + [linear[0], activation(config), linear[1], activation(config), linear[2]]

    return finish(layers, classifier, side)


def linear(config: dict, classes: int, side: int) -> nn.Module:
    return finish([], lambda inputs: [nn.Linear(inputs, classes)], side)


def finish(layers: list, classifier, side: int) -> nn.Module:
    features = named(layers)
    with torch.no_grad():
        inputs = features(torch.zeros(1, 3, side, side)).numel()
    model = nn.Sequential()
    model.add_module("features", features)
    model.add_module("flatten", nn.Flatten())
    model.add_module("classifier", named(classifier(inputs)))
    return model.eval()


MODELS = {"linear": linear, "convnet": convnet, "alexnet": alexnet}


def account(file: pathlib.Path) -> dict:
    with safe_open(file, "pt") as tensors:
        return json.loads(tensors.metadata()["network"])


def prepared(network: dict, pixels: np.ndarray) -> np.ndarray:
    """An image [C, H, W] at the end of the input pipeline, as when measuring."""
    values = pixels.astype(np.float32)
    augmentation = network["config"]["augmentation"]
    for step, kept in zip(augmentation["steps"], network["statistics"]):
        config = augmentation[step]
        if step == "mean_subtraction":
            kept = np.array(kept, np.float32)
            values = (values - kept[:-1].reshape(values.shape)) * kept[-1]
        elif step == "random_crop":
            padding = config["padding"]
            values = np.pad(values, ((0, 0), (padding, padding), (padding, padding)))
            size = config["size"] or pixels.shape[1]
            at = (values.shape[1] - size) // 2
            values = values[:, at : at + size, at : at + size]
        elif step == "per_image_mean":
            values = values - values.mean((1, 2), keepdims=True)
        else:
            assert step in ("reflection", "pca_colour"), f"there is no {step} here"
    return values


def model_of(network: dict) -> nn.Module:
    config = dict(network["config"]["model"])
    side = prepared(network, np.zeros(network["image"], np.uint8)).shape[1]
    return MODELS[config["name"]](config, len(network["classes"]), side)


class Check:
    def __init__(self, program: str, folder: pathlib.Path):
        self.program, self.folder, self.failed = program, folder, False

    def run(self, *arguments) -> str:
        command = [self.program, *map(str, arguments)]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    def compare(self, what: str, file: pathlib.Path, model: nn.Module) -> None:
        """Both programs' logits of images of noise and of one colour."""
        network = account(file)
        _, height, width = network["image"]
        random = np.random.default_rng(0)
        paths, inputs = [], []
        for index in range(IMAGES):
            noise = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
            pixels = noise if index else np.full_like(noise, 200)
            paths.append(self.folder / f"{index}.png")
            Image.fromarray(pixels).save(paths[-1])
            inputs.append(prepared(network, pixels.transpose(2, 0, 1)))
        lines = self.run("predict", file, *paths, "--crops", "centre", "--json", "--logits").splitlines()
        ours = np.array([json.loads(line)["logits"][0] for line in lines])
        with torch.no_grad():
            theirs = model(torch.from_numpy(np.stack(inputs))).numpy()
        largest = np.abs(theirs).max()
        difference = np.abs(ours - theirs).max()
        fits = difference <= TOLERANCE * largest
        self.failed |= not fits
        verdict = "same" if fits else "DIFFERENT"
        print(f"{verdict:9}  {what:66}  largest logit {largest:9.3f}, difference {difference:.1e}")

    def loaded(self, file: pathlib.Path) -> nn.Module:
        model = model_of(account(file))
        model.load_state_dict(load_file(file))
        return model

    def exported(self, what: str, source: pathlib.Path) -> None:
        file = self.folder / "exported.safetensors"
        self.run("export", source, "--out", file)
        self.compare(what, file, self.loaded(file))

    def imported(self, what: str, side: int, model: str) -> None:
        config = self.folder / "config.toml"
        data = f'[data]\nname = "shapes"\nsize = {side}\ntrain = 20\nvalidation = 10'
        augmentation = '[augmentation]\nsteps = ["mean_subtraction"]'
        config.write_text("\n".join([model, data, augmentation]))
        classes = self.folder / "classes.txt"
        classes.write_text("\n".join(f"class {index}" for index in range(10)))
        drawn, file = self.folder / "drawn.safetensors", self.folder / "imported.safetensors"
        resolved = json.loads(self.run("summary", config_model(model), *settings(model), "--input",
                                       f"3x{side}x{side}", "--classes", 10, "--json"))[0]
        torch.manual_seed(1)
        theirs = MODELS[resolved["model"]](resolved["config"], 10, side)
        for parameter in theirs.parameters():
            # Keeps values as large as the pixels, so that every layer counts.
            scale = 1.4 / parameter[0].numel() ** 0.5 if parameter.dim() > 1 else 10.0
            nn.init.normal_(parameter, std=scale)
        save_file(theirs.state_dict(), drawn)
        self.run("import", drawn, "--like", config, "--classes", classes, "--out", file)
        self.compare(f"{what}: drawn by PyTorch, imported", file, theirs)
        self.exported(f"{what}: exported again, loaded by PyTorch", file)


def config_model(model: str) -> str:
    return model.split('name = "')[1].split('"')[0]


def settings(model: str) -> list:
    lines = [line for line in model.splitlines()[1:] if not line.startswith("name")]
    return [part for line in lines for part in ("--set", "model." + line)]


def main() -> int:
    program, *trials = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        check = Check(program, pathlib.Path(folder))
        for what, (side, model) in CONFIGS.items():
            check.imported(what, side, model)
        for trial in trials:
            check.exported(f"trained: {pathlib.Path(trial).name}", pathlib.Path(trial))
    print(f"PyTorch {torch.__version__}; tolerance {TOLERANCE} of the largest logit")
    return int(check.failed)


if __name__ == "__main__":
    sys.exit(main())
