"""Loads a trial's events with the real TensorBoard and checks every tag.

    pip install tensorboard
    python tests/check_events.py runs/relu_vs_tanh/quick

Not part of `cargo xtask test`: it needs a Python package.
"""

import json
import pathlib
import sys
import tomllib

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2

SCALARS = ["learning_rate", "images_per_second"] + [
    f"{metric}/{split}"
    for metric in ("loss", "top1_error", "top5_error")
    for split in ("train", "validation")
]


def check_hparams(trial: pathlib.Path, events: EventAccumulator) -> None:
    """The variant, the seed and the config, as the tab HParams reads them."""
    content = {
        tag: plugin_data_pb2.HParamsPluginData.FromString(
            events.SummaryMetadata(tag).plugin_data.content
        )
        for tag in events.PluginTagToContent("hparams")
    }
    start = content["_hparams_/session_start_info"].session_start_info
    end = content["_hparams_/session_end_info"].session_end_info
    summary = json.load(open(trial / "trial.json"))
    hparams = start.hparams
    assert hparams["variant"].string_value == summary["variant"], trial
    assert hparams["seed"].number_value == summary["seed"], trial
    rate = tomllib.load(open(trial / "config.toml", "rb"))["optimiser"]["lr"]
    assert hparams["optimiser.lr"].number_value == rate, trial
    assert end.status == api_pb2.STATUS_SUCCESS, trial
    assert end.end_time_secs >= start.start_time_secs > 0, trial


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
    check_hparams(trial, events)
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
