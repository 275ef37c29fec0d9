#!/usr/bin/env python3
"""Makes tests/golden/rouge: texts of our own, what rouge-score says about them, and the stems of a dictionary.

    pip install rouge-score==0.1.2 nltk==3.10.4
    python tests/golden/make_rouge.py

Texts are drawn from templates by a fixed seed: english.tsv.gz has one to four English sentences a line whose words share stems, scripts.tsv.gz words of six
scripts with marks, digits and unusual letters. Hypotheses and second references are texts whose words and sentences were changed. Columns: hypothesis,
reference, second reference; a line break is written \\n, a backslash \\\\. expected.tsv: file, metric, tokeniser, number of references, F1, precision and
recall in percent, means of the lines. Tokeniser "unicode" is heed's own rule, written down once more here and given to rouge-score.
stems.tsv: number of words of data/cmudict in letters a-z and longer than three, SHA-256 of NLTK's stems of them, each ended by a line feed.
"""
import gzip
import hashlib
import pathlib
import random
import re
import unicodedata

from nltk.stem import porter
from rouge_score import rouge_scorer

HERE = pathlib.Path(__file__).resolve().parent
TYPES = ["rouge1", "rouge2", "rougeL", "rougeLsum"]

NOUNS = """nation nationality relation relationship condition connection adoption decision formality hope goodness happiness sky skies boy boys enjoyment
story stories lie flies tie news inning outings geology theology analogy analyses agency hesitancy allowance inference dependence communist activity
responsibility sensibility probability operator digitizer predication vietnamization feudalism callousness bowl controller committee eye pony replacement
adjustment dependency irritant homology effect cat cats year years city cities bus buses class classes""".split()
VERBS = """relates related relating connects connected connecting hops hopping hopped falls falling fell hisses hissing fizzed files filing failed sizes
sized agrees agreed agreeing feeds feeding plastered motoring sings conflates conflated troubles troubled tans tanned dies died dying lies lied lying ties
tying spies spied flies flying tries tried proceeds proceed exceeds succeed enjoys enjoyed plays playing controls controlled rolls rolling generalizes
generalized oscillates oscillated activates replaces replaced adopts adopting eyed ages aged aces""".split()
ADJECTIVES = """national rational relational conditional electrical formal formalized hopeful hopefully careful carefully useful usefully differently vile
analogous decisive decisively radical radically possible possibly incredible incredibly additional additionally happy happily early enjoyable happier
fluently basically 3rd 19th 21st-century well-known o'clock's x2 don't""".split()
SMALL = "the a an of in on with by and or not no two ten 7 2024 3.5 its it he she they".split()
SCRIPTS = [
    "café naïve Straße Ærø fjörður İstanbul ﬁn \u212aelvin ½ x² Ⅳ".split(),
    "λόγος ΛΌΓΟΣ ΟΔΟΣ οδός θάλασσα νερό πέτρα ήλιος ΦΩΣ φως".split(),
    "мир Мир дом дома река ёлка город книга Книга вода".split(),
    "بيت كتاب كِتَاب ماء شمس قمر مدينة ولد بنت".split(),
    "天 地 人 山水 中文 今天天气很好 书在桌上 二〇二六年 𠮷".split(),
    "ネコ 猫が好き かわいい カタカナ ひらがな 東京へ行く ラーメン ﾊﾝｶｸ が".split(),
    "हिन्दी किताब पानी मैं".split() + "สวัสดี น้ำ".split() + ["한국어", "책을"],
]
MARKS = [".", ",", "!", "?", "…", "。", "、", "؟", ";", ":", "—", "_", "'", "%"]


def english(rng):
    words = [rng.choice(SMALL), rng.choice(ADJECTIVES), rng.choice(NOUNS), rng.choice(VERBS), rng.choice(SMALL), rng.choice(NOUNS)]
    for _ in range(rng.choice([0, 0, 1, 3, 8])):
        words.insert(rng.randrange(len(words) + 1), rng.choice(rng.choice([NOUNS, VERBS, ADJECTIVES, SMALL])))
    words[0] = words[0].capitalize()
    return words + ["."]


def scripts(rng):
    stocks = rng.sample(SCRIPTS, rng.randint(1, 2))
    words = [rng.choice(rng.choice(stocks)) for _ in range(rng.randint(1, 7))]
    if rng.random() < 0.3:
        words.insert(rng.randrange(len(words) + 1), rng.choice(VERBS + ["12", "\\", "C:\\new"]))
    return words + [rng.choice(MARKS)]


def edited(rng, sentences, make, rate):
    out = []
    for sentence in sentences:
        words = []
        for w in sentence:
            roll = rng.random()
            if roll < rate * 0.3:
                continue
            if roll < rate * 0.6:
                w = rng.choice(make(rng))
            elif roll < rate * 0.7:
                w = w.upper()
            words.append(w)
            if rate * 0.85 <= roll < rate:
                words.append(w)
        if rng.random() < rate and len(words) > 2:
            i = rng.randrange(len(words) - 1)
            words[i], words[i + 1] = words[i + 1], words[i]
        out.append(words)
    if rng.random() < rate:
        rng.shuffle(out)
    if rng.random() < rate * 0.4 and len(out) > 1:
        out.pop()
    if rng.random() < rate * 0.3:
        out.append(make(rng))
    if rng.random() < rate * 0.1:
        out.insert(0, [])
    return out


def text(sentences):
    return "\n".join(" ".join(s) for s in sentences)


def corpus(seed, count, make):
    rng = random.Random(seed)
    rows = []
    for _ in range(count):
        first = [make(rng) for _ in range(rng.choice([1, 1, 2, 3, 4]))]
        hypothesis = edited(rng, first, make, rng.choice([0.0, 0.3, 0.3, 0.6, 1.0]))
        rows.append((text(hypothesis), text(first), text(edited(rng, first, make, 0.5))))
    rows[0] = ("", rows[0][1], "")
    rows[1] = (rows[1][0], "", rows[1][2])
    return rows


class Unicode:
    """Letters, marks and digits of any script are words; a letter of a script that is written without spaces is one by itself, with its marks."""
    ALONE = [(0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3005, 0x3007), (0x3041, 0x312F), (0x31A0, 0x31BF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F),
             (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF)]

    def __init__(self, stemmer):
        self.stemmer = stemmer

    def tokenize(self, text):
        words, last = [], "gap"
        for c in text.lower():
            kind = unicodedata.category(c)[0]
            if kind not in "LMN":
                last = "gap"
                continue
            alone = kind == "L" and any(a <= ord(c) <= b for a, b in self.ALONE)
            if last == "gap" or (kind != "M" and (alone or last == "alone")):
                words.append("")
            words[-1] += c
            if kind != "M":
                last = "alone" if alone else "word"
            elif last == "gap":
                last = "word"
        if self.stemmer:
            words = [self.stemmer.stem(w) if len(w) > 3 and w.isascii() else w for w in words]
        return words


def figures(name, rows):
    for tok in ("rouge", "unicode"):
        for stem in (False, True):
            own = Unicode(porter.PorterStemmer() if stem else None) if tok == "unicode" else None
            scorer = rouge_scorer.RougeScorer(TYPES, use_stemmer=stem, tokenizer=own)
            for count in (1, 2):
                scores = [scorer.score_multi(list(r[1:count + 1]), r[0]) for r in rows]
                for t in TYPES:
                    means = [100 * sum(s[t][k] for s in scores) / len(rows) for k in (2, 0, 1)]
                    yield name, t + ("-stem" if stem else ""), tok, count, *(f"{m:.12f}" for m in means)


def written(field):
    return field.replace("\\", "\\\\").replace("\n", "\\n")


def stems():
    words = []
    with gzip.open(HERE.parents[1] / "data" / "cmudict" / "cmudict.tsv.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            word = line.split("\t")[0].lower()
            if re.fullmatch("[a-z]{4,}", word) and word not in words[-1:]:
                words.append(word)
    stemmer = porter.PorterStemmer()
    digest = hashlib.sha256("".join(stemmer.stem(w) + "\n" for w in words).encode()).hexdigest()
    return f"{len(words)}\t{digest}\n"


def main():
    (HERE / "rouge").mkdir(exist_ok=True)
    expected = []
    for name, rows in (("english", corpus(1, 1600, english)), ("scripts", corpus(2, 1000, scripts))):
        lines = "".join("\t".join(map(written, r)) + "\n" for r in rows)
        (HERE / "rouge" / f"{name}.tsv.gz").write_bytes(gzip.compress(lines.encode(), 9, mtime=0))
        expected += ["\t".join(map(str, f)) + "\n" for f in figures(name, rows)]
    (HERE / "rouge" / "expected.tsv").write_text("".join(expected), encoding="utf-8", newline="\n")
    (HERE / "rouge" / "stems.tsv").write_text(stems(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
