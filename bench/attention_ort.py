"""ONNX Runtime's side of bench/attention.sh: one com.microsoft MultiHeadAttention node in float32 on arrays [B,T,H D], its native layout; forward alone.

    attention_ort.py THREADS FOLDER

Inputs and results are bound before the clock starts, so nothing is copied in a call. A session lives only while it is timed: threads of one that waits
would take the processors of the others. The words are those of bench/attention.c.
"""
from attention_side import THREADS, serve, timed

import numpy as np                                # noqa: E402
import onnxruntime as ort                         # noqa: E402
from onnx import TensorProto, helper              # noqa: E402

WARM = 2


def model_of(cell):
    q, k = [cell.B, cell.Tq, cell.H * cell.D], [cell.B, cell.Tk, cell.H * cell.D]
    io = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in zip("qkvo", (q, k, k, q))]
    node = helper.make_node("MultiHeadAttention", ["q", "k", "v"], ["o"], domain="com.microsoft", num_heads=cell.H,
                            unidirectional=int(cell.kind == "causal"))
    return helper.make_model(helper.make_graph([node], "attention", io[:3], io[3:]), ir_version=8,
                             opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]).SerializeToString()


def prepare(cell):
    if cell.dtype != "f32" or cell.passes not in ("forward", "decode") or cell.kind not in ("everything", "causal") or cell.H != cell.Hk:
        return "such cell"
    model = model_of(cell)
    settings = ort.SessionOptions()
    settings.intra_op_num_threads, settings.inter_op_num_threads = THREADS, 1
    x = [ort.OrtValue.ortvalue_from_numpy(a.reshape(a.shape[0], a.shape[1], -1)) for a in cell.inputs()]
    out = ort.OrtValue.ortvalue_from_numpy(np.zeros((cell.B, cell.Tq, cell.H * cell.D), np.float32))

    def run(calls):
        session = ort.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
        binding = session.io_binding()
        for name, value in zip("qkv", x):
            binding.bind_ortvalue_input(name, value)
        binding.bind_ortvalue_output("o", out)

        def call():
            session.run_with_iobinding(binding)
        timed(call, WARM)
        return timed(call, calls)

    def results():
        run(1)
        return [out.numpy()]

    return run, results


serve("ort", f"ONNX Runtime {ort.__version__}", prepare)
