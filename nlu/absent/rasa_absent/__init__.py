"""Stands where libraries would be that Rasa imports by name and Havn has no use for.

Rasa imports TensorFlow wherever it names a neural component, and the SDK of every messenger and
database it can talk to, whether the configuration uses them or not. Havn's pipeline is linear and
its channels live elsewhere, so two gigabytes of them would only cost memory, start-up time and
attack surface in the process that reads what visitors write.

Each package beside this one is empty and answers with `Absent` to every name. `Absent` can be
subclassed, used in annotations, and asked about by `isinstance` (the answer is no); making an
object of a class built on it raises ModuleNotFoundError.
"""

import sys
from abc import ABCMeta
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

NAMES = (
    "aiogram",
    "boto3",
    "fbmessenger",
    "keras",
    "pymongo",
    "slack_sdk",
    "socketio",
    "tensorflow",
    "twilio",
    "webexteamssdk",
)


class _AbsentType(ABCMeta):
    def __getattr__(cls, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)
        return Absent

    def __call__(cls, *_args: object, **_options: object) -> object:
        # Rasa decorates methods with tf.function(...) while its classes are being defined.
        if cls is Absent:
            return Absent
        message = f"{cls.__name__} needs a library that this environment leaves out on purpose"
        raise ModuleNotFoundError(message)


class Absent(metaclass=_AbsentType):
    """Whatever was asked for is not here."""


class _Submodules(MetaPathFinder, Loader):
    """Makes the modules inside an absent package importable, and just as empty."""

    def find_spec(
        self,
        fullname: str,
        path: object = None,  # noqa: ARG002 - the import system's signature
        target: object = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        top, _, inside = fullname.partition(".")
        return ModuleSpec(fullname, self, is_package=True) if inside and top in NAMES else None

    def create_module(self, spec: ModuleSpec) -> None:
        """Let Python make an ordinary module."""

    def exec_module(self, module: ModuleType) -> None:
        module.__getattr__ = answer  # type: ignore[method-assign]


def answer(name: str) -> type[Absent]:
    """Be a module's `__getattr__`."""
    if name.startswith("_"):
        raise AttributeError(name)
    return Absent


sys.meta_path.append(_Submodules())
