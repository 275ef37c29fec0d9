"""The other side of bench/train.sh: the same model in PyTorch, on the same batches, from the same initial weights.

    train_torch.py FILE THREADS WEIGHTS [DROPOUT [NUMBERS]]

Reads the batches that `batches` made and the initial weights that `train` wrote, and speaks as that program does (bench/train.c).
What makes PyTorch faster on a processor is done (torch_models.py). Additive attention: keys are projected once a batch, the output layer runs once over all steps,
and the backward encoder reads turned rows, which measured 2 to 4 % faster than packed sequences. A fixed vector: the decoder is one call of nn.LSTM or nn.GRU. Transformer:
queries, keys and values are one product, attention is the library's own fused one. All: logits are made for targets only, not for padding, Adam is the fused one,
glibc keeps freed memory. Padding reaches neither states, attention nor loss, so both sides compute the same function: without dropout they must give the same losses, and do.
"""
import ctypes
import json
import os
import sys
import time

PATH, THREADS, WEIGHTS = sys.argv[1], int(sys.argv[2]), sys.argv[3]
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(THREADS)

# Without this the system takes back each large tensor's memory as it is freed, and gives it anew page by page: a third slower.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
if hasattr(ctypes.CDLL(None), "mallopt"):
    for option, value in ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, -1), (M_TOP_PAD, 64 << 20)):
        ctypes.CDLL(None).mallopt(option, value)

import torch                          # noqa: E402
import torch.nn as nn                 # noqa: E402
import torch.nn.functional as F       # noqa: E402

from torch_models import model_of     # noqa: E402

torch.set_num_threads(THREADS)
torch.manual_seed(1)
BEGIN, END, IGNORED = 1, 2, -100


def read_batches(path):
    with open(path) as f:
        assert f.readline() == "heed batches 3\n", f"{path} is no file of batches"
        words = f.readline().split()
        settings = dict(zip(words[::2], map(float, words[1::2])))
        batches = []
        for _ in range(int(settings["batches"])):
            sides = [f.readline().split("|") for _ in range(int(f.readline()))]
            batches.append([[list(map(int, s[k].split())) for s in sides] for k in (0, 1)])
    return settings, batches


def read_weights(path):
    with open(path, "rb") as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        data = bytearray(f.read())
    header.pop("__metadata__", None)
    return {name: torch.frombuffer(data, dtype=torch.float32, count=(t["data_offsets"][1] - t["data_offsets"][0]) // 4,
                                   offset=t["data_offsets"][0]).reshape(t["shape"]) for name, t in header.items()}


def pad(rows, filler):
    n = max(map(len, rows))
    return torch.tensor([r + [filler] * (n - len(r)) for r in rows])


NUMBERS = sys.argv[5] if len(sys.argv) > 5 else "f32"


def learn(model, batch, smoothing, targets):
    """The way there and back; returns symbols of both sides, the sum of -ln p of the targets, and seconds without the making of that figure."""
    began = time.perf_counter()
    source, target = ([s + [END] for s in side] for side in batch)
    lengths = torch.tensor([len(s) for s in source])
    before, after = pad([[BEGIN] + t[:-1] for t in target], END), pad(target, IGNORED).flatten()
    kept = (after != IGNORED).nonzero().squeeze(1)
    after = after[kept]
    with torch.autocast("cpu", torch.bfloat16, enabled=NUMBERS == "bf16"):     # weights, sums and losses stay f32
        logits = model(pad(source, END), lengths, before, kept)
        loss = F.cross_entropy(logits, after, label_smoothing=smoothing, reduction="sum") / targets
    loss.backward()
    spent = time.perf_counter() - began
    with torch.no_grad():
        plain = loss * targets if smoothing == 0 else F.cross_entropy(logits, after, reduction="sum")
    return int(lengths.sum()) + len(after), plain.item(), spent


def update(model, optimizer, batches, settings):
    """Returns symbols of both sides, symbols of the target, sum of their losses, seconds."""
    targets = sum(len(t) + 1 for batch in batches for t in batch[1])
    began = time.perf_counter()
    optimizer.zero_grad()
    spent = time.perf_counter() - began
    symbols, losses, seconds = zip(*(learn(model, batch, settings["smoothing"], targets) for batch in batches))
    began = time.perf_counter()
    nn.utils.clip_grad_norm_(model.parameters(), settings["clip"])
    optimizer.step()
    return sum(symbols), targets, sum(losses), sum(seconds) + spent + time.perf_counter() - began


def most_memory():
    """MB of 1e6 bytes."""
    with open("/proc/self/status") as f:
        return int(next(line for line in f if line.startswith("VmHWM")).split()[1]) * 1024 / 1e6


def main():
    settings, batches = read_batches(PATH)
    sizes = {name: value if name == "dropout" else int(value) for name, value in settings.items()}
    sizes["dropout"] = float(sys.argv[4]) if len(sys.argv) > 4 and float(sys.argv[4]) >= 0 else sizes["dropout"]
    model, weights = model_of(sizes), read_weights(WEIGHTS)
    model.load(weights)
    assert not weights, f"weights that this model has not: {', '.join(weights)}"
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=settings["rate"], betas=(0.9, settings["beta2"]), fused=True)
    count = sum(p.numel() for p in model.parameters()) - (model.more() if hasattr(model, "more") else 0)
    print(f"ready {count} PyTorch {torch.__version__}", flush=True)
    at, together = 0, sizes["accumulate"]
    for line in sys.stdin:
        sums = [0, 0, 0.0, 0.0]
        for _ in range(int(line.removeprefix("run "))):
            chosen = [batches[(at + i) % len(batches)] for i in range(together)]
            sums = [a + b for a, b in zip(sums, update(model, optimizer, chosen, settings))]
            at = (at + together) % len(batches)
        print(f"{sums[3]:.6f} {sums[0]} 0 {sums[2] / max(sums[1], 1):.6f} {most_memory():.0f}", flush=True)


main()
