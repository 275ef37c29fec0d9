"""PyTorch's side of bench/attention.sh: torch.nn.functional.scaled_dot_product_attention on tensors [B,H,T,D], its native layout.

    attention_torch.py THREADS FOLDER

A window is a mask of booleans, as the function wants it; grouped key heads are its enable_gqa. The words are those of bench/attention.c.
"""
import os

from attention_side import THREADS, serve, timed

import torch                          # noqa: E402
import torch.nn.functional as F       # noqa: E402

torch.set_num_threads(THREADS)
TYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


def options(cell):
    made = {"is_causal": cell.kind == "causal", "enable_gqa": cell.H != cell.Hk}
    if cell.window:
        distance = torch.arange(cell.Tq)[:, None] - torch.arange(cell.Tk)[None, :]
        made["attn_mask"] = distance.abs() <= cell.window
    return made


def native(x, cell, grad):
    return torch.from_numpy(x).permute(0, 2, 1, 3).contiguous().to(TYPES[cell.dtype]).requires_grad_(grad)


def prepare(cell):
    if cell.passes not in ("forward", "both", "decode") or cell.kind == "additive" or cell.dtype not in TYPES:
        return "such cell"
    if cell.window and cell.passes == "both" and cell.Tq * cell.Tk > 1 << 26:
        return "such cell: the mask would take too much memory"
    trained, how = cell.passes == "both", options(cell)
    x = [native(a, cell, trained and i < 3) for i, a in enumerate(cell.inputs())]
    q, k, v = x[:3]

    def forward():
        with torch.no_grad():
            return F.scaled_dot_product_attention(q, k, v, **how)

    def both():
        q.grad = k.grad = v.grad = None
        out = F.scaled_dot_product_attention(q, k, v, **how)
        out.backward(x[3])
        return out

    call = both if trained else forward

    def results():
        made = [call()] + ([q.grad, k.grad, v.grad] if trained else [])
        return [y.detach().permute(0, 2, 1, 3).float().numpy() for y in made]

    return (lambda calls: timed(call, calls)), results


told = ", MKL as on Intel's" if os.environ.get("LD_PRELOAD", "").endswith("intel.so") else ""
serve("torch", f"PyTorch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}{told}", prepare)
