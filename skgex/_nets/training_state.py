"""The state of a net between two epochs of its training, as bytes.

What a training goes on with follows from this state, and from what it began with: the
parameters of the net, the data and the seed. A training that is begun again has the
same modules, parameters, optimizers and callbacks: the state refers to them by name and
says what is in them, so that they stay the same objects. All else, such as a schedule
of learning rates, is in the state as it is.

It is exact or it is not made: what cannot be pickled raises an error. A state fits only
a net of the same structure, which includes how many hooks there are; what hooks hold
stays unknown.
"""

import io
import pickle
from collections.abc import Hashable, Iterator
from functools import cache, partial
from types import FunctionType
from typing import Any

import numpy as np
import skorch
import torch
from skorch import NeuralNet
from torch import nn
from torch.optim import Optimizer

from skgex._nets.skorch_adapter import has_plain_step, named_modules, optimizers_of
from skgex._utils.random import GeneratorStates

# No training changes parameters of a net of these types. Arrays may be large, and a
# class from a notebook cannot be pickled in its workers.
_UNCHANGED = (np.ndarray, torch.Tensor, partial, type, FunctionType)

# Modules whose ``__getstate__`` leaves out only what is made anew by itself. That of
# other classes may leave out what counts, as that of skorch's EarlyStopping does.
_EXACT_GETSTATE = ("torch.", "skgex.", "skorch.callbacks.logging")

# What is kept apart from the other attributes of a module or optimizer.
_OF_ANY_MODULE = frozenset(vars(nn.Module())) - {"training"}

Objects = dict[Hashable, Any]


@cache
def _of_any_optimizer() -> frozenset[str]:
    """Wait for a training: the first optimizer imports torch's compiler."""
    return frozenset(vars(torch.optim.SGD([torch.empty(0)], lr=1.0)))


class TrainingState:
    """What is read from and written to a net whose training begins.

    Parameters
    ----------
    net : NeuralNet
        Initialised; its callbacks have been told that the training begins.
    """

    def __init__(self, net: NeuralNet):
        self.net = net
        self._given = {
            name: value
            for name, value in vars(net).items()
            if isinstance(value, _UNCHANGED)
        }

    def capture(self) -> bytes:
        """Return the state of the net and of the generators.

        Raises
        ------
        Exception
            Of any kind, if a part of the state cannot be pickled.
        """
        net, grads = self.net, not has_plain_step(self.net)
        callbacks = {name: _state_of(each) for name, each in _callbacks(net)}
        content = io.BytesIO()
        _Pickler(content, self._objects()).dump(
            {
                "structure": _structure(net),
                "attributes": _attributes(net),
                "callbacks": callbacks,
                "modules": {key: _own_state(module) for key, module in _layers(net)},
                "tensors": {key: _values(each, grads) for key, each in _tensors(net)},
                "optimizers": [_optimizer_state(each) for each in optimizers_of(net)],
                "generators": GeneratorStates.now(),
            }
        )
        return content.getvalue()

    def read(self, content: bytes) -> dict[str, Any] | None:
        """Return a captured state; None if it is not one of such a net."""
        try:
            state = _Unpickler(io.BytesIO(content), self._objects()).load()
            return state if state["structure"] == _structure(self.net) else None
        except Exception:  # classes of the user may be others by now
            return None

    def restore(self, state: dict[str, Any]) -> None:
        """Bring the net and the generators into a state that was read."""
        net = self.net
        _replace(net, _attributes(net), state["attributes"])
        for name, callback in _callbacks(net):
            _replace(callback, _state_of(callback), state["callbacks"][name])
        for path, module in _layers(net):
            _replace(module, _own_state(module), state["modules"][path])
        for key, tensor in _tensors(net):
            _set_values(tensor, *state["tensors"][key])
        for each, saved in zip(optimizers_of(net), state["optimizers"], strict=True):
            _set_optimizer_state(each, *saved)
        state["generators"].restore()

    def _objects(self) -> Objects:
        """Return what a state refers to by name."""
        net = self.net
        return {
            "net": net,
            **{("given", name): value for name, value in self._given.items()},
            **{("optimizer", i): each for i, each in enumerate(optimizers_of(net))},
            **{("callback", name): callback for name, callback in _callbacks(net)},
            **{("module", *key): module for key, module in _layers(net)},
            **dict(_tensors(net)),
            **dict(_functions(net)),
        }


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, objects: Objects):
        super().__init__(file, protocol=5)
        self._keys = {id(value): key for key, value in objects.items()}

    def persistent_id(self, obj: Any) -> Hashable:
        """Return the name of an object that is there already; None for others."""
        return self._keys.get(id(obj))


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, objects: Objects):
        super().__init__(file)
        self._objects = objects

    def persistent_load(self, key: Hashable) -> Any:
        """Return an object by its name."""
        return self._objects[key]


def _callbacks(net: NeuralNet) -> Iterator[tuple[str, Any]]:
    """Yield the callbacks of a net, except ours that have no state."""
    for name, callback in net.callbacks_:
        ours = type(callback).__module__.startswith("skgex.")
        if not ours or _state_of(callback):
            yield name, callback


def _layers(net: NeuralNet) -> Iterator[tuple[tuple[str, str], nn.Module]]:
    """Yield all modules and criteria and the modules inside of them, by path."""
    for name, root in named_modules(net):
        for path, module in root.named_modules():
            yield (name, path), module


def _tensors(net: NeuralNet) -> Iterator[tuple[Hashable, torch.Tensor]]:
    """Yield all parameters and buffers, by path."""
    for key, module in _layers(net):
        for kind in ("_parameters", "_buffers"):
            for name, tensor in getattr(module, kind).items():
                if tensor is not None:
                    yield ("tensor", *key, kind, name), tensor


def _functions(net: NeuralNet) -> Iterator[tuple[Hashable, FunctionType]]:
    """Yield the functions that modules hold, such as a lambda as nonlinearity."""
    for key, module in _layers(net):
        for name, value in vars(module).items():
            if isinstance(value, FunctionType):
                yield ("function", *key, name), value


def _structure(net: NeuralNet) -> list:
    """Describe what a state fits: which objects there are, of which types and sizes."""
    return [
        (torch.__version__, skorch.__version__, np.__version__),
        len(GeneratorStates.now().cuda),
        [(name, _type(callback)) for name, callback in _callbacks(net)],
        [_type(optimizer) for optimizer in optimizers_of(net)],
        [(key, _type(module), _n_hooks(module)) for key, module in _layers(net)],
        [
            (key, tuple(each.shape), str(each.dtype), str(each.device), _n_hooks(each))
            for key, each in _tensors(net)
        ],
    ]


def _type(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _n_hooks(owner: nn.Module | torch.Tensor) -> int:
    """Count the hooks of a module or a tensor."""
    if isinstance(owner, torch.Tensor):
        return len(owner._backward_hooks or ())
    return sum(
        len(value)
        for name, value in vars(owner).items()
        if name.endswith("_hooks") and isinstance(value, dict)
    )


def _state_of(owner: Any) -> dict[str, Any]:
    """Return the attributes of an object."""
    method = type(owner).__getstate__
    exact = getattr(method, "__module__", "").startswith(_EXACT_GETSTATE)
    return dict(owner.__getstate__() if exact else vars(owner))


def _attributes(net: NeuralNet) -> dict[str, Any]:
    """Return the attributes of a net; which callbacks it has is in its structure."""
    return {name: each for name, each in vars(net).items() if name != "callbacks_"}


def _own_state(module: nn.Module) -> dict[str, Any]:
    """Return the attributes of a module, except tensors, modules in it and hooks."""
    state = _state_of(module)
    return {name: state[name] for name in state.keys() - _OF_ANY_MODULE}


def _replace(owner: Any, present: dict[str, Any], saved: dict[str, Any]) -> None:
    """Replace the attributes of an object that are state."""
    for name in present.keys() - saved.keys():
        del vars(owner)[name]
    vars(owner).update(saved)


def _values(tensor: torch.Tensor, grads: bool) -> tuple:
    """Return what a parameter or buffer holds."""
    strides = zip(tensor.shape, tensor.stride(), strict=True)
    if any(n > 1 and stride == 0 for n, stride in strides):
        raise ValueError("several elements in one place cannot be written to")
    grad = tensor.grad if grads and tensor.is_leaf else None
    return _copy(tensor), tensor.requires_grad, None if grad is None else _copy(grad)


def _copy(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().cpu().clone()


@torch.no_grad()
def _set_values(
    tensor: torch.Tensor,
    values: torch.Tensor,
    requires_grad: bool,
    grad: torch.Tensor | None,
) -> None:
    """Write to a parameter or buffer."""
    tensor.copy_(values)
    if tensor.requires_grad != requires_grad:
        tensor.requires_grad_(requires_grad)
    if grad is not None:
        tensor.grad = grad.to(tensor.device)


def _optimizer_state(optimizer: Optimizer) -> tuple[dict, list, dict]:
    """Return the state by parameter, the groups, and what a class of its own adds.

    A schedule wraps ``step``, and does so again in the training that goes on.
    """
    own = vars(optimizer).keys() - _of_any_optimizer() - {"step"}
    added = {name: vars(optimizer)[name] for name in own}
    return dict(optimizer.state), optimizer.param_groups, added


def _set_optimizer_state(
    optimizer: Optimizer, state: dict, groups: list, added: dict
) -> None:
    optimizer.state.clear()
    optimizer.state.update(state)
    optimizer.param_groups[:] = groups
    vars(optimizer).update(added)


class CapturedState:
    """The state of a net as bytes, which are made when this is pickled."""

    def __init__(self, state: TrainingState):
        self._state = state

    def __reduce__(self) -> tuple:
        return bytes, (self._state.capture(),)
