"""Writes spec/golden/small.onnx: a model with nested names, an operator of two outputs, attributes of every kind that
is read, a weight, and a size that only has a name.

    python spec/golden/make_onnx.py        (needs onnx)
"""
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = os.path.dirname(os.path.abspath(__file__))


def make_model():
    weight = numpy_helper.from_array(np.ones((2, 3, 3, 3), dtype=np.float32), "conv.weight")
    nodes = [
        helper.make_node("Conv", ["x", "conv.weight"], ["/features/conv/Conv_output_0"], name="/features/conv/Conv",
                         kernel_shape=[3, 3], pads=[1, 1, 1, 1], group=1, auto_pad="NOTSET"),
        helper.make_node("LeakyRelu", ["/features/conv/Conv_output_0"], ["/features/act/LeakyRelu_output_0"],
                         alpha=0.25),
        helper.make_node("Split", ["/features/act/LeakyRelu_output_0"], ["/split:0", "/split:1"], axis=1,
                         num_outputs=2),
        helper.make_node("Add", ["/split:0", "/split:1"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes, "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [weight],
        value_info=[helper.make_tensor_value_info("/features/conv/Conv_output_0", TensorProto.FLOAT, [1, 2, 8, 8])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model


if __name__ == "__main__":
    onnx.save(make_model(), os.path.join(FOLDER, "small.onnx"))
