"""How to speak: which event language each end uses, and how one is turned into the other."""

from realtime_lb.dialects.detection import asks_for_beta
from realtime_lb.dialects.model_names import ANY_MODEL, ModelNames
from realtime_lb.dialects.translator import Translator

__all__ = ["ANY_MODEL", "ModelNames", "Translator", "asks_for_beta"]
