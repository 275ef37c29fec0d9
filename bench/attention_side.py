"""What the peers of bench/attention.sh share: cells, their inputs from one file, and the words that bench/attention.c answers too."""
import ctypes
import os
import sys
import time
from dataclasses import dataclass

THREADS, FOLDER = int(sys.argv[1]), sys.argv[2]
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(THREADS)

# Without this the system takes back each large array's memory as it is freed, and gives it anew page by page.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
if hasattr(ctypes.CDLL(None), "mallopt"):
    for option, value in ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, -1), (M_TOP_PAD, 64 << 20)):
        ctypes.CDLL(None).mallopt(option, value)

import numpy as np                    # noqa: E402


@dataclass
class Cell:
    dtype: str
    passes: str
    kind: str
    B: int
    H: int
    Hk: int
    Tq: int
    Tk: int
    D: int

    @classmethod
    def read(cls, words):
        w = words.split()
        return cls(*w[:3], *map(int, w[3:9]))

    @property
    def window(self):
        return int(self.kind[len("window"):]) if self.kind.startswith("window") else 0

    def inputs(self):
        """q [B,Tq,H,D], k and v [B,Tk,Hk,D], and what comes to the result: float32; bf16 cells hold numbers that are exact in it."""
        x = np.fromfile(f"{FOLDER}/inputs", np.float32)
        shapes = [(self.B, self.Tq, self.H, self.D)] + 2 * [(self.B, self.Tk, self.Hk, self.D)]
        if self.passes == "both":
            shapes.append(shapes[0])
        ends = np.cumsum([int(np.prod(s)) for s in shapes])
        return [part.reshape(s) for part, s in zip(np.split(x, ends[:-1]), shapes)]


def held(field):
    """A line of /proc/self/status, in MB."""
    with open("/proc/self/status") as f:
        return int(next(line for line in f if line.startswith(field)).split()[1]) * 1024 / 1e6


def measure_memory(run):
    with open("/proc/self/clear_refs", "w") as f:
        f.write("5")
    before, began = held("VmRSS:"), time.perf_counter()
    run(1)
    spent = time.perf_counter() - began
    return f"{spent:.6f} {held('VmHWM:') - before:.1f} {held('VmHWM:'):.1f}"


def serve(name, about, prepare):
    """prepare(cell) gives (run(calls) -> seconds, results() -> arrays of float32 laid out as the inputs are), or a str: why it has no such cell."""
    print("ready", about, flush=True)
    run = results = None
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        try:
            if word == "cell":
                run = results = None     # frees what the last cell held
                made = prepare(Cell.read(rest))
                if isinstance(made, str):
                    answer = "no " + made
                else:
                    (run, results), answer = made, "done"
            elif word == "run":
                answer = f"{run(int(rest)):.9f}"
                time.sleep(0.02)         # threads that wait for work burn a processor for a while
            elif word == "write":
                with open(f"{FOLDER}/{name}", "wb") as f:
                    for x in results():
                        np.ascontiguousarray(x, np.float32).tofile(f)
                answer = "done"
            elif word == "memory":
                answer = measure_memory(run)
            else:
                answer = "no such word"
        except Exception as error:       # whatever the library says: the cell is left out, with its words
            answer = "no " + " ".join(f"{type(error).__name__}: {error}".split())[:200]
        print(answer, flush=True)


def timed(call, calls):
    began = time.perf_counter()
    for _ in range(calls):
        call()
    return time.perf_counter() - began
