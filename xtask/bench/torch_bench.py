"""Times PyTorch on the cases that `cargo xtask bench` gives it.

Prints one JSON line a case: name, pass, precision, seconds (min, median, max,
runs), peak_rss_mib, version. Tensors are float32 in the default NCHW layout on
the case's device; bfloat16 is what autocast makes of them. On a GPU float32 is
just that: products are not rounded to TF32.
"""

import argparse
import json
import resource
import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn


class ResponseNorm(nn.Module):
    """Local response normalisation in the paper's convention, alpha * sum."""

    def __init__(self, size, alpha, beta, k):
        super().__init__()
        self.settings = (size, alpha * size, beta, k)

    def forward(self, x):
        return F.local_response_norm(x, *self.settings)


def convnet(classes, lrn):
    def block(inputs, outputs, norm):
        yield nn.Conv2d(inputs, outputs, 5, padding=2)
        yield nn.ReLU()
        if norm:
            yield ResponseNorm(3, 5e-5, 0.75, 1.0)
        yield nn.MaxPool2d(3, 2, 1)

    layers = [*block(3, 32, lrn), *block(32, 32, lrn), *block(32, 64, False)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 4 * 4, classes))


def alexnet(classes):
    """The paper's network (Krizhevsky et al. 2012) in its two groups."""

    def norm():
        return ResponseNorm(5, 1e-4, 0.75, 2.0)

    return nn.Sequential(
        nn.Conv2d(3, 96, 11, stride=4, padding=2), nn.ReLU(), norm(), nn.MaxPool2d(3, 2),
        nn.Conv2d(96, 256, 5, padding=2, groups=2), nn.ReLU(), norm(), nn.MaxPool2d(3, 2),
        nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 384, 3, padding=1, groups=2), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Flatten(),
        nn.Linear(256 * 6 * 6, 4096), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(4096, classes),
    )  # fmt: skip


def autocast(case):
    """Where a case is in bfloat16, a context in which PyTorch casts operands."""
    kind = torch.device(case["device"]).type
    return torch.autocast(kind, dtype=torch.bfloat16, enabled=case["precision"] == "bf16")


def finish(device):
    """Waits for a GPU, which goes on by itself."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def network(case):
    """The function that runs a network once: forward, or a training step."""
    work, batch = case["work"], case["batch"]
    classes = work["classes"]
    name = work["network"]
    net = alexnet(classes) if name == "alexnet" else convnet(classes, name.endswith("lrn"))
    device = torch.device(case["device"])
    net = net.to(device)
    images = torch.randn(batch, *case["input"], device=device)
    targets = torch.randint(classes, (batch,), device=device)
    if case["pass"] == "forward":
        net.eval()

        def forward():
            with torch.no_grad(), autocast(case):
                net(images)
            finish(device)

        return forward
    optimiser = torch.optim.SGD(net.parameters(), lr=1e-4, momentum=0.9, weight_decay=5e-4)

    def step():
        optimiser.zero_grad(set_to_none=True)
        with autocast(case):
            loss = F.cross_entropy(net(images), targets)
        loss.backward()
        optimiser.step()
        loss.item()
        finish(device)

    return step


def operator(case):
    """The function that runs one pass of an operator once."""
    work = case["work"]
    x = torch.randn(case["batch"], *case["input"])
    # Nobody wants the gradient of an image.
    wanted = [] if case["input"][0] == 3 else [x]
    if work["kind"] == "conv2d":
        shape = (work["filters"], case["input"][0] // work["groups"], work["kernel"], work["kernel"])
        w, b = 0.01 * torch.randn(shape), torch.zeros(work["filters"])
        wanted += [w, b]
        settings = (work["stride"], work["padding"], 1, work["groups"])

        def apply():
            return F.conv2d(x, w, b, *settings)

    elif work["kind"] == "linear":
        w, b = 0.01 * torch.randn(work["outputs"], *case["input"]), torch.zeros(work["outputs"])
        wanted += [w, b]

        def apply():
            return F.linear(x, w, b)

    elif work["kind"] == "max_pool2d":

        def apply():
            return F.max_pool2d(x, work["kernel"], work["stride"], work["padding"])

    elif work["kind"] == "response_norm":
        size, alpha = work["size"], work["alpha"]

        def apply():
            return F.local_response_norm(x, size, alpha * size, work["beta"], work["k"])

    else:
        raise ValueError(f"there is no operator {work['kind']}")

    # Forward, too: a training step needs the graph, and with it the pools' winners.
    for tensor in wanted:
        tensor.requires_grad_()

    def forward():
        with autocast(case):
            return apply()

    if case["pass"] == "forward":
        return forward
    y = forward()
    gradient = torch.randn_like(y)
    return lambda: torch.autograd.grad(y, wanted, gradient, retain_graph=True)


def measure(run, repeats, seconds):
    """Seconds of each run after a first one that does not count."""
    run()
    times, start = [], time.perf_counter()
    while len(times) < repeats and (not times or time.perf_counter() - start < seconds):
        before = time.perf_counter()
        run()
        times.append(time.perf_counter() - before)
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--repeats", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True, help="per case, about")
    parser.add_argument("--cases", type=json.loads, required=True, help="a JSON list")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    torch.backends.cudnn.allow_tf32 = False
    for case in arguments.cases:
        make = network if case["work"]["kind"] == "network" else operator
        times = measure(make(case), arguments.repeats, arguments.seconds)
        line = {
            "name": case["name"],
            "pass": case["pass"],
            "precision": case["precision"],
            "seconds": {
                "min": min(times),
                "median": statistics.median(times),
                "max": max(times),
                "runs": len(times),
            },
            "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "version": f"PyTorch {torch.__version__}",
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
