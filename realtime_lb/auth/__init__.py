"""Who is calling."""

from realtime_lb.abc import Authenticator
from realtime_lb.auth.everybody import Everybody
from realtime_lb.auth.master_key import MasterKey
from realtime_lb.settings import ServerSettings

__all__ = ["Everybody", "MasterKey", "authenticator_for"]


def authenticator_for(settings: ServerSettings) -> Authenticator:
    """Return what *settings* ask for: the master key if there is one, else `Everybody`.

    Raises:
        ConfigError: The master key is empty.
    """
    return Everybody() if settings.master_key is None else MasterKey(settings.master_key)
