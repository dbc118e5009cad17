"""The conformance check of providers: the built-ins pass it, and each kind of mistake is found."""

from collections.abc import Mapping

import pytest
from attrs import evolve

from realtime_lb.abc import ProviderAdapter
from realtime_lb.deployments import Deployment, Tls
from realtime_lb.errors import CredentialUnavailable
from realtime_lb.providers import XAI, Azure, OpenAI, OpenAICompatible, VoiceLive
from realtime_lb.requests import DialRequest, SessionRequest
from realtime_lb.testing.providers import check_provider
from realtime_lb.typing import Dialect, JsonObject, Secret

KEY = "sk-conformance-key"
OPENAI = Deployment(
    id="d1",
    model_group="voice",
    model="gpt-realtime",
    api_key=Secret(KEY),
    organization="org-1",
    extra_headers={"X-Team": Secret("a-long-team-key")},
)
AZURE = evolve(OPENAI, provider="azure", api_base="https://res.openai.azure.com")
COMPATIBLE = evolve(OPENAI, provider="openai_compatible", api_base="http://[::1]:8080/team-a")


GROK = evolve(OPENAI, provider="xai", model="grok-voice-latest")
VOICE_LIVE = evolve(OPENAI, provider="azure_voice_live", api_base="https://res.services.ai.azure.com")


async def provide() -> str:
    return "a-token-from-entra"


@pytest.mark.parametrize(
    ("adapter", "deployment"),
    [
        (OpenAI(), OPENAI),
        (Azure(), AZURE),
        (Azure(), evolve(AZURE, api_key=None, token_provider=provide)),
        (Azure(), evolve(AZURE, api_key=None, azure_ad_token=Secret("a-fixed-token"))),
        (Azure(), evolve(AZURE, api_version="2024-10-01-preview")),
        (Azure(), evolve(AZURE, realtime_protocol="beta", tls=Tls(verify=False))),
        (OpenAICompatible(), COMPATIBLE),
        (OpenAICompatible(), evolve(COMPATIBLE, api_key=None, realtime_protocol="beta")),
        (XAI(), GROK),
        (XAI(), evolve(GROK, api_base="http://[::1]:8080/grok", tls=Tls(verify=False))),
        (VoiceLive(), VOICE_LIVE),
        (VoiceLive(), evolve(VOICE_LIVE, api_key=None, token_provider=provide, api_version="2026-07-15")),
    ],
)
async def test_the_built_ins_keep_every_promise(adapter: ProviderAdapter, deployment: Deployment) -> None:
    await check_provider(adapter, deployment)


class Broken(OpenAI):
    """OpenAI's adapter with one mistake, made in a subclass."""

    def dial(self, deployment: Deployment, request: SessionRequest) -> DialRequest:
        return self.spoil(super().dial(deployment, request), deployment, request)

    def spoil(self, dial: DialRequest, deployment: Deployment, request: SessionRequest) -> DialRequest:
        return dial


class Unnamed(Broken):
    name = "a/b"


class WrongDialect(Broken):
    def dialect(self, deployment: Deployment) -> Dialect:
        return "flat"  # type: ignore[return-value]


class Random(Broken):
    def spoil(self, dial: DialRequest, deployment: Deployment, request: SessionRequest) -> DialRequest:
        self.count = getattr(self, "count", 0) + 1
        return evolve(dial, url=f"{dial.url}&n={self.count}")


class ClientsName(Broken):
    def spoil(self, dial: DialRequest, deployment: Deployment, request: SessionRequest) -> DialRequest:
        return dial.with_headers({"X-Model": f"{len(request.model or '')}"})


class NoTls(Broken):
    def spoil(self, dial: DialRequest, deployment: Deployment, request: SessionRequest) -> DialRequest:
        return evolve(dial, tls=Tls(verify=False))


class Http(Broken):
    def spoil(self, dial: DialRequest, deployment: Deployment, request: SessionRequest) -> DialRequest:
        return evolve(dial, url=dial.url.replace("wss:", "https:"))


class Hostless(Broken):
    def spoil(self, dial: DialRequest, deployment: Deployment, request: SessionRequest) -> DialRequest:
        return evolve(dial, url="wss:///v1/realtime")


class UserInfo(Broken):
    def spoil(self, dial: DialRequest, deployment: Deployment, request: SessionRequest) -> DialRequest:
        return evolve(dial, url=dial.url.replace("wss://", "wss://me@"))


class Fragment(Broken):
    def spoil(self, dial: DialRequest, deployment: Deployment, request: SessionRequest) -> DialRequest:
        return evolve(dial, url=f"{dial.url}#x")


class Unescaped(Broken):
    def spoil(self, dial: DialRequest, deployment: Deployment, request: SessionRequest) -> DialRequest:
        return evolve(dial, url=f"{dial.url} x")


class Pasted(Broken):
    def spoil(self, dial: DialRequest, deployment: Deployment, request: SessionRequest) -> DialRequest:
        model = deployment.model.encode("ascii", "ignore").decode()
        model = "".join(c for c in model if "!" <= c <= "~" and c != "#")
        return evolve(dial, url=f"wss://h.example/v1/realtime?model={model}")


class PastedHost(Broken):
    def spoil(self, dial: DialRequest, deployment: Deployment, request: SessionRequest) -> DialRequest:
        return evolve(dial, url=f"wss://h{len(deployment.model)}.example/v1/realtime")


class Climbing(Broken):
    def spoil(self, dial: DialRequest, deployment: Deployment, request: SessionRequest) -> DialRequest:
        last = ".." if deployment.model.startswith("..") else "m"
        return evolve(dial, url=f"wss://h.example/v1/{last}")


class PastedCall(Broken):
    def spoil(self, dial: DialRequest, deployment: Deployment, request: SessionRequest) -> DialRequest:
        extra = "&x=y" if request.call_id and "&" in request.call_id else ""
        return evolve(dial, url=dial.url + extra)


class BadHeaderName(Broken):
    def spoil(self, dial: DialRequest, deployment: Deployment, request: SessionRequest) -> DialRequest:
        return dial.with_headers({"X Team": "a"})


class BadHeaderValue(Broken):
    def spoil(self, dial: DialRequest, deployment: Deployment, request: SessionRequest) -> DialRequest:
        return dial.with_headers({"X-Key": Secret("a\n")})


class Handshake(Broken):
    def spoil(self, dial: DialRequest, deployment: Deployment, request: SessionRequest) -> DialRequest:
        return dial.with_headers({"Sec-WebSocket-Key": "a"})


class Twice(Broken):
    def spoil(self, dial: DialRequest, deployment: Deployment, request: SessionRequest) -> DialRequest:
        return evolve(dial, headers={"X-Team": "a", "x-team": "b"})


class BadSubprotocol(Broken):
    def spoil(self, dial: DialRequest, deployment: Deployment, request: SessionRequest) -> DialRequest:
        return evolve(dial, subprotocols=("real time",))


class ForwardsAll(Broken):
    def spoil(self, dial: DialRequest, deployment: Deployment, request: SessionRequest) -> DialRequest:
        cookie = request.forwarded_headers.get("Cookie")
        return dial.with_headers({"Cookie": cookie}) if cookie else dial


class ForwardsUnchecked(Broken):
    def spoil(self, dial: DialRequest, deployment: Deployment, request: SessionRequest) -> DialRequest:
        sent = request.forwarded_headers.get("X-Anything", "")
        return dial.with_headers({"X-Anything": sent}) if "\n" in sent else dial


class KeyInUrl(Broken):
    def spoil(self, dial: DialRequest, deployment: Deployment, request: SessionRequest) -> DialRequest:
        return evolve(dial, url=f"{dial.url}&api-key={KEY}")


class NeedsKey(Broken):
    def spoil(self, dial: DialRequest, deployment: Deployment, request: SessionRequest) -> DialRequest:
        if deployment.api_key is None:
            raise CredentialUnavailable("no key")
        return dial


class TakesErrors(Broken):
    def accepts(self, first_event: JsonObject) -> bool:
        return True


class TakesApart(Broken):
    def accepts(self, first_event: JsonObject) -> bool:
        return bool(first_event.pop("type", None) != "error")


class Truthy(Broken):
    def accepts(self, first_event: JsonObject) -> bool:
        return first_event.get("type")  # type: ignore[return-value]


class BareKey(Broken):
    async def credentials(self, deployment: Deployment) -> Mapping[str, Secret]:
        return {"Authorization": KEY}  # type: ignore[dict-item]


class BrokenKey(Broken):
    async def credentials(self, deployment: Deployment) -> Mapping[str, Secret]:
        return {"Authorization": Secret(f"{KEY}\r\n")}


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (Unnamed, "name 'a/b' cannot stand"),
        (WrongDialect, "must return a Dialect"),
        (Random, "not pure"),
        (ClientsName, "client's name for the model"),
        (NoTls, "tls"),
        (Http, "scheme is 'https'"),
        (Hostless, "no host"),
        (UserInfo, "credentials before its host"),
        (Fragment, "fragment"),
        (Unescaped, "must be percent-encoded"),
        (Pasted, "changed the path or the query"),
        (PastedHost, "changed the URL's scheme or host"),
        (Climbing, "changed the path or the query"),
        (PastedCall, "changed the path or the query"),
        (BadHeaderName, "is not a header's name"),
        (BadHeaderValue, "line break"),
        (Handshake, "belongs to the handshake"),
        (Twice, "there twice"),
        (BadSubprotocol, "not an HTTP token"),
        (ForwardsAll, "Cookie must not go upstream"),
        (ForwardsUnchecked, "line break"),
        (KeyInUrl, "URL holds a credential"),
        (NeedsKey, "only credentials"),
        (TakesErrors, "opens with an error"),
        (TakesApart, "must not change the event"),
        (Truthy, "must return a bool"),
        (BareKey, "must wrap"),
        (BrokenKey, "line break"),
    ],
)
async def test_each_mistake_is_found_and_named(broken: type[Broken], message: str) -> None:
    """A check that never failed proves nothing."""
    await check_provider(Broken(), OPENAI)
    with pytest.raises(AssertionError, match=message):
        await check_provider(broken(), OPENAI)
