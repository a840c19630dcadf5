"""A signal handler that raises, at each place in turn where CPython would call it."""

import dis
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import openalgo_store

PACKAGE = str(Path(openalgo_store.__file__).parent)


class Interrupted(BaseException):
    """What the handler raises."""


class _Interrupt:
    """Traces code of the package and calls the handler at the place of this number.

    Signals are looked for where a function begins, after a call and where a loop goes back.
    """

    def __init__(self, number: int, handler: Callable[[], object]) -> None:
        self.place: str | None = None
        """Where it was called."""
        self._handler = handler
        self._left = number
        self._before: dict[int, str] = {}  # the instruction that each frame executed last
        self._names: dict[Any, dict[int, str]] = {}

    def trace(self, frame: FrameType, event: str, _: object) -> Any:
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "call":
            self._before[id(frame)] = "RESUME"
        elif event == "opcode":
            before = self._before.get(id(frame), "")
            names = self._names.get(frame.f_code)
            if names is None:
                names = {each.offset: each.opname for each in dis.get_instructions(frame.f_code)}
                self._names[frame.f_code] = names
            self._before[id(frame)] = names.get(frame.f_lasti, "")
            if before.startswith(("RESUME", "CALL", "JUMP_BACKWARD")):
                self._left -= 1
                if self._left == 0:
                    self.place = f"{frame.f_code.co_qualname}:{frame.f_lineno} after {before}"
                    self._handler()
        return self.trace


def _raise() -> None:
    raise Interrupted


def interrupted_at(
    number: int, call: Callable[[], object], handler: Callable[[], object] = _raise
) -> str | None:
    """Call this and interrupt it at the place of this number, from 1; the place, if it came so far.

    What is raised while an object dies goes nowhere, as Python has it.
    """
    interrupt, hook = _Interrupt(number, handler), sys.unraisablehook
    logging.disable()  # a record that is kept would keep the traceback, and all that lives in it
    sys.unraisablehook = lambda each: None if each.exc_type is Interrupted else hook(each)
    sys.settrace(interrupt.trace)
    try:
        call()
    except Interrupted:
        pass
    except TypeError as error:
        if str(error) != "'traceback' object is not callable":
            raise  # what CPython 3.11 says, seldom, when a trace function has raised
        return "a place that the interpreter lost"
    finally:
        sys.settrace(None)
        sys.unraisablehook = hook
        logging.disable(logging.NOTSET)
    return interrupt.place
