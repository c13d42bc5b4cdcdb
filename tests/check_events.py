"""Loads a trial's events with the real TensorBoard and checks every tag.

    pip install tensorboard
    python tests/check_events.py runs/relu_vs_tanh/quick

Not part of `cargo xtask test`: it needs a Python package.
"""

import pathlib
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

SCALARS = ["learning_rate", "images_per_second"] + [
    f"{metric}/{split}"
    for metric in ("loss", "top1_error", "top5_error")
    for split in ("train", "validation")
]


def check(trial: pathlib.Path) -> None:
    events = EventAccumulator(str(trial), size_guidance={"images": 0, "histograms": 0, "scalars": 0})
    events.Reload()
    tags = events.Tags()
    epochs = sum(1 for _ in open(trial / "metrics.jsonl"))
    for tag in SCALARS:
        assert tag in tags["scalars"], f"{trial}: no scalar {tag}, only {tags['scalars']}"
        steps = [event.step for event in events.Scalars(tag)]
        assert steps == list(range(1, epochs + 1)), f"{trial}: {tag} has steps {steps}"
    pictures = events.Images("filters/first_convolution")
    assert [picture.step for picture in pictures] == list(range(epochs + 1)), trial
    assert all(picture.encoded_image_string.startswith(b"\x89PNG") for picture in pictures)
    histograms = [tag for tag in tags["histograms"] if tag.startswith("parameters/")]
    assert histograms, f"{trial}: no histograms"
    for tag in histograms:
        for event in events.Histograms(tag):
            value = event.histogram_value
            assert sum(value.bucket) == value.num, f"{trial}: {tag} loses values"
    print(f"{trial.name}: {len(tags['scalars'])} scalars, {len(pictures)} pictures, {len(histograms)} histograms")


def main() -> None:
    trials = sorted(path.parent for path in pathlib.Path(sys.argv[1]).rglob("trial.json"))
    assert trials, "no trials there"
    for trial in trials:
        check(trial)


main()
