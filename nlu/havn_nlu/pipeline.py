"""The components of a loaded model that read a text, one after another."""

from graphlib import TopologicalSorter

from rasa.core.channels.channel import UserMessage
from rasa.core.processor import MessageProcessor
from rasa.engine.constants import PLACEHOLDER_MESSAGE
from rasa.shared.nlu.training_data.message import Message


class Pipeline:
    """Reads texts as Rasa's own `parse_message` does, without what that repeats for each of them.

    Rasa has dask work out the order of the same ten steps every time, and makes an empty domain to
    compare its own with: a fifth of a turn.
    """

    def __init__(self, processor: MessageProcessor) -> None:
        self._target = str(processor.model_metadata.nlu_target)
        schema = processor.model_metadata.predict_schema.minimal_graph_schema([self._target])
        needs = {name: tuple(node.needs.values()) for name, node in schema.nodes.items()}
        nodes = processor.graph_runner._instantiated_nodes  # noqa: SLF001 - Rasa shows them nowhere
        order = TopologicalSorter(needs).static_order()
        self._steps = [(name, nodes[name], needs[name]) for name in order if name in needs]

    def read(self, message: UserMessage) -> Message:
        """Return what the components found in a message."""
        done = {PLACEHOLDER_MESSAGE: (PLACEHOLDER_MESSAGE, [message])}
        for name, node, needs in self._steps:
            done[name] = node(*(done[need] for need in needs))
        _, (read,) = done[self._target]
        return read
