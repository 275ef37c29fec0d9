"""The other side of bench/translate.sh: the same model in CTranslate2, on the same symbols.

    translate_ct2.py convert MODEL TYPE FOLDER                        FOLDER becomes MODEL as CTranslate2 has it
    translate_ct2.py FOLDER TYPE WORKERS THREADS OUT [SYMBOLS]        answers

TYPE float32 or int8; WORKERS of THREADS each. Its model is heed's own MODEL (a Transformer: post-norm, sinusoids, ReLU, one embedding for all), converted,
so that both sides give the same answers and thus do the same work. It reads OUT.source and OUT.symbols, which the other side made, and writes its last
answers to OUT.TYPE. SYMBOLS: every answer has as many. It says "ready WEIGHTS - ABOUT-ITSELF" and answers each line "run BEAM BATCH LINES WORKERS THREADS"
(the last two are settled already) as bench/translate.c does, all but the work; its memory is what it holds above what Python with CTranslate2 held before the
model. Its time is that of translate_batch alone, without the making of symbols from text and of text from symbols, which heed's time holds.
"""
import json
import os
import sys
import time

CONVERTS = sys.argv[1] == "convert"
os.environ["OMP_NUM_THREADS"] = "1" if CONVERTS else sys.argv[4]
sys.modules["torch"] = sys.modules["transformers"] = None      # not needed here: kept out of the memory

import ctranslate2                    # noqa: E402
import numpy as np                    # noqa: E402
from ctranslate2 import specs         # noqa: E402

LONGEST = 512


def read_weights(path):
    with open(path, "rb") as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        data = f.read()
    header.pop("__metadata__", None)
    return {name: np.frombuffer(data[slice(*t["data_offsets"])], np.float32).reshape(t["shape"]).copy() for name, t in header.items()}


def sinusoids(width):
    at = np.arange(LONGEST)[:, None] * np.exp(np.arange(width // 2) * (-np.log(10000) / (width // 2 - 1)))
    return np.concatenate([np.sin(at), np.cos(at)], 1).astype(np.float32)


def set_linear(spec, w, names, bias=None):
    spec.weight = np.concatenate([w.pop(f"{name}.weight") for name in names])
    spec.bias = w.pop(bias).flatten() if bias else np.zeros(len(spec.weight), np.float32)


def set_norm(spec, w, name):
    spec.gamma, spec.beta = w.pop(f"{name}.gain").flatten(), w.pop(f"{name}.bias").flatten()


def set_layer(layer, w, name, crosses):
    set_linear(layer.self_attention.linear[0], w, [f"{name}.self.{part}" for part in ("query", "key", "value")])
    set_linear(layer.self_attention.linear[1], w, [f"{name}.self.out"], f"{name}.self.out.bias")
    set_norm(layer.self_attention.layer_norm, w, f"{name}.self.norm")
    if crosses:
        set_linear(layer.attention.linear[0], w, [f"{name}.cross.query"])
        set_linear(layer.attention.linear[1], w, [f"{name}.cross.{part}" for part in ("key", "value")])
        set_linear(layer.attention.linear[2], w, [f"{name}.cross.out"], f"{name}.cross.out.bias")
        set_norm(layer.attention.layer_norm, w, f"{name}.cross.norm")
    set_linear(layer.ffn.linear_0, w, [f"{name}.ffn.inner"], f"{name}.ffn.inner.bias")
    set_linear(layer.ffn.linear_1, w, [f"{name}.ffn.outer"], f"{name}.ffn.outer.bias")
    set_norm(layer.ffn.layer_norm, w, f"{name}.ffn.norm")


def convert(model, quantization, folder):
    with open(os.path.join(model, "config.json")) as f:
        config = json.load(f)["model"]
    of = config["encoder"]
    assert all(side["type"] == "transformer" and side["norm"] == "post" and side["positions"] == "sinusoid" and side["activation"] == "relu"
               for side in (config["encoder"], config["decoder"])) and config["tie"] == "all", f"{model}: no Transformer of the kind that is converted here"
    w = read_weights(os.path.join(model, "model.safetensors"))
    count = sum(x.size for x in w.values())
    spec = specs.TransformerSpec.from_config((of["layers"], config["decoder"]["layers"]), of["heads"], pre_norm=False)
    embedding = w.pop("embedding")
    for part in (spec.encoder.embeddings[0], spec.decoder.embeddings, spec.decoder.projection):
        part.weight = embedding.copy()
    spec.decoder.projection.bias = w.pop("head.bias").flatten()
    for side, name in ((spec.encoder, "encoder"), (spec.decoder, "decoder")):
        side.position_encodings.encodings = sinusoids(embedding.shape[1])
        for i, layer in enumerate(side.layer):
            set_layer(layer, w, f"{name}.{i}", name == "decoder")
    assert not w, f"weights that were not converted: {', '.join(w)}"
    symbols = ["<unk>", "<s>", "</s>"] + [str(i) for i in range(3, len(embedding))]
    spec.register_source_vocabulary(symbols)
    spec.register_target_vocabulary(symbols)
    spec.config.decoder_start_token = "<s>"
    spec.validate()
    spec.optimize(quantization=quantization)
    os.mkdir(folder)
    spec.save(folder)
    with open(os.path.join(folder, "weights"), "w") as f:
        f.write(f"{count}\n")


def most_memory():
    """MB of 1e6 bytes."""
    with open("/proc/self/status") as f:
        return int(next(line for line in f if line.startswith("VmHWM")).split()[1]) * 1024 / 1e6


def read_lines(path):
    with open(path, encoding="utf-8") as f:
        return f.read().split("\n")[:-1]


def serve(folder, kind, workers, threads, out, forced):
    idle = most_memory()
    names = {"0": "<unk>", "1": "<s>", "2": "</s>"}
    sources = [[names.get(x, x) for x in line.split()] + ["</s>"] for line in read_lines(f"{out}.source")]
    texts = {names.get(str(i), str(i)): text for i, text in enumerate(read_lines(f"{out}.symbols"))}
    translator = ctranslate2.Translator(folder, device="cpu", compute_type=kind, inter_threads=workers, intra_threads=threads)
    limits = {"min_decoding_length": forced, "max_decoding_length": forced} if forced else {}
    print(f"ready {read_lines(os.path.join(folder, 'weights'))[0]} - CTranslate2 {ctranslate2.__version__}", flush=True)
    for line in sys.stdin:
        beam, batch, lines = map(int, line.split()[1:4])
        chosen = sources[:lines or None]
        began = time.perf_counter()
        answers = [x.hypotheses[0] for x in translator.translate_batch(chosen, beam_size=beam, max_batch_size=batch, **limits)]
        seconds = time.perf_counter() - began
        with open(f"{out}.{kind}", "w", encoding="utf-8") as f:
            f.writelines("".join(map(texts.get, x)).replace("\u2581", " ").strip(" ") + "\n" for x in answers)
        print(f"{seconds:.6f} {sum(map(len, answers))} {most_memory() - idle:.1f}", flush=True)


if CONVERTS:
    convert(*sys.argv[2:5])
else:
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5], int(sys.argv[6]) if len(sys.argv) > 6 else 0)
