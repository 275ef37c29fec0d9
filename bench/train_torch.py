"""The other side of bench/train.sh: the same model in PyTorch, on the same batches, from the same initial weights.

    train_torch.py FILE THREADS WEIGHTS

Reads the batches that `batches` made and the initial weights that `train` wrote, and speaks as that program does (bench/train.c).
What makes PyTorch faster on a processor is done. Recurrent: keys are projected once a batch, the output layer runs once over all steps, and the
backward encoder reads turned rows, which measured 2 to 4 % faster than packed sequences. Transformer: queries, keys and values are one product, attention is
the library's own fused one, and logits are made for targets only, not for padding. Both: Adam is the fused one, glibc keeps freed memory. Padding
reaches neither attention nor loss, so both sides compute the same function: without dropout they must give the same losses, and do.
"""
import ctypes
import json
import math
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
        assert f.readline() == "heed batches 2\n", f"{path} is no file of batches"
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


class Recurrent(nn.Module):
    """Bahdanau et al. 2015 with GRUs: context from the state before, features [state; context; embedding]."""

    def __init__(self, source, target, embed, width, dropout, **_):
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

    def forward(self, source, lengths, before, kept):                       # [B,S], [B], [B,T] -> [rows kept, V]
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
        return self.head(self.dropout(torch.stack(features, 1))).flatten(0, 1)[kept]

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


def sinusoids(longest, width):
    at = torch.arange(longest)[:, None] * torch.exp(torch.arange(width // 2) * (-math.log(10000) / (width // 2 - 1)))
    return torch.cat([at.sin(), at.cos()], 1)


class SelfAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.joint, self.out = heads, nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width)

    def forward(self, x, seen, causal):
        q, k, v = (y.unflatten(2, (self.heads, -1)).transpose(1, 2) for y in self.joint(x).chunk(3, 2))
        return self.out(F.scaled_dot_product_attention(q, k, v, attn_mask=seen, is_causal=causal).transpose(1, 2).flatten(2))

    def load(self, w, name):
        self.joint.weight.data.copy_(torch.cat([w.pop(f"{name}.{part}.weight") for part in ("query", "key", "value")]))
        load_linear(self.out, w, f"{name}.out")


class CrossAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.query, self.joint = heads, nn.Linear(width, width, bias=False), nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(width, width)

    def forward(self, x, memory, seen):
        q, k, v = (y.unflatten(2, (self.heads, -1)).transpose(1, 2) for y in (self.query(x), *self.joint(memory).chunk(2, 2)))
        return self.out(F.scaled_dot_product_attention(q, k, v, attn_mask=seen).transpose(1, 2).flatten(2))

    def load(self, w, name):
        self.query.weight.data.copy_(w.pop(f"{name}.query.weight"))
        self.joint.weight.data.copy_(torch.cat([w.pop(f"{name}.{part}.weight") for part in ("key", "value")]))
        load_linear(self.out, w, f"{name}.out")


def load_linear(to, w, name):
    to.weight.data.copy_(w.pop(f"{name}.weight"))
    to.bias.data.copy_(w.pop(f"{name}.bias").flatten())


def load_norm(to, w, name):
    to.weight.data.copy_(w.pop(f"{name}.gain").flatten())
    to.bias.data.copy_(w.pop(f"{name}.bias").flatten())


class Block(nn.Module):
    def __init__(self, width, heads, inner, dropout, crosses):
        super().__init__()
        self.attention, self.cross = SelfAttention(width, heads), CrossAttention(width, heads) if crosses else None
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3 if crosses else 2))
        self.wide, self.narrow, self.dropout = nn.Linear(width, inner), nn.Linear(inner, width), nn.Dropout(dropout)

    def forward(self, x, seen, memory=None):
        x = self.norms[0](x + self.dropout(self.attention(x, None if self.cross else seen, self.cross is not None)))
        if self.cross:
            x = self.norms[1](x + self.dropout(self.cross(x, memory, seen)))
        return self.norms[-1](x + self.dropout(self.narrow(F.relu(self.wide(x)))))

    def load(self, w, name):
        self.attention.load(w, f"{name}.self")
        load_norm(self.norms[0], w, f"{name}.self.norm")
        if self.cross:
            self.cross.load(w, f"{name}.cross")
            load_norm(self.norms[1], w, f"{name}.cross.norm")
        load_linear(self.wide, w, f"{name}.ffn.inner")
        load_linear(self.narrow, w, f"{name}.ffn.outer")
        load_norm(self.norms[-1], w, f"{name}.ffn.norm")


class Transformer(nn.Module):
    """Vaswani et al. 2017: post-norm, ReLU, sinusoids, one embedding for source, target and output."""

    def __init__(self, source, width, layers, heads, inner, dropout, **_):
        super().__init__()
        self.embedding, self.bias = nn.Embedding(source, width), nn.Parameter(torch.zeros(source))
        self.encoder = nn.ModuleList(Block(width, heads, inner, dropout, False) for _ in range(layers))
        self.decoder = nn.ModuleList(Block(width, heads, inner, dropout, True) for _ in range(layers))
        self.dropout, self.scale = nn.Dropout(dropout), math.sqrt(width)
        self.register_buffer("places", sinusoids(512, width))

    def embed(self, ids):
        return self.dropout(self.embedding(ids) * self.scale + self.places[:ids.shape[1]])

    def forward(self, source, lengths, before, kept):
        seen = (torch.arange(source.shape[1]) < lengths[:, None])[:, None, None]
        seen = None if bool(seen.all()) else seen
        memory = self.embed(source)
        for block in self.encoder:
            memory = block(memory, seen)
        x = self.embed(before)
        for block in self.decoder:
            x = block(x, seen, memory)
        return F.linear(x.flatten(0, 1)[kept], self.embedding.weight, self.bias)

    def load(self, w):
        self.embedding.weight.data.copy_(w.pop("embedding"))
        self.bias.data.copy_(w.pop("head.bias").flatten())
        for side in ("encoder", "decoder"):
            for i, block in enumerate(getattr(self, side)):
                block.load(w, f"{side}.{i}")
        assert not w, f"weights that this model has not: {', '.join(w)}"


def learn(model, batch, smoothing, targets):
    """The way there and back; returns symbols of both sides, the sum of -ln p of the targets, and seconds without the making of that figure."""
    began = time.perf_counter()
    source, target = ([s + [END] for s in side] for side in batch)
    lengths = torch.tensor([len(s) for s in source])
    before, after = pad([[BEGIN] + t[:-1] for t in target], END), pad(target, IGNORED).flatten()
    kept = (after != IGNORED).nonzero().squeeze(1)
    after = after[kept]
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
    model = (Transformer if sizes["layers"] else Recurrent)(**sizes)
    model.load(read_weights(WEIGHTS))
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=settings["rate"], betas=(0.9, settings["beta2"]), fused=True)
    print(f"ready {sum(p.numel() for p in model.parameters())} PyTorch {torch.__version__}", flush=True)
    at, together = 0, sizes["accumulate"]
    for line in sys.stdin:
        sums = [0, 0, 0.0, 0.0]
        for _ in range(int(line.removeprefix("run "))):
            chosen = [batches[(at + i) % len(batches)] for i in range(together)]
            sums = [a + b for a, b in zip(sums, update(model, optimizer, chosen, settings))]
            at = (at + together) % len(batches)
        print(f"{sums[3]:.6f} {sums[0]} 0 {sums[2] / max(sums[1], 1):.6f} {most_memory():.0f}", flush=True)


main()
