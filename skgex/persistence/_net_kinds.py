"""Nets of skorch, their callbacks and modules of torch, in files."""

from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback
from skorch.utils import get_map_location
from torch import nn

from skgex._nets.snapshot import load_weights, weights_of
from skgex.persistence._coder import Decoder, Encoder, Kind, refusal

# What every module has besides its own attributes.
_OF_MODULES = vars(nn.Module()).keys()


def _write_made(value: Any, encoder: Encoder, where: str) -> dict[str, Any]:
    """Write what is made by its class from its parameters."""
    return {
        "class": encoder.name(type(value), where),
        "parameters": encoder.pairs(value.get_params(deep=False), where),
    }


def _read_callback(entry: dict[str, Any], decoder: Decoder) -> Any:
    cls = decoder.names.find(entry["class"])
    if not issubclass(cls, Callback):
        raise ValueError(f"{cls.__name__} is no callback")
    return cls(**decoder.mapping(entry["parameters"]))


def _write_net(value: NeuralNet, encoder: Encoder, where: str) -> dict[str, Any]:
    written = _write_made(value, encoder, where)
    if not value.initialized_:
        return {**written, "fitted": None}
    learnable = value.get_all_learnable_params()
    fitted = {
        "weights": weights_of(value),
        "fixed": [name for name, p in learnable if not p.requires_grad],
        "history": list(value.history),
        "classes": getattr(value, "classes_inferred_", None),
    }
    return {**written, "fitted": encoder.encode(fitted, where)}


def _read_net(entry: dict[str, Any], decoder: Decoder) -> NeuralNet:
    cls = decoder.names.find(entry["class"])
    if not issubclass(cls, NeuralNet):
        raise ValueError(f"{cls.__name__} is no net")
    parameters = decoder.mapping(entry["parameters"])
    device = parameters.get("device")
    if isinstance(device, str) and get_map_location(device).type == "cpu":
        parameters["device"] = "cpu"
    net = cls(**parameters)
    fitted = decoder.decode(entry["fitted"])
    if fitted is not None:
        _check_size(net, fitted["weights"])
        net.initialize()
        load_weights(net, fitted["weights"])
        for name, parameter in net.get_all_learnable_params():
            parameter.requires_grad_(name not in fitted["fixed"])
        net.history.extend(fitted["history"])
        if fitted["classes"] is not None:
            net.classes_inferred_ = fitted["classes"]
    return net


def _check_size(net: NeuralNet, weights: dict[str, dict]) -> None:
    """Refuse parameters that make a module of another size than the weights in a file.

    It could fill the memory. On torch's device "meta", a module takes none.
    """
    if not isinstance(net.module, type):
        return
    with torch.device("meta"):
        module = net.initialized_instance(net.module, net.get_params_for("module"))
    made = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    if made != {name: value.shape for name, value in weights["module"].items()}:
        raise ValueError(f"the weights are not those of a {net.module.__name__}")


def _write_module(value: nn.Module, encoder: Encoder, where: str) -> dict[str, Any]:
    """Write a module that is passed itself, rather than its class and parameters."""
    cls, state = type(value), vars(value)
    if cls.__setstate__ is not nn.Module.__setstate__ or _has_hooks(value):
        raise refusal(
            where, f"a {cls.__qualname__} that is set up already", CLASS_INSTEAD
        )
    own = {name: part for name, part in state.items() if name not in _OF_MODULES}
    buffers = {
        name: [buffer, name not in value._non_persistent_buffers_set]
        for name, buffer in value._buffers.items()
    }
    parts = {
        "attributes": own,
        "parameters": dict(value._parameters),
        "buffers": buffers,
        "modules": _children(value),
        "training": value.training,
    }
    return {
        "class": encoder.name(cls, where),
        "parts": encoder.encode(parts, where),
    }


def _read_module(entry: dict[str, Any], decoder: Decoder) -> nn.Module:
    cls = decoder.names.find(entry["class"])
    if not issubclass(cls, nn.Module):
        raise ValueError(f"{cls.__name__} is no module")
    parts = decoder.decode(entry["parts"])
    hidden = [name for name in parts["attributes"] if callable(getattr(cls, name, 0))]
    if hidden or _OF_MODULES & parts["attributes"].keys():
        raise ValueError(f"attributes hide those of {cls.__name__}: {hidden}")
    module = object.__new__(cls)
    nn.Module.__init__(module)
    vars(module).update(parts["attributes"])
    for name, parameter in parts["parameters"].items():
        module.register_parameter(name, parameter)
    for name, (buffer, persistent) in parts["buffers"].items():
        module.register_buffer(name, buffer, persistent=persistent)
    for name, part in parts["modules"].items():
        module.add_module(name, part)
    module.training = parts["training"]
    return module


def _children(module: nn.Module) -> dict[str, nn.Module]:
    """Return the modules in a module, also those that have two names."""
    inside = module.named_modules(remove_duplicate=False)
    return {name: part for name, part in inside if name and "." not in name}


def _has_hooks(module: nn.Module) -> bool:
    return any(value for name, value in vars(module).items() if name.endswith("_hooks"))


CLASS_INSTEAD = (
    "Pass the class of the module to the net, and its parameters as module__..., or "
    "pickle the estimator."
)

NET_KINDS = [
    Kind("net", lambda value: isinstance(value, NeuralNet), _write_net, _read_net),
    Kind(
        "callback",
        lambda value: isinstance(value, Callback),
        _write_made,
        _read_callback,
    ),
    Kind(
        "module",
        lambda value: isinstance(value, nn.Module),
        _write_module,
        _read_module,
    ),
]
