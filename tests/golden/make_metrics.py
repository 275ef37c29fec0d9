#!/usr/bin/env python3
"""Makes tests/golden/metrics: lines of our own and what sacreBLEU and jiwer say about them.

    pip install sacrebleu==2.6.0 jiwer==4.0.0
    python tests/golden/make_metrics.py

Sentences are drawn from a small stock of letters in three scripts by a fixed seed; hypotheses and second references are the sentences with
words and letters changed. words.tsv holds plain lines for all metrics, marks.tsv holds what only tokenisers of BLEU tell apart (entities,
numbers with commas, unusual spaces, marks of many kinds). Columns: hypothesis, reference, second reference. expected.tsv: file, metric,
case, tokeniser, number of references, figure in percent.
"""
import pathlib
import random

import jiwer
import sacrebleu
from sacrebleu.tokenizers.tokenizer_re import TokenizerRegexp

HERE = pathlib.Path(__file__).resolve().parent / "metrics"
SCRIPTS = [
    ("bcdfghklmnprstvwz", "aeiouyäöéüå"),
    ("βγδζθκλμνπρστφχψ", "αεηιουωάέήίόύώ"),
    ("бвгджзклмнпрстфхцчш", "аеиоуыэюяё"),
]
MARKS = list(".,;:!?-–—'\"()[]{}/&%$#@*+=<>|~^_`€§°©…«»„“”’¿·") + ["...", "--", ".,", "1.", ".5", "3-4", "10%", "&amp;", "&quot;", "&lt;b&gt;", "&amp;lt;",
         "<skipped>", "1,234.56", "12.", ",7", "½", "x²", "№5", "Ⅳ", "、", "。", "中文字", "日本", "「か」", "한글", "👍", "a.b,c", "e.g.", "U.S.A.", "o'clock"]
SPACES = ["  ", "\u00a0", "\u2009", "\u3000", "\u001f"]
FOLDED = ["İzmir", "ΟΔΟΣ", "ΣΟΦΟΣ", "ΑΣ.", "Σ", "ΌΣΟΣ’", "STRAẞE", "ǅ", "ÉCOLE", "ДОМ", "K", "Ω"]


def word(rng):
    consonants, vowels = rng.choice(SCRIPTS)
    text = "".join(rng.choice(consonants) + rng.choice(vowels) for _ in range(rng.randint(1, 3)))
    text += rng.choice(consonants + "s" if consonants[0] == "b" else "ς" if consonants[0] == "β" else "й") if rng.random() < 0.5 else ""
    return text.capitalize() if rng.random() < 0.2 else text.upper() if rng.random() < 0.05 else text


def sentence(rng, stock, marks):
    words = [rng.choice(stock) for _ in range(rng.randint(1, 14))]
    if rng.random() < 0.3:
        words.insert(rng.randrange(len(words) + 1), str(rng.randint(0, 2500)))
    if rng.random() < 0.1:
        words.insert(rng.randrange(len(words) + 1), rng.choice(FOLDED))
    for _ in range(rng.randint(1, 4) if marks else 0):
        i = rng.randrange(len(words))
        mark = rng.choice(MARKS)
        words[i] = rng.choice([words[i] + mark, mark + words[i], mark, words[i][:2] + mark + words[i][2:]])
    text = " ".join(words)
    if marks and rng.random() < 0.2:
        text = text.replace(" ", rng.choice(SPACES), 1)
    return text + rng.choice([".", "!", "?", ",", "", ""])


def edited(rng, text, stock, rate):
    out = []
    for w in text.split(" "):
        roll = rng.random()
        if roll < rate * 0.3:
            continue
        if roll < rate * 0.6:
            w = rng.choice(stock)
        elif roll < rate * 0.8 and len(w) > 1:
            i = rng.randrange(len(w) - 1)
            w = w[:i] + w[i + 1] + w[i] + w[i + 2:]
        if rng.random() < rate * 0.2:
            w = w.swapcase()
        out.append(w)
        if rate * 0.8 <= roll < rate:
            out.append(rng.choice(stock))
    if rng.random() < rate and len(out) > 2:
        i = rng.randrange(len(out) - 1)
        out[i], out[i + 1] = out[i + 1], out[i]
    return " ".join(out)


def corpus(seed, count, marks):
    rng = random.Random(seed)
    stock = [word(rng) for _ in range(120)]
    rows = []
    for _ in range(count):
        first = sentence(rng, stock, marks)
        rows.append((edited(rng, first, stock, rng.choice([0.0, 0.2, 0.2, 0.5, 1.0])), first, edited(rng, first, stock, 0.4) or first))
    return rows


def bleu_of_words(hypotheses, references, lower):
    """13a's substitutions without its reading of entities, then BLEU of what stands between spaces."""
    part = TokenizerRegexp()
    metric = sacrebleu.BLEU(lowercase=lower, tokenize="none", force=True)
    return metric.corpus_score([part(f" {h} ") for h in hypotheses], [[part(f" {r} ") for r in side] for side in references]).score


def of_translations(name, rows):
    hypotheses = [r[0] for r in rows]
    for count in (1, 2):
        references = [[r[k] for r in rows] for k in range(1, count + 1)]
        for lower in (False, True):
            case = "lc" if lower else "mixed"
            for tok in ("13a", "none", "char", "intl", "zh"):
                metric = sacrebleu.BLEU(lowercase=lower, tokenize=tok, force=True)
                yield name, "bleu", case, tok, count, metric.corpus_score(hypotheses, references).score
            yield name, "bleu-words", case, "-", count, bleu_of_words(hypotheses, references, lower)
            metric = sacrebleu.CHRF(lowercase=lower)
            yield name, "chrf", case, "-", count, metric.corpus_score(hypotheses, references).score
            metric = sacrebleu.CHRF(lowercase=lower, word_order=2)
            yield name, "chrf++", case, "-", count, metric.corpus_score(hypotheses, references).score
        yield name, "ter", "mixed", "-", count, sacrebleu.TER().corpus_score(hypotheses, references).score


def rates(name, rows):
    for lower in (False, True):
        case = "lc" if lower else "mixed"
        fold = str.lower if lower else str
        hypotheses, references = [fold(r[0]) for r in rows], [fold(r[1]) for r in rows]
        yield name, "wer", case, "-", 1, 100 * jiwer.wer(references, hypotheses)
        yield name, "cer", case, "-", 1, 100 * jiwer.cer(references, hypotheses)
        yield name, "accuracy", case, "-", 1, 100 * sum(a == b for a, b in zip(hypotheses, references)) / len(rows)


def main():
    HERE.mkdir(exist_ok=True)
    files = {"words": corpus(1, 200, False), "marks": corpus(2, 200, True), "few": corpus(3, 2, False), "line": [("ko la", "ko la bi su", "ko la")]}
    figures = []
    for name, rows in files.items():
        (HERE / f"{name}.tsv").write_text("".join("\t".join(r) + "\n" for r in rows), encoding="utf-8", newline="\n")
        figures += of_translations(name, rows)
        figures += [] if name == "marks" else rates(name, rows)
    lines = ["\t".join(map(str, f[:5])) + f"\t{f[5]:.12f}\n" for f in figures]
    (HERE / "expected.tsv").write_text("".join(lines), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
