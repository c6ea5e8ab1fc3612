"""Functions around the loop over epochs in which skorch trains a net."""

import dis
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, cast

from skorch import NeuralNet
from skorch.callbacks import Callback

# Takes skorch's loop, or another function around it, and the arguments of the call.
Around = Callable[..., Any]


@contextmanager
def looping_by(net: NeuralNet, around: Around) -> Iterator[None]:
    """Let a net call its ``fit_loop`` through a function, inside this context.

    Parameters
    ----------
    net : NeuralNet
        While the loop runs it is as it was: callbacks may clone or pickle it.
    around : callable
        It is called with the loop and the loop's arguments.
    """
    inner = vars(net).get("fit_loop")

    def fit_loop(*args: Any, **kwargs: Any) -> Any:
        _put(net, inner)
        try:
            return around(net.fit_loop, *args, **kwargs)
        finally:
            _put(net, fit_loop)

    _put(net, fit_loop)
    try:
        yield
    finally:
        _put(net, inner)


def _put(net: NeuralNet, fit_loop: Callable | None) -> None:
    """Set the loop of a net; None stands for that of its class."""
    if fit_loop is None:
        del vars(net)["fit_loop"]
    else:  # an assignment would be a parameter to skorch
        vars(net)["fit_loop"] = fit_loop


@contextmanager
def letting_interrupts_through(net: NeuralNet) -> Iterator[None]:
    """Raise a KeyboardInterrupt that ended the training of a net inside this context.

    skorch takes it for the end of the training, because its callbacks stop a training
    by raising one. What a callback raises itself still is the end. The training ends
    as skorch lets it end, with ``on_train_end``.
    """
    interrupts: list[KeyboardInterrupt] = []

    def around(fit_loop: Callable, *args: Any, **kwargs: Any) -> Any:
        try:
            return fit_loop(*args, **kwargs)
        except KeyboardInterrupt as interrupt:
            if not is_stop(interrupt):
                interrupts.append(interrupt)
            raise

    try:
        with looping_by(net, around):
            yield
    finally:
        if interrupts:
            raise interrupts[0]


def is_stop(interrupt: KeyboardInterrupt) -> bool:
    """Return whether a callback, or a method ``on_...`` of the net, raised it itself.

    Ctrl-C may come while such a method runs, but at another instruction than ``raise``.
    """
    last = cast(TracebackType, interrupt.__traceback__)  # it was raised
    while last.tb_next is not None:
        last = last.tb_next
    code, owner = last.tb_frame.f_code, last.tb_frame.f_locals.get("self")
    own = isinstance(owner, Callback) or (
        isinstance(owner, NeuralNet) and code.co_name.startswith("on_")
    )
    return own and dis.opname[code.co_code[last.tb_lasti]] == "RAISE_VARARGS"


def before_iterators(net: NeuralNet, act: Callable[[], None]) -> None:
    """Have a function called in the next loop of a net, before its first iterator.

    The rows of a ``train_split`` are drawn by then, but no epoch has begun.
    """

    def get_iterator(*args: Any, **kwargs: Any) -> Any:
        del vars(net)["get_iterator"]
        act()
        return net.get_iterator(*args, **kwargs)

    vars(net)["get_iterator"] = get_iterator
