"""The NLU unit. It is optional: nothing here keeps Havn from running."""

import importlib.util
import sys
from collections.abc import AsyncIterator, Iterator
from types import ModuleType

from bot.adapters.nlu import SocketDialogue, interpreter
from bot.bootstrap import nlu_unit
from bot.commands.examination.finding import Finding, Mark
from bot.domain.errors import DialogueUnavailableError
from bot.settings import Settings

AREA = "Free text"
_TRAIN = "havn nlu train"
_ROOT = "set HAVN_ROOT to the folder of Havn"


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Look at interpreter, environment, model and the unit itself.

    A unit that runs on its own (HAVN_NLU=socket) keeps its model elsewhere: only it can tell.
    """
    if settings.nlu == "off":
        says = "off: buttons, numbers and words of danger only"
        yield Finding(AREA, "NLU unit", Mark.FINE, says)
        return
    if settings.nlu == "auto":
        for finding in _built(settings):
            yield finding
        yield _model(settings)
    yield await _alive(settings)


def _built(settings: Settings) -> Iterator[Finding]:
    python = interpreter.find(settings.nlu_python)
    if "/" in python:
        yield Finding(AREA, "Python 3.10", Mark.FINE, python)
    else:
        do = "install CPython 3.10 and set HAVN_NLU_PYTHON, or set HAVN_NLU=off"
        says = "not found: uv will try to fetch it"
        yield Finding(AREA, "Python 3.10", Mark.LOOK, says, do)
    own = nlu_unit(settings).interpreter
    if own.exists():
        yield Finding(AREA, "Environment", Mark.FINE, f"{own.parent.parent}")
    else:
        yield Finding(AREA, "Environment", Mark.LOOK, "not built yet", _TRAIN)


def _model(settings: Settings) -> Finding:
    """Ask the unit's own rule whether the model was made from the present files."""
    model = nlu_unit(settings).model
    if not model.exists():
        return Finding(AREA, "Model", Mark.LOOK, "not trained yet", _TRAIN)
    try:
        rule = _rule(settings)
        fresh = rule.up_to_date(model.parent, rule.Inputs(settings.root.resolve()))
    except (OSError, ImportError) as error:
        says = f"cannot be compared with its sources ({type(error).__name__})"
        return Finding(AREA, "Model", Mark.UNKNOWN, says, _ROOT)
    if fresh:
        return Finding(AREA, "Model", Mark.FINE, "whole, and made from the present files")
    return Finding(AREA, "Model", Mark.LOOK, "not made from the present files", _TRAIN)


def _rule(settings: Settings) -> ModuleType:
    """Load the module of the unit that knows what a model is made from: standard library only."""
    name = "havn_nlu_inputs"
    path = settings.root / "nlu" / "havn_nlu" / "inputs.py"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up by name
    spec.loader.exec_module(module)
    return module


async def _alive(settings: Settings) -> Finding:
    if not settings.socket.exists():
        if settings.nlu == "auto":
            says = "not running; havn demo and havn serve start it"
            return Finding(AREA, "NLU unit", Mark.FINE, says)
        return Finding(AREA, "NLU unit", Mark.LOOK, "not running", "start havn-nlu.service")
    dialogue = SocketDialogue(settings.socket, deadline=2.0)
    try:
        health = await dialogue.health()
    except DialogueUnavailableError as error:
        says = f"does not answer on its socket ({error})"
        do = "stop whatever owns the socket, or remove it if Havn is not running"
        return Finding(AREA, "NLU unit", Mark.LOOK, says, do)
    finally:
        await dialogue.close()
    return _running(settings, str(health.get("model", "")))


def _running(settings: Settings, fingerprint: str) -> Finding:
    """Compare the fingerprint a running unit names with that of the present files."""
    try:
        present = _rule(settings).Inputs(settings.root.resolve()).fingerprint()
    except (OSError, ImportError):
        return Finding(AREA, "NLU unit", Mark.UNKNOWN, "answers; its model is unknown", _ROOT)
    if fingerprint != present:
        says = "answers, with a model that was not made from the present files"
        return Finding(AREA, "NLU unit", Mark.LOOK, says, "start it again")
    return Finding(AREA, "NLU unit", Mark.FINE, "answers")
