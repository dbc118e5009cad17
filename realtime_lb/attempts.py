"""One dial: from a lease to an accepted first event, or back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from attrs import define, field

from realtime_lb.abc import Connection, ProviderAdapter, Transport
from realtime_lb.deployments import Deployment
from realtime_lb.errors import (
    CredentialUnavailable,
    DialError,
    DialTimedOut,
    FirstEventRefused,
    RealtimeError,
)
from realtime_lb.errors.bare import bare
from realtime_lb.events import event_of
from realtime_lb.frames import Close, Frame
from realtime_lb.leases import Lease
from realtime_lb.legs import Leg
from realtime_lb.quirks import Quirks
from realtime_lb.requests import DialRequest
from realtime_lb.typing import Dialect, JsonObject, Secret, hidden
from realtime_lb.waiting import first_of

__all__ = ["Opener", "Upstream"]


@define(eq=False)
class Upstream:
    """An upstream that has said yes. Its reader is paused until somebody takes its frames.

    Attributes:
        deployment: Where it is.
        leg: Its connection.
        lease: The right to it, to be given back when the session ends.
        held: What it has said already, to be passed on first.
        dialect: The event language that it speaks.
        quirks: How it departs from that.
    """

    deployment: Deployment
    leg: Leg
    lease: Lease
    held: list[Frame]
    dialect: Dialect
    quirks: Quirks

    def taken(self) -> list[Frame]:
        """Return what it has said already, and keep it no longer."""
        held, self.held = self.held, []
        return held

    def cut(self) -> None:
        """Cut the connection and give the lease back, at once. Idempotent."""
        self.lease.release()
        self.leg.connection.abort()

    async def discard(self) -> None:
        """The same, and wait for the reader to be done."""
        self.lease.release()
        await self.leg.abort()


@define(eq=False)
class _Opening:
    """Catches what an upstream says until somebody listens, which is little: it pauses at the first frame."""

    connection: Connection
    frames: list[Frame] = field(factory=list, repr=False)
    first: asyncio.Future[None] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.first = asyncio.get_running_loop().create_future()

    def __call__(self, frame: Frame) -> None:
        self.frames.append(frame.kept())
        self.connection.pause()
        if not self.first.done():
            self.first.set_result(None)


@define(kw_only=True, eq=False)
class Opener:
    """Opens upstreams.

    Attributes:
        providers: Adapters by name.
        transport: Opens connections.
        refuses_credential: Says whether a failure is that of a credential, which a fresh one may mend.
    """

    providers: Mapping[str, ProviderAdapter]
    transport: Transport
    refuses_credential: Callable[[Deployment, DialError], bool]

    async def open(
        self, dial: DialRequest, deployment: Deployment, lease: Lease, timeout_s: float
    ) -> Upstream:
        """Return the accepted upstream, which then holds *lease*.

        A credential that the upstream refuses is fetched anew once, where its provider has another.

        Raises:
            DialError: It was not accepted within *timeout_s*; the lease has been given back.

        Cancelling gives the lease back, too, and leaves no socket behind.
        """
        try:
            async with asyncio.timeout(timeout_s):
                return await self._opened(dial, deployment, lease, timeout_s)
        except TimeoutError:
            lease.release()
            raise DialTimedOut(f"No accepted first event within {timeout_s:g} s") from None
        except BaseException:
            lease.release()
            raise

    async def _opened(
        self, dial: DialRequest, deployment: Deployment, lease: Lease, timeout_s: float
    ) -> Upstream:
        adapter = self.providers[deployment.provider]
        try:
            return await self._once(adapter, dial, deployment, lease, timeout_s)
        except DialError as error:
            if not (self.refuses_credential(deployment, error) and adapter.forget_credentials(deployment)):
                raise
        return await self._once(adapter, dial, deployment, lease, timeout_s)

    async def _once(
        self,
        adapter: ProviderAdapter,
        dial: DialRequest,
        deployment: Deployment,
        lease: Lease,
        timeout_s: float,
    ) -> Upstream:
        proven = dial.with_headers(await _credentials(adapter, deployment))
        connection = await self.transport.connect(proven, timeout_s)
        opening = _Opening(connection)
        secrets = [value for value in proven.headers.values() if isinstance(value, Secret)]
        leg = Leg(connection, opening, secrets)
        try:
            if not deployment.opaque:
                await _accepted(adapter, leg, opening, secrets)
            dialect, quirks = adapter.dialect(deployment), adapter.quirks(deployment)
        except BaseException as error:
            bare(error)  # what the upstream said, which may be our key, is in its frames
            await leg.abort()
            raise
        leg.connection.pause()
        return Upstream(deployment, leg, lease, opening.frames, dialect, quirks)


async def _accepted(adapter: ProviderAdapter, leg: Leg, opening: _Opening, secrets: Sequence[Secret]) -> None:
    await first_of(opening.first, leg.ended)
    if not opening.frames:
        raise _closed_at_once(leg.ended.result())
    event = event_of(opening.frames[0])
    if event is None:
        raise FirstEventRefused("The upstream's first frame is no event", upstream_code="not_an_event")
    if not adapter.accepts(event):
        raise _refused(event, secrets)


async def _credentials(adapter: ProviderAdapter, deployment: Deployment) -> Mapping[str, Secret]:
    try:
        return await adapter.credentials(deployment)
    except DialError:
        raise
    except asyncio.CancelledError as cancelled:
        bare(cancelled)
        raise
    except Exception as error:  # an adapter may be anybody's, and other deployments may serve the session
        hint = error.hint if isinstance(error, RealtimeError) else ""
        message = error.message if isinstance(error, RealtimeError) else type(error).__name__
        bare(error)
        raise CredentialUnavailable(message, hint=hint) from error


def _refused(event: JsonObject, secrets: Sequence[Secret]) -> FirstEventRefused:
    error = event.get("error")
    said = error if isinstance(error, dict) else {}
    words = (str(said.get(key) or "") for key in ("code", "type", "message"))
    code, kind, message = (hidden(word, secrets) for word in words)
    return FirstEventRefused(
        "The upstream opened with an error",
        upstream_code=code or kind or "error",
        upstream_kind=kind,
        upstream_message=message,
    )


def _closed_at_once(close: Close) -> FirstEventRefused:
    return FirstEventRefused(
        "The upstream closed before its first event",
        upstream_code=str(close.code),
        upstream_message=close.reason,
        close_code=close.code,
    )
