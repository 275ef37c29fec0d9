#!/usr/bin/env python3
"""Makes tests/golden/scores: lines of our own in six scripts, and what sacreBLEU says about them, of the corpus and line by line.

    pip install sacrebleu==2.6.0
    python tests/golden/make_scores.py [LINES FOLDER]

Lines come from templates and small stocks of letters by a fixed seed; hypotheses and second references are references with words moved, changed,
doubled, dropped and cut, marks and spaces changed. Every kind of trouble is among them: no line at all, one word, hundreds of words, one word again
and again, digits, marks, spaces of all kinds. lines.tsv.gz: hypothesis, reference, second reference. corpus.tsv: metric, case, tokeniser,
smoothing, number of references, figure. by-line.tsv.gz: a figure a line and column; the first line names the columns as
metric:tokeniser:smoothing:references. With LINES and FOLDER: a larger set elsewhere.
"""
import gzip
import pathlib
import random
import sys

import sacrebleu

LATIN = ("bcdfghklmnprstvwz", "aeiouyäöéüåñç")
GREEK = ("βγδζθκλμνπρστφχψ", "αεηιουωάέήίόύώ")
CYRILLIC = ("бвгджзклмнпрстфхцчш", "аеиоуыэюяё")
ARABIC = "ابتثجحخدذرزسشصضطظعغفقكلمنهويةىء"
HAN = [chr(0x4E00 + 83 * i) for i in range(240)] + [chr(0x3400 + 977 * i) for i in range(6)] + [chr(0x20000 + 4001 * i) for i in range(9)]
KANA = [chr(c) for c in [*range(0x3041, 0x3097), *range(0x30A1, 0x30FB)]]
MARKS = list(".,!?;:'\"-()[]/%$&#@*«»“”—…。、，？！「」（）؟،؛·€№") + ["--", "...", "&amp;", "&quot;", "<skipped>", "&lt;", "'s", "n't", "e.g.", "1.", ".5"]
SPACES = ["  ", "   ", "\u00a0", "\u2009", "\u3000", "\u2028", "\x1f", "\u0085", " \u00a0 "]


def syllables(rng, letters, most=3):
    return "".join(rng.choice(letters[0]) + rng.choice(letters[1]) for _ in range(rng.randint(1, most)))


def word(rng, script):
    if script == "arabic":
        return rng.choice(["", "", "ال", "و"]) + "".join(rng.choice(ARABIC) for _ in range(rng.randint(2, 6)))
    if script == "han":
        return "".join(rng.choice(HAN) for _ in range(rng.choice([1, 2, 2, 3])))
    if script == "kana":
        return "".join(rng.choice(KANA if rng.random() < 0.7 else HAN) for _ in range(rng.randint(1, 4)))
    text = syllables(rng, {"latin": LATIN, "greek": GREEK, "cyrillic": CYRILLIC}[script])
    roll = rng.random()
    return text.capitalize() if roll < 0.15 else text.upper() if roll < 0.2 else text


def number(rng):
    digits = rng.choice(["0123456789", "0123456789", "٠١٢٣٤٥٦٧٨٩", "０１２３４５６７８９"])
    text = "".join(rng.choice(digits) for _ in range(rng.randint(1, 5)))
    return rng.choice([text, text + "," + text[:3], text + "." + text[:2], text + "-" + text, text + "%", "$" + text])


def sentence(rng, stock, script, length):
    words = [rng.choice(stock) for _ in range(length)]
    for i in range(len(words)):
        roll = rng.random()
        if roll < 0.05:
            words[i] = number(rng)
        elif roll < 0.13:
            words[i] = rng.choice([words[i] + rng.choice(MARKS), rng.choice(MARKS) + words[i], rng.choice(MARKS)])
    return joined(rng, words, script)


def joined(rng, words, script):
    glue = "" if script in ("han", "kana") else " "
    text = glue.join(words) + rng.choice(["", ".", ".", "!", "?", "。" if glue == "" else "."])
    if rng.random() < 0.1:
        text = text.replace(" ", rng.choice(SPACES), rng.randint(1, 3))
    return rng.choice(SPACES) + text + " " if rng.random() < 0.03 else text


def edited(rng, text, stock, rate):
    """Words moved in runs, changed, doubled, dropped; of scripts without spaces, characters."""
    glue = " " if " " in text else ""
    words = text.split(" ") if glue else list(text)
    for _ in range(rng.choice([0, 0, 1, 1, 2, 3])):
        if len(words) > 2 and rng.random() < 2 * rate:
            a, n = rng.randrange(len(words)), rng.randint(1, 5)
            run, rest = words[a:a + n], words[:a] + words[a + n:]
            b = rng.randrange(len(rest) + 1)
            words = rest[:b] + run + rest[b:]
    out = []
    for w in words:
        roll = rng.random() / max(rate, 1e-9)
        if roll < 0.2:
            continue
        out.append(rng.choice(stock) if roll < 0.5 else w.swapcase() if roll < 0.6 else w)
        if 0.6 <= roll < 0.75:
            out.append(rng.choice([w, rng.choice(stock), rng.choice(MARKS)]))
    return glue.join(out)


def strange(rng, stock, script):
    """Lines that no sentence is like."""
    one = rng.choice(stock)
    return rng.choice([
        "", " ", "\u3000", one, number(rng), rng.choice(MARKS), rng.choice(MARKS) * 3,
        " ".join([one] * rng.randint(2, 60)),
        " ".join(rng.choice(stock[:3]) for _ in range(rng.randint(5, 70))),
        " ".join(rng.choice(MARKS) for _ in range(rng.randint(1, 9))),
        " ".join(f"({w})" if rng.random() < 0.5 else f"'{w}," for w in rng.sample(stock, 4)),
        sentence(rng, stock, script, rng.randint(60, 130)),
    ])


def rows(rng, count):
    scripts = ["latin", "greek", "cyrillic", "arabic", "han", "kana"]
    stocks = {s: [word(rng, s) for _ in range(90)] for s in scripts}
    for i in range(count):
        script = scripts[i % len(scripts)]
        stock = stocks[script] if rng.random() < 0.9 else [w for s in scripts for w in stocks[s]]
        roll = rng.random()
        first = strange(rng, stock, script) if roll < 0.08 else sentence(rng, stock, script, rng.choice([1, 2, 3, 5, 7, 9, 11, 14, 17, 21]))
        second = edited(rng, first, stock, 0.3)
        hypothesis = edited(rng, first, stock, rng.choice([0, 0.1, 0.2, 0.2, 0.4, 0.8]))
        if rng.random() < 0.04:
            hypothesis = strange(rng, stock, script)
        elif rng.random() < 0.02:   # so few words that the beam must grow
            hypothesis, first = rng.choice(stock), " ".join(rng.choice(stock) for _ in range(rng.randint(40, 160)))
        yield hypothesis, first, second


def metrics():
    for lower in (False, True):
        case = "lc" if lower else "mixed"
        for tok in ("13a", "none", "char", "intl", "zh"):
            yield "bleu", case, tok, "exp", sacrebleu.BLEU(lowercase=lower, tokenize=tok, force=True)
        for smooth in ("floor", "add-k", "none"):
            yield "bleu", case, "13a", smooth, sacrebleu.BLEU(lowercase=lower, smooth_method=smooth, force=True)
        yield "chrf", case, "-", "-", sacrebleu.CHRF(lowercase=lower)
        yield "chrf++", case, "-", "-", sacrebleu.CHRF(word_order=2, lowercase=lower)
    yield "ter", "lc", "-", "-", sacrebleu.TER()


def corpus_figures(lines):
    hypotheses = [r[0] for r in lines]
    for name, case, tok, smooth, metric in metrics():
        for count in (1, 2):
            references = [[r[k] for r in lines] for k in range(1, count + 1)]
            yield f"{name}\t{case}\t{tok}\t{smooth}\t{count}\t{metric.corpus_score(hypotheses, references).score:.10f}\n"


def line_figures(lines):
    columns = [("bleu:13a:exp", 1, sacrebleu.BLEU(force=True)), ("bleu:intl:floor", 1, sacrebleu.BLEU(tokenize="intl", smooth_method="floor", force=True)),
               ("bleu:zh:add-k", 2, sacrebleu.BLEU(tokenize="zh", smooth_method="add-k", force=True)), ("chrf:-:-", 1, sacrebleu.CHRF()),
               ("chrf++:-:-", 1, sacrebleu.CHRF(word_order=2)), ("chrf++:-:-", 2, sacrebleu.CHRF(word_order=2)), ("ter:-:-", 1, sacrebleu.TER()),
               ("ter:-:-", 2, sacrebleu.TER())]
    yield "\t".join(f"{name}:{count}" for name, count, _ in columns) + "\n"
    for r in lines:
        figures = (m.corpus_score([r[0]], [[r[k]] for k in range(1, count + 1)]).score for _, count, m in columns)
        yield "\t".join(f"{f:.7f}".rstrip("0").rstrip(".") for f in figures) + "\n"


def write(path, lines):
    with open(path, "wb") as plain, gzip.GzipFile("", "wb", 9, plain, mtime=0) as packed:
        packed.write("".join(lines).encode("utf-8"))


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2500
    folder = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else pathlib.Path(__file__).resolve().parent / "scores")
    folder.mkdir(exist_ok=True)
    lines = list(rows(random.Random(2018), count))
    write(folder / "lines.tsv.gz", ("\t".join(r) + "\n" for r in lines))
    write(folder / "by-line.tsv.gz", line_figures(lines))
    (folder / "corpus.tsv").write_text("".join(corpus_figures(lines)), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
