"""The models of bench/train_torch.py: heed's own functions, written the way that is fastest in PyTorch on a processor.

Each is made from the settings of a file of batches (bench/settings.h) and loads heed's weights by their names.
forward(source [B,S], lengths [B], before [B,T], kept) gives the logits of those of the B*T rows that are targets, not padding.
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


def load_linear(to, w, name):
    to.weight.data.copy_(w.pop(f"{name}.weight"))
    to.bias.data.copy_(w.pop(f"{name}.bias").flatten())


def load_cell(to, layer, w, name, backward=False):
    """A layer of nn.GRU or nn.LSTM; columns of its input weights beyond those of heed stay as they are."""
    for part, scope in (("ih", "input"), ("hh", "hidden")):
        end = f"{part}_l{layer}{'_reverse' if backward else ''}"
        weights = w.pop(f"{name}.{scope}.weight")
        getattr(to, f"weight_{end}").data[:, :weights.shape[1]] = weights
        getattr(to, f"bias_{end}").data.copy_(w.pop(f"{name}.{scope}.bias").flatten())


class Symbols(nn.Module):
    """The embeddings of both sides and the output layer, which may share their weights (tie: HEED_TIE_...)."""

    def __init__(self, source, target, embed, features, tie):
        super().__init__()
        self.target = nn.Embedding(target, embed)
        self.source = self.target if tie == 2 else nn.Embedding(source, embed)
        self.project = nn.Linear(features, embed, bias=False) if tie and features != embed else None
        self.weight = self.target.weight if tie else nn.Parameter(torch.empty(target, features))
        self.bias, self.tie = nn.Parameter(torch.empty(target)), tie

    def forward(self, features):
        return F.linear(self.project(features) if self.project else features, self.weight, self.bias)

    def load(self, w):
        if self.tie < 2:
            self.source.weight.data.copy_(w.pop("encoder.embedding"))
        self.target.weight.data.copy_(w.pop("embedding" if self.tie == 2 else "decoder.embedding"))
        if self.project:
            self.project.weight.data.copy_(w.pop("head.project.weight"))
        if not self.tie:
            self.weight.data.copy_(w.pop("head.weight"))
        self.bias.data.copy_(w.pop("head.bias").flatten())


def padding_of(source, lengths):
    return torch.arange(source.shape[1]) >= lengths[:, None]


class Recurrent(nn.Module):
    """Bahdanau et al. 2015 with GRUs: context from the state before, features [state; context; embedding]."""

    def __init__(self, source, target, embed, width, tie, dropout, **_):
        super().__init__()
        self.symbols = Symbols(source, target, embed, 3 * width + embed, tie)
        self.ahead, self.behind = nn.GRU(embed, width, batch_first=True), nn.GRU(embed, width, batch_first=True)
        self.start = nn.Linear(2 * width, width)
        self.query, self.key = nn.Linear(width, width, bias=False), nn.Linear(2 * width, width)
        self.v = nn.Parameter(torch.empty(width))
        self.cell = nn.GRUCell(embed + 2 * width, width)
        self.dropout = nn.Dropout(dropout)

    def encode(self, source, lengths):
        x = self.dropout(self.symbols.source(source))
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
        hidden = padding_of(source, lengths)
        y = self.dropout(self.symbols.target(before))
        features = []
        for t in range(before.shape[1]):
            scores = torch.tanh(keys + self.query(h)[:, None]) @ self.v
            weights = F.softmax(scores.masked_fill(hidden, -torch.inf), 1)
            context = (weights[:, None] @ memory).squeeze(1)
            h = self.cell(torch.cat([y[:, t], context], 1), h)
            features.append(torch.cat([h, context, y[:, t]], 1))
        return self.symbols(self.dropout(torch.stack(features, 1).flatten(0, 1)[kept]))

    def load(self, w):
        """From the names of heed's weights."""
        def copy(to, *names):
            to.data.copy_(torch.cat([w.pop(n) for n in names], 1) if len(names) > 1 else w.pop(names[0]).view_as(to))
        self.symbols.load(w)
        for encoder, direction in ((self.ahead, "forward"), (self.behind, "backward")):
            for part, name in (("ih", "input"), ("hh", "hidden")):
                for kind in ("weight", "bias"):
                    copy(getattr(encoder, f"{kind}_{part}_l0"), f"encoder.0.{direction}.{name}.{kind}")
        copy(self.cell.weight_ih, "decoder.0.input.weight", "decoder.context.weight")
        copy(self.cell.bias_ih, "decoder.0.input.bias")
        copy(self.cell.weight_hh, "decoder.0.hidden.weight")
        copy(self.cell.bias_hh, "decoder.0.hidden.bias")
        for layer, name in ((self.start, "decoder.0.start"), (self.key, "attention.key")):
            copy(layer.weight, f"{name}.weight")
            copy(layer.bias, f"{name}.bias")
        copy(self.query.weight, "attention.query.weight")
        copy(self.v, "attention.v")


class Held(nn.Module):
    """A recurrent layer over padded rows, its last states those of the sentences' own ends.

    nn.LSTM is more than twice as fast on padded rows, where it is oneDNN's, as on packed ones (measured, 2.13). So that padding leaves the state alone, its
    rows carry a 1 in a column more, whose weights hold the gates: an LSTM forgets nothing and takes nothing in, a GRU keeps its state. What a held gate still
    lets through is 1e-35 of it, far below float32's rounding; for the same reason the column learns nothing.
    """

    def __init__(self, gates, inputs, width, both):
        super().__init__()
        self.cell = (nn.LSTM if gates == 4 else nn.GRU)(inputs + 1, width, batch_first=True, bidirectional=both)
        self.gates, self.width, self.both = gates, width, both

    def forward(self, x, hidden):                     # [B,S,E], [B,S,1]: 1 where padding is -> outputs, last h, last c (of a GRU: h)
        out, last = self.cell(torch.cat([x, hidden], 2))
        h, c = last if self.gates == 4 else (last, last)
        return out, h, c

    def load(self, w, name):
        for backward in range(1 + self.both):
            column = getattr(self.cell, "weight_ih_l0" + ("_reverse" if backward else "")).data[:, -1]
            column.zero_()
            if self.gates == 4:                       # in, forget, cell, out
                column[:self.width], column[self.width:2 * self.width] = -80, 80
            else:                                     # reset, update, new
                column[self.width:2 * self.width] = 80
            load_cell(self.cell, 0, w, f"{name}.{'backward' if backward else 'forward'}", bool(backward))

    def more(self):
        """Weights that heed has not."""
        return (1 + self.both) * self.gates * self.width


class Fixed(nn.Module):
    """Sutskever et al. 2014, Cho et al. 2014: a fixed vector between recurrent sides. The decoder's input does not depend on its state: it is one call."""

    def __init__(self, source, target, embed, width, layers, directions, gates, vector, tie, dropout, **_):
        super().__init__()
        memory = directions * width
        self.lstm, self.every_step = gates == 4, vector == 2
        self.encoder = nn.ModuleList(Held(gates, memory if layer else embed, width, directions == 2) for layer in range(layers))
        joined = memory if self.every_step else 0
        self.decoder = (nn.LSTM if self.lstm else nn.GRU)(embed + joined, width, layers, batch_first=True, dropout=dropout if layers > 1 else 0)
        self.start = nn.ModuleList(nn.Linear(memory, width) for _ in range(layers))
        self.start_cell = nn.ModuleList(nn.Linear(memory, width) for _ in range(layers if self.lstm else 0))
        self.vector = nn.Linear(memory, memory) if self.every_step else None
        self.symbols = Symbols(source, target, embed, width + joined + embed, tie)
        self.dropout = nn.Dropout(dropout)

    def encode(self, source, lengths):
        x = self.symbols.source(source)
        hidden = padding_of(source, lengths)[:, :, None].float()
        for layer in self.encoder:
            x, h, c = layer(self.dropout(x), hidden)
        at = (lengths - 1)[:, None, None].expand(-1, 1, h.shape[2])
        if self.lstm:                                 # an LSTM's out gate is not held
            h = torch.cat([x[:, :, :h.shape[2]].gather(1, at).transpose(0, 1), h[1:]])
        return h.transpose(0, 1).flatten(1), c.transpose(0, 1).flatten(1)

    def forward(self, source, lengths, before, kept):
        last, cell = self.encode(source, lengths)
        y = self.dropout(self.symbols.target(before))
        first = torch.stack([torch.tanh(layer(last)) for layer in self.start])
        if self.lstm:
            first = first, torch.stack([torch.tanh(layer(cell)) for layer in self.start_cell])
        if self.every_step:
            y = torch.cat([torch.tanh(self.vector(last))[:, None].expand(-1, y.shape[1], -1), y], 2)
        states = self.decoder(y, first)[0]
        return self.symbols(self.dropout(torch.cat([states.flatten(0, 1)[kept], y.flatten(0, 1)[kept]], 1)))

    def load(self, w):
        self.symbols.load(w)
        for i, layer in enumerate(self.encoder):
            layer.load(w, f"encoder.{i}")
        if self.every_step:                           # the vector stands before the symbol, as in the head
            w["decoder.0.input.weight"] = torch.cat([w.pop("decoder.context.weight"), w["decoder.0.input.weight"]], 1)
            load_linear(self.vector, w, "decoder.vector")
        for i, start in enumerate(self.start):
            load_cell(self.decoder, i, w, f"decoder.{i}")
            load_linear(start, w, f"decoder.{i}.start")
        for i, start in enumerate(self.start_cell):
            load_linear(start, w, f"decoder.{i}.start_cell")

    def more(self):
        return sum(layer.more() for layer in self.encoder)


class Convolution(nn.Module):
    """A gated convolution over [B,T,D] with the residual; channels last, which was the fastest of six ways to write it."""

    def __init__(self, width, kernel):
        super().__init__()
        self.conv = nn.Conv2d(width, 2 * width, (1, kernel)).to(memory_format=torch.channels_last)
        self.kernel = kernel

    def forward(self, x, before):                     # before: rows of zeros ahead of the first
        x = F.pad(x, (0, 0, before, self.kernel - 1 - before))
        return F.glu(self.conv(x.transpose(1, 2)[:, :, None])[:, :, 0].transpose(1, 2), 2)

    def load(self, w, name):
        weights = w.pop(f"{name}.conv.weight").unflatten(1, (self.kernel, -1))
        self.conv.weight.data.copy_(weights.transpose(1, 2)[:, :, None])
        self.conv.bias.data.copy_(w.pop(f"{name}.conv.bias").flatten())


class Convolutional(nn.Module):
    """Gehring et al. 2017: gated convolutions, and a look at the source in every layer of the decoder."""

    def __init__(self, source, target, embed, width, layers, kernel, longest, tie, dropout, **_):
        super().__init__()
        self.sides = nn.ModuleDict()
        for side in ("encoder", "decoder"):
            self.sides[side] = nn.ModuleDict({
                "position": nn.Embedding(longest, embed), "in": nn.Linear(embed, width),
                "convs": nn.ModuleList(Convolution(width, kernel) for _ in range(layers)), "out": nn.Linear(width, embed)})
        self.queries = nn.ModuleList(nn.Linear(width, embed) for _ in range(layers))
        self.contexts = nn.ModuleList(nn.Linear(embed, width) for _ in range(layers))
        self.symbols, self.dropout, self.kernel = Symbols(source, target, embed, embed, tie), nn.Dropout(dropout), kernel

    def embed(self, side, embedding, ids):
        return self.dropout(embedding(ids) + side["position"].weight[:ids.shape[1]])

    def encode(self, source, lengths):
        side, half = self.sides["encoder"], math.sqrt(0.5)
        real = ~padding_of(source, lengths)[:, :, None]
        e = self.embed(side, self.symbols.source, source)
        x = side["in"](e)
        for conv in side["convs"]:
            x = (x + conv(self.dropout(x) * real, (self.kernel - 1) // 2)) * half
        z = side["out"](x)
        return z, (z + e) * half

    def forward(self, source, lengths, before, kept):
        side, half = self.sides["decoder"], math.sqrt(0.5)
        keys, values = (x[:, None] for x in self.encode(source, lengths))
        seen = ~padding_of(source, lengths)[:, None, None]
        seen = None if bool(seen.all()) else seen
        g = self.embed(side, self.symbols.target, before)
        x = side["in"](g)
        for conv, query, context in zip(side["convs"], self.queries, self.contexts):
            h = conv(self.dropout(x), self.kernel - 1)
            looked = F.scaled_dot_product_attention((query(h) + g)[:, None], keys, values, attn_mask=seen, scale=1.0)[:, 0]
            x = (x + (h + context(looked)) * half) * half
        return self.symbols(self.dropout(side["out"](x.flatten(0, 1)[kept])))

    def load(self, w):
        for name, side in self.sides.items():
            side["position"].weight.data.copy_(w.pop(f"{name}.position.weight"))
            load_linear(side["in"], w, f"{name}.in")
            load_linear(side["out"], w, f"{name}.out")
            for i, conv in enumerate(side["convs"]):
                conv.load(w, f"{name}.{i}")
        for i, (query, context) in enumerate(zip(self.queries, self.contexts)):
            load_linear(query, w, f"decoder.{i}.query")
            load_linear(context, w, f"decoder.{i}.context")
        self.symbols.load(w)


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
    """Vaswani et al. 2017: post-norm, ReLU, sinusoids."""

    def __init__(self, source, target, width, layers, heads, inner, tie, dropout, **_):
        super().__init__()
        self.symbols = Symbols(source, target, width, width, tie)
        self.encoder = nn.ModuleList(Block(width, heads, inner, dropout, False) for _ in range(layers))
        self.decoder = nn.ModuleList(Block(width, heads, inner, dropout, True) for _ in range(layers))
        self.dropout, self.scale = nn.Dropout(dropout), math.sqrt(width)
        self.register_buffer("places", sinusoids(512, width))

    def embed(self, embedding, ids):
        return self.dropout(embedding(ids) * self.scale + self.places[:ids.shape[1]])

    def forward(self, source, lengths, before, kept):
        seen = (torch.arange(source.shape[1]) < lengths[:, None])[:, None, None]
        seen = None if bool(seen.all()) else seen
        memory = self.embed(self.symbols.source, source)
        for block in self.encoder:
            memory = block(memory, seen)
        x = self.embed(self.symbols.target, before)
        for block in self.decoder:
            x = block(x, seen, memory)
        return self.symbols(x.flatten(0, 1)[kept])

    def load(self, w):
        self.symbols.load(w)
        for side in ("encoder", "decoder"):
            for i, block in enumerate(getattr(self, side)):
                block.load(w, f"{side}.{i}")


def model_of(sizes):
    """From the settings of a file of batches, by the first of these that it is."""
    if sizes["heads"]:
        return Transformer(**sizes)
    if sizes["kernel"]:
        return Convolutional(**sizes)
    return (Fixed if sizes["vector"] else Recurrent)(**sizes)
