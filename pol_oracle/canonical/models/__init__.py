"""The networks a task can train. A model is data: a function that lays layers into a graph.

model.py    weights in declaration order, and the programs they are trained and evaluated by
cnn.py      the devnet's: a step takes milliseconds
resnet.py   ResNet-18 with two stems
vgg.py      a small VGG with batch norm
"""

from __future__ import annotations

from pol_oracle.protocol.errors import InputError

from ..layers.graph import Weight
from .cnn import cnn
from .model import Model, declare
from .resnet import resnet18, resnet18_7x7
from .vgg import vgg

__all__ = ["MODEL_NAMES", "Model", "Weight", "build_model"]

_ARCHITECTURES = {"cnn": cnn, "resnet18": resnet18, "resnet18-7x7": resnet18_7x7, "vgg": vgg}
MODEL_NAMES = tuple(_ARCHITECTURES)


def build_model(name: str) -> Model:
    """Returns a model for 32x32x3 uint8 images of 10 classes.

    Args:
        name: one of ``MODEL_NAMES``: "cnn", "resnet18" (3x3 stem of stride 1, no max pool), "resnet18-7x7"
            (torchvision's stem) or "vgg".

    Raises:
        InputError: there is no such model.
    """
    if name not in _ARCHITECTURES:
        raise InputError(f"there is no model {name!r}; choose one of {', '.join(MODEL_NAMES)}")
    return declare(name, _ARCHITECTURES[name])
