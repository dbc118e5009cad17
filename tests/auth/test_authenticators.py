"""Who is let in, and the conformance check that any authenticator can run."""

import pytest

from realtime_lb.abc import Authenticator
from realtime_lb.auth import Everybody, MasterKey, authenticator_for
from realtime_lb.errors import ConfigError, Unauthenticated
from realtime_lb.requests import ANONYMOUS, Principal
from realtime_lb.settings import ServerSettings
from realtime_lb.testing.auth import check_authenticator
from realtime_lb.typing import Secret

KEY = Secret("sk-master-key-1")


@pytest.mark.parametrize("key", [KEY, Secret("clé-☎-ключ")])
async def test_the_master_key_keeps_every_promise(key: Secret) -> None:
    await check_authenticator(MasterKey(key), admits=[key])


async def test_everybody_keeps_every_promise() -> None:
    """SDKs insist on sending a key, so any key is as good as none."""
    await check_authenticator(Everybody(), admits=[None, Secret(""), Secret("anything")], refuses=())


async def test_the_settings_decide_who_is_asked() -> None:
    assert await authenticator_for(ServerSettings()).authenticate(None) == ANONYMOUS
    locked = authenticator_for(ServerSettings(master_key=KEY))
    assert await locked.authenticate(Secret("sk-master-key-1")) == Principal("master_key")
    with pytest.raises(Unauthenticated):
        await locked.authenticate(None)


def test_an_empty_master_key_is_refused() -> None:
    """An unset variable in a configuration must not mean that an empty key opens the door."""
    with pytest.raises(ConfigError, match="master_key: is empty"):
        authenticator_for(ServerSettings(master_key=Secret("")))


class Counting(Secret):
    """A key that counts comparisons."""

    compared = 0

    def matches(self, offered: str) -> bool:
        Counting.compared += 1
        return super().matches(offered)


async def test_a_caller_without_a_key_is_compared_too() -> None:
    """Or the time of the refusal would tell it apart."""
    Counting.compared = 0
    with pytest.raises(Unauthenticated):
        await MasterKey(Counting("k-1")).authenticate(None)
    assert Counting.compared == 1


def test_the_key_does_not_show_itself() -> None:
    assert "sk-master" not in repr(MasterKey(KEY))


class Working:
    """Knows one key, properly."""

    async def authenticate(self, key: Secret | None) -> Principal:
        if key is None or not KEY.matches(key.reveal()):
            raise Unauthenticated
        return Principal("caller")


class AdmitsNobody(Working):
    async def authenticate(self, key: Secret | None) -> Principal:
        raise Unauthenticated


class AdmitsPrefixes(Working):
    async def authenticate(self, key: Secret | None) -> Principal:
        if key and key.reveal().startswith(KEY.reveal()):
            return Principal("caller")
        return await super().authenticate(key)


class AdmitsKeyless(Working):
    async def authenticate(self, key: Secret | None) -> Principal:
        return Principal("caller") if key is None else await super().authenticate(key)


class NamesTheKey(Working):
    async def authenticate(self, key: Secret | None) -> Principal:
        await super().authenticate(key)
        return Principal(f"holder of {KEY.reveal()}")


class Nameless(Working):
    async def authenticate(self, key: Secret | None) -> Principal:
        await super().authenticate(key)
        return Principal("")


class ReturnsText(Working):
    async def authenticate(self, key: Secret | None) -> Principal:
        await super().authenticate(key)
        return "caller"  # type: ignore[return-value]


class OnlyAscii(Working):
    async def authenticate(self, key: Secret | None) -> Principal:
        if key:
            key.reveal().encode("ascii")
        return await super().authenticate(key)


class QuotesTheKey(Working):
    async def authenticate(self, key: Secret | None) -> Principal:
        try:
            return await super().authenticate(key)
        except Unauthenticated as refusal:
            if key:
                refusal.hint += key.reveal()
            raise


class LocksItself(Working):
    locked = False

    async def authenticate(self, key: Secret | None) -> Principal:
        self.locked = self.locked or key is None
        if self.locked:
            raise Unauthenticated
        return await super().authenticate(key)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (AdmitsNobody, "should be known was refused"),
        (AdmitsPrefixes, "was let in"),
        (AdmitsKeyless, "no key was let in"),
        (NamesTheKey, "holds the key"),
        (Nameless, "has no name"),
        (ReturnsText, "returned str"),
        (OnlyAscii, "raised UnicodeEncodeError"),
        (QuotesTheKey, "quotes the key"),
        (LocksItself, "should be known was refused"),
    ],
)
async def test_each_mistake_is_found_and_named(broken: type[Working], message: str) -> None:
    """A check that never failed proves nothing."""
    working: Authenticator = Working()
    await check_authenticator(working, admits=[KEY])
    with pytest.raises(AssertionError, match=message):
        await check_authenticator(broken(), admits=[KEY])
