#!/usr/bin/env python3
"""Makes tests/golden/text/normal.tsv: what Python says normal forms and lower case of odd strings are.

    python tests/golden/make_text.py

Columns: a string of characters drawn by a fixed seed, its lower case, its NFKC, and the NFKC of its lower-cased NFKD.
"""
import pathlib
import random
import unicodedata

PATH = pathlib.Path(__file__).resolve().parent / "text" / "normal.tsv"
BLOCKS = [(0x41, 0x7B), (0xA1, 0x250), (0x300, 0x370), (0x370, 0x400), (0x400, 0x530), (0x590, 0x5F5), (0x620, 0x660), (0x900, 0x980),
          (0xB80, 0xBFF), (0x1100, 0x1200), (0x1E00, 0x2000), (0x2070, 0x20A0), (0x2100, 0x2190), (0x2460, 0x2500), (0x3040, 0x3100),
          (0x3300, 0x3358), (0xAC00, 0xAC80), (0xF900, 0xFA30), (0xFB00, 0xFB50), (0xFDF0, 0xFDFC), (0xFF01, 0xFFEF), (0x1D15E, 0x1D165),
          (0x1D400, 0x1D500), (0x1F100, 0x1F190)]
BY_HAND = ["", "plain", "A\u030a", "\u212b", "e\u0323\u0302", "e\u0302\u0323", "\u1100\u1161\u11a8", "\uac00\u11a8", "ΟΔΟΣ", "ΣΑΣ Σ. Σ",
           "İI", "ﬁ", "ﷺ", "H\u0331", "\u0344", "q\u0307\u0323" * 3, "a" + "\u0301\u0316" * 40, "\u0958", "\u2126", "\u1e9b\u0323", "ẞß", "ǅ"]


def character(rng):
    while True:
        c = chr(rng.randrange(*rng.choice(BLOCKS)))
        if unicodedata.category(c) != "Cn":
            return c


def string(rng):
    text = ""
    for _ in range(rng.randint(1, 12)):
        text += character(rng) if rng.random() < 0.7 else chr(rng.randrange(0x300, 0x345))
    return text


def main():
    rng = random.Random(1)
    rows = BY_HAND + [string(rng) for _ in range(400)]
    nfkc, nfkd = (lambda s: unicodedata.normalize("NFKC", s)), (lambda s: unicodedata.normalize("NFKD", s))
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text("".join("\t".join((s, s.lower(), nfkc(s), nfkc(nfkd(s).lower()))) + "\n" for s in rows), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
