#!/usr/bin/env python3
"""Makes tests/golden/torch/*.jsonl: what PyTorch 2.13 computes, in float64, for inputs that are exact as float32.

    python tests/golden/make_torch.py

ops.jsonl: a case a line. Inputs stand in the order of the gradient tests' references (tests/grad/ref_*.c), rows end to end; `seeds` are
the gradients at the results, `results` and `gradients` what PyTorch makes of them. null: PyTorch does not give this number.
optimizers.jsonl: an optimizer a line, some updates each.
blocks.jsonl: a layer of torch.nn's Transformer a line, without dropout and without biases of queries, keys and values; weights by our names.
"""
import json
import pathlib

import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).resolve().parent / "torch"
SPAN = [3, 1, 6, 2, 5]          # lengths of ragged sequences


def draw(*shape, spread=1.0):
    return (torch.randn(*shape) * spread).to(torch.float32).to(torch.float64).requires_grad_()


def starts(lengths):
    at = [0]
    for n in lengths:
        at.append(at[-1] + n)
    return at


def numbers(x):
    return [None if v != v else v for v in x.detach().reshape(-1).tolist()]


def case(name, kind, inputs, results, seeds=None, **settings):
    """Runs back from sum of results . seeds; a result's NaNs are numbers that PyTorch does not give, and seeds are 0 there."""
    seeds = seeds or [draw(*r.shape).detach() for r in results]
    loss = sum((torch.nan_to_num(r) * s).sum() for r, s in zip(results, seeds))
    loss.backward()
    return {"name": name, "case": kind, **settings, "inputs": [numbers(x) for x in inputs], "seeds": [numbers(s) for s in seeds],
            "results": [numbers(r) for r in results], "gradients": [numbers(x.grad) for x in inputs]}


def simple():
    x = draw(3, 19, spread=2)
    yield case("tanh", "tanh", [x], [torch.tanh(x)], rows=3, cols=19)
    for bias in (True, False):
        x, w, b = draw(7, 17), draw(9, 17, spread=0.5), draw(9)
        inputs = [x, w, b] if bias else [x, w]
        yield case(f"linear, bias {bias}", "linear", inputs, [F.linear(x, w, b if bias else None)], rows=7, wide=17, out=9, bias=bias)
    table, ids = draw(11, 5), [3, 0, 10, 3, 3, 7]
    yield case("embedding", "embed", [table], [F.embedding(torch.tensor(ids), table)], ids=ids, V=11, D=5)
    for kind, f in (("relu", F.relu), ("gelu", F.gelu)):
        x = draw(5, 21, spread=2)
        yield case(kind, "activate", [x], [f(x)], function=kind, rows=5, cols=21)
    x = draw(5, 2 * 18, spread=2)
    yield case("glu", "glu", [x], [F.glu(x)], rows=5, D=18)
    x, gain, bias = draw(4, 22, spread=3), draw(22), draw(22)
    yield case("layer norm", "norm", [x, gain, bias], [F.layer_norm(x, (22,), gain, bias)], rows=4, D=22)
    for smoothing, width in ((0.0, 4), (0.125, 9)):     # rows beyond the width, and not
        x, w, b, targets = draw(6, width), draw(23, width), draw(23), [0, 22, 5, 5, 1, 17]
        loss = 0.25 * F.cross_entropy(F.linear(x, w, b), torch.tensor(targets), label_smoothing=smoothing, reduction="sum")
        yield case(f"output and cross-entropy, smoothing {smoothing}", "output_loss", [x, w, b], [loss.reshape(1, 1)], targets=targets, D=width, V=23,
                   smoothing=smoothing, weight=0.25)


def recurrent(cell, width):
    """A module of both directions whose input product is the identity, so that its inputs are the gates; one sequence at a time."""
    gates = 3 if cell == "gru" else 4
    module = (torch.nn.GRU if cell == "gru" else torch.nn.LSTM)(gates * width, width, bidirectional=True).to(torch.float64)
    for name, weight in module.named_parameters():
        if name.startswith("weight_ih"):
            weight.data = torch.eye(gates * width, dtype=torch.float64)
        elif name.startswith("bias_ih"):
            weight.data.zero_()
        else:
            weight.data = draw(*weight.shape, spread=0.5).detach()
    for direction in (0, 1):
        module.zero_grad()
        x, hs, cs = draw(sum(SPAN), gates * width), [], []
        for rows in torch.split(x, SPAN):
            h, state = module(rows)
            hs.append(h[:, direction * width:(direction + 1) * width])
            if cell == "lstm":      # only the last cell state is shown: that of the last row, or backwards of the first
                c = torch.full_like(hs[-1], float("nan"))
                c[0 if direction else -1] = state[1][direction]
                cs.append(c)
        results = [torch.cat(hs)] + ([torch.cat(cs)] if cs else [])
        seeds = [draw(*r.shape).detach() * ~torch.isnan(r.detach()) for r in results]
        suffix = "_reverse" if direction else ""
        hidden, bias = (getattr(module, f"{n}_l0{suffix}") for n in ("weight_hh", "bias_hh"))
        yield case(f"{cell}, {'backward' if direction else 'forward'}", "rnn", [x, hidden, bias], results, seeds, cell=cell, reverse=bool(direction), H=width,
                   start=starts(SPAN))


def mask(align, window, queries, keys):
    i, j = torch.arange(queries)[:, None], torch.arange(keys)[None, :]
    return {"everything": j >= 0, "causal": j <= i, "window": (i - j).abs() <= window}[align].expand(queries, keys)


def scores(score, q, k, weights):
    """[Tq,Tk] of one sequence, for the scores that scaled_dot_product_attention does not know."""
    pairs = (q[:, None, :].expand(-1, len(k), -1), k[None, :, :].expand(len(q), -1, -1))
    if score == "additive":
        wq, wk, b, v = weights
        return torch.tanh(F.linear(pairs[0], wq) + F.linear(pairs[1], wk, b)) @ v
    if score == "general":
        return F.bilinear(pairs[1].contiguous(), pairs[0].contiguous(), weights[0][None])[..., 0]
    wq, wk, temperature = weights
    return 10 * temperature * F.cosine_similarity(F.linear(pairs[0], wq), F.linear(pairs[1], wk), dim=-1)


def attend(score, q, k, visible, weights):
    if score == "dot":
        return F.scaled_dot_product_attention(q, k, k, attn_mask=visible, scale=1.0)
    if score == "scaled":
        return F.scaled_dot_product_attention(F.linear(q, weights[0]), F.linear(k, weights[1]), k, attn_mask=visible)
    return torch.softmax(scores(score, q, k, weights).masked_fill(~visible, float("-inf")), -1) @ k


def attention(score, align):
    queries, keys, window, dq, dm, d = [4, 1, 6, 3], [5, 2, 7, 3], 1, 6, 6 if score == "dot" else 9, 5
    shapes = {"dot": [], "scaled": [(d, dq), (d, dm)], "general": [(dm, dq)], "additive": [(d, dq), (d, dm), (d,), (d,)], "cosine": [(d, dq), (d, dm), (1,)]}
    q, m, weights = draw(sum(queries), dq), draw(sum(keys), dm), [draw(*s, spread=0.7) for s in shapes[score]]
    out = [attend(score, a, b, mask(align, window, len(a), len(b)), weights) for a, b in zip(torch.split(q, queries), torch.split(m, keys))]
    return case(f"{score} x {align}", "attention", [q, m, *weights], [torch.cat(out)], queries=starts(queries), keys=starts(keys), window=window, Dq=dq,
                Dm=dm, D=d)


def optimizer(name, make, updates=6, size=21, clip=0.5, **settings):
    w = draw(size)
    line = {"name": name, "clip": clip, **settings, "start": numbers(w), "gradients": [], "weights": []}
    opt = make([w])
    for _ in range(updates):
        g = draw(size).detach()
        w.grad = clip * g
        opt.step()
        line["gradients"].append(numbers(g))
        line["weights"].append(numbers(w))
    return line


def optimizers():
    for name, kind, decay in (("adam", torch.optim.Adam, 0.0), ("adam", torch.optim.Adam, 0.0625), ("adamw", torch.optim.AdamW, 0.0625)):
        yield optimizer(name, lambda w: kind(w, lr=0.01, betas=(0.9, 0.98), eps=1e-8, weight_decay=decay), rate=0.01, beta1=0.9, beta2=0.98, eps=1e-8, decay=decay)
    for momentum, decay in ((0.0, 0.0), (0.9, 0.0625)):
        yield optimizer("sgd", lambda w: torch.optim.SGD(w, lr=0.1, momentum=momentum, weight_decay=decay), rate=0.1, momentum=momentum, decay=decay)


def weights_of_block(layer):
    """Their weights, which are set here, under our names."""
    ours = {}
    attentions = [("self", layer.self_attn)] + ([("cross", layer.multihead_attn)] if hasattr(layer, "multihead_attn") else [])
    for name, weight in layer.named_parameters():       # small ones: the bound on an error grows with each layer that it passes
        weight.data = draw(*weight.shape, spread=0.2).detach()
        if name.startswith("norm") and name.endswith("weight"):
            weight.data = (weight.data + 1).to(torch.float32).to(torch.float64)
    for place, attn in attentions:
        attn.in_proj_bias.data.zero_()
        for part, weight in zip(("query", "key", "value"), attn.in_proj_weight.chunk(3)):
            ours[f"{place}.{part}.weight"] = weight
        ours[f"{place}.out.weight"], ours[f"{place}.out.bias"] = attn.out_proj.weight, attn.out_proj.bias
    for part, linear in (("inner", layer.linear1), ("outer", layer.linear2)):
        ours[f"ffn.{part}.weight"], ours[f"ffn.{part}.bias"] = linear.weight, linear.bias
    norms = [layer.norm1, layer.norm2] + ([layer.norm3] if len(attentions) > 1 else [])
    for place, norm in zip([name for name, _ in attentions] + ["ffn"], norms):
        ours[f"{place}.norm.gain"], ours[f"{place}.norm.bias"] = norm.weight, norm.bias
    return ours


def block(kind, pre, activation, heads=3, width=12, inner=20):
    rows, read = [4, 1, 6], [5, 2, 3]
    make = torch.nn.TransformerDecoderLayer if kind == "decoder" else torch.nn.TransformerEncoderLayer
    layer = make(width, heads, inner, dropout=0.0, activation=activation, batch_first=True, norm_first=pre).to(torch.float64)
    weights, x, memory, out = weights_of_block(layer), draw(sum(rows), width), draw(sum(read), width), []
    for a, m in zip(torch.split(x, rows), torch.split(memory, read)):
        ahead = torch.nn.Transformer.generate_square_subsequent_mask(len(a), dtype=torch.float64)
        out.append(layer(a[None], m[None], tgt_mask=ahead)[0] if kind == "decoder" else layer(a[None])[0])
    return {"name": f"{kind}, {'pre' if pre else 'post'}-norm, {activation}", "decoder": kind == "decoder", "pre": pre, "gelu": activation == "gelu", "heads": heads,
            "width": width, "inner": inner, "rows": starts(rows), "read": starts(read), "weights": {name: numbers(w) for name, w in weights.items()},
            "x": numbers(x), "memory": numbers(memory), "out": numbers(torch.cat(out))}


def blocks():
    for kind in ("encoder", "decoder"):
        yield block(kind, False, "relu")
        yield block(kind, True, "gelu")


def write(name, lines):
    with open(HERE / name, "w", encoding="ascii") as f:
        for line in lines:
            f.write(json.dumps(line) + "\n")


def main():
    assert torch.__version__.startswith("2.13"), f"PyTorch 2.13 is expected, this is {torch.__version__}"
    torch.manual_seed(20)
    HERE.mkdir(exist_ok=True)
    pairs = [attention(s, a) for s in ("dot", "scaled", "general", "additive", "cosine") for a in ("everything", "causal", "window")]
    write("ops.jsonl", [*simple(), *recurrent("gru", 5), *recurrent("lstm", 7), *pairs])
    write("optimizers.jsonl", optimizers())
    write("blocks.jsonl", blocks())


if __name__ == "__main__":
    main()
