"""The other side of bench/train.sh: the same model in PyTorch, on the same batches, from the same initial weights.

    train_torch.py FILE THREADS WEIGHTS

Reads the batches that `train write` made and the initial weights that `train serve` wrote, and speaks as that program does (bench/train.c).
What makes PyTorch faster on a processor is done: keys are projected once a batch, the output layer runs once over all steps, Adam is the fused
one, glibc keeps freed memory, and the backward encoder reads turned rows, which measured 2 to 4 % faster than packed sequences. Padding
reaches neither attention nor loss, so both sides compute the same function: without dropout they must give the same losses, and do.
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

torch.set_num_threads(THREADS)
torch.manual_seed(1)
BEGIN, END, IGNORED = 1, 2, -100


def read_batches(path):
    with open(path) as f:
        assert f.readline() == "heed batches 1\n", f"{path} is no file of batches"
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


class Model(nn.Module):
    """Bahdanau et al. 2015 with GRUs: context from the state before, features [state; context; embedding]."""

    def __init__(self, source, target, embed, width, dropout):
        super().__init__()
        self.source_embedding, self.target_embedding = nn.Embedding(source, embed), nn.Embedding(target, embed)
        self.ahead, self.behind = nn.GRU(embed, width, batch_first=True), nn.GRU(embed, width, batch_first=True)
        self.start = nn.Linear(2 * width, width)
        self.query, self.key = nn.Linear(width, width, bias=False), nn.Linear(2 * width, width)
        self.v = nn.Parameter(torch.empty(width))
        self.cell = nn.GRUCell(embed + 2 * width, width)
        self.head = nn.Linear(3 * width + embed, target)
        self.dropout = nn.Dropout(dropout)

    def encode(self, source, lengths):
        x = self.dropout(self.source_embedding(source))
        at = torch.arange(source.shape[1])
        turned = torch.where(at < lengths[:, None], lengths[:, None] - 1 - at, at)      # each sentence back to front, its padding where it was

        def turn(rows):
            return rows.gather(1, turned[:, :, None].expand(-1, -1, rows.shape[2]))
        ahead, behind = self.ahead(x)[0], turn(self.behind(turn(x))[0])
        last = torch.cat([ahead[torch.arange(len(lengths)), lengths - 1], behind[:, 0]], 1)
        return torch.cat([ahead, behind], 2), torch.tanh(self.start(last))

    def forward(self, source, lengths, before):                                     # [B,S], [B], [B,T] -> [B,T,V]
        memory, h = self.encode(source, lengths)
        keys = self.key(memory)
        hidden = torch.arange(source.shape[1]) >= lengths[:, None]
        y = self.dropout(self.target_embedding(before))
        features = []
        for t in range(before.shape[1]):
            scores = torch.tanh(keys + self.query(h)[:, None]) @ self.v
            weights = F.softmax(scores.masked_fill(hidden, -torch.inf), 1)
            context = (weights[:, None] @ memory).squeeze(1)
            h = self.cell(torch.cat([y[:, t], context], 1), h)
            features.append(torch.cat([h, context, y[:, t]], 1))
        return self.head(self.dropout(torch.stack(features, 1)))

    def load(self, w):
        """From the names of heed's weights."""
        def copy(to, *names):
            to.data.copy_(torch.cat([w.pop(n) for n in names], 1) if len(names) > 1 else w.pop(names[0]).view_as(to))
        copy(self.source_embedding.weight, "encoder.embedding")
        copy(self.target_embedding.weight, "decoder.embedding")
        for encoder, direction in ((self.ahead, "forward"), (self.behind, "backward")):
            for part, name in (("ih", "input"), ("hh", "hidden")):
                for kind in ("weight", "bias"):
                    copy(getattr(encoder, f"{kind}_{part}_l0"), f"encoder.0.{direction}.{name}.{kind}")
        copy(self.cell.weight_ih, "decoder.0.input.weight", "decoder.context.weight")
        copy(self.cell.bias_ih, "decoder.0.input.bias")
        copy(self.cell.weight_hh, "decoder.0.hidden.weight")
        copy(self.cell.bias_hh, "decoder.0.hidden.bias")
        for layer, name in ((self.start, "decoder.0.start"), (self.key, "attention.key"), (self.head, "head")):
            copy(layer.weight, f"{name}.weight")
            copy(layer.bias, f"{name}.bias")
        copy(self.query.weight, "attention.query.weight")
        copy(self.v, "attention.v")
        assert not w, f"weights that this model has not: {', '.join(w)}"


def update(model, optimizer, batch, clip):
    """Returns symbols of both sides, symbols of the target, sum of their losses."""
    source, target = ([s + [END] for s in side] for side in batch)
    lengths = torch.tensor([len(s) for s in source])
    before, after = pad([[BEGIN] + t[:-1] for t in target], END), pad(target, IGNORED)
    logits = model(pad(source, END), lengths, before)
    loss = F.cross_entropy(logits.flatten(0, 1), after.flatten(), ignore_index=IGNORED)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    n = sum(map(len, target))
    return int(lengths.sum()) + n, n, loss.item() * n


def main():
    settings, batches = read_batches(PATH)
    model = Model(int(settings["source"]), int(settings["target"]), int(settings["embed"]), int(settings["width"]), settings["dropout"])
    model.load(read_weights(WEIGHTS))
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=settings["rate"], fused=True)
    print(f"ready {sum(p.numel() for p in model.parameters())} PyTorch {torch.__version__}", flush=True)
    at = 0
    for line in sys.stdin:
        count = int(line.removeprefix("run "))
        began, sums = time.perf_counter(), [0, 0, 0.0]
        for _ in range(count):
            sums = [a + b for a, b in zip(sums, update(model, optimizer, batches[at], settings["clip"]))]
            at = (at + 1) % len(batches)
        print(f"{time.perf_counter() - began:.6f} {sums[0]} 0 {sums[2] / max(sums[1], 1):.6f}", flush=True)


main()
