"""One session's translator: any client against any upstream."""

from __future__ import annotations

from collections.abc import Callable

from realtime_lb.dialects.bodies import REALTIME
from realtime_lb.dialects.downward import Downward
from realtime_lb.dialects.losses import Losses, OnLoss
from realtime_lb.dialects.model_names import ModelNames
from realtime_lb.dialects.parties import Parties
from realtime_lb.dialects.upward import Upward
from realtime_lb.events import APPEND
from realtime_lb.frames import Frame
from realtime_lb.quirks import NO_QUIRKS, Quirks
from realtime_lb.typing import Dialect

__all__ = ["Translator"]


class Translator:
    """Holds the two directions of one session, and the little that they share.

    A frame of which nothing has to change comes out as the same object. Where both ends speak alike that is
    every frame but a session object that names a model otherwise, and what a GA client says in beta's flat
    way. Events that carry sound are never parsed; renaming one copies it once.

    Args:
        client: The client's dialect.
        upstream: The upstream's dialect.
        is_guess: The client's dialect is assumed: its first GA-shaped event makes it GA for good.
        kind: ``realtime`` or ``transcription``.
        names: Names that differ between the two.
        quirks: How the upstream departs from its dialect.
        on_loss: Told once of each field that the upstream has no word for.

    Attributes:
        from_client: Returns what the upstream gets for a client's frame. Raises `InvalidEvent` where that is
            no event, and the client should be told so; the session can go on.
        from_upstream: Returns what the client gets for an upstream's frame. Never raises for what is in it.
    """

    __slots__ = ("_down", "_parties", "_up", "from_client", "from_upstream")

    from_client: Callable[[Frame], tuple[Frame, ...]]
    from_upstream: Callable[[Frame], tuple[Frame, ...]]

    def __init__(
        self,
        *,
        client: Dialect,
        upstream: Dialect,
        on_loss: OnLoss,
        is_guess: bool = False,
        kind: str = REALTIME,
        names: ModelNames | None = None,
        quirks: Quirks = NO_QUIRKS,
    ) -> None:
        self._parties = Parties(
            client=client,
            upstream=upstream,
            is_guess=is_guess,
            kind=kind,
            names=names or ModelNames(),
            quirks=quirks,
            losses=Losses(on_loss),
        )
        self._down = Downward(self._parties)
        self._up = Upward(self._parties, on_switch=self._down.plan)
        self.from_client, self.from_upstream = self._up.translate, self._down.translate

    @property
    def client(self) -> Dialect:
        """The dialect that the client speaks, as far as is known by now."""
        return self._parties.client

    def leaves_sound(self) -> bool:
        """Say whether the client's sound comes out as it is, from the first event to the last."""
        return self._up.leaves(APPEND)

    def leaves_pieces(self) -> bool:
        """Say whether the pieces of an answer come out as they are, from now on."""
        return not self._parties.is_guess and self._down.leaves_pieces
