"""What /ready and /metrics are told of the model."""

from dataclasses import replace
from typing import Final

from image_assets.serving.inference.inference import InferenceState
from image_assets.serving.inference.served_model import ModelPhase
from image_assets.serving.observing.examinations import examine_queue
from image_assets.serving.observing.parts import Finding, Reading, State

_WORDS: Final = {
    ModelPhase.NOT_LOADED: (State.OK, "loaded when it is first needed"),
    ModelPhase.LOADING: (State.LOADING, "requests wait for it"),
    ModelPhase.FAILED: (State.FAILED, "cannot be loaded: the log says why and what to do; tried again every 30 s"),
}


def examine_model(state: InferenceState) -> Finding:
    """Whether the model can be asked. One that loads is not stuck, however long what waits for it has waited."""
    found = examine_queue(state.queue)
    if state.phase in _WORDS:
        found = replace(found, state=_WORDS[state.phase][0], detail=_WORDS[state.phase][1])
    on_their_way = Reading("items_in_progress", "Items from before decoding to their answer.", state.on_their_way)
    return replace(found, readings=(*found.readings, on_their_way))
