"""Everything that can go wrong, and what to answer when it does.

::

    RealtimeError
    ├── ConfigError                    the file is wrong; holds every problem at once
    ├── MissingExtra                   a feature whose packages are not installed
    ├── RequestRefused                 the caller's fault
    │   ├── InvalidRequest             400
    │   │   └── InvalidEvent           an error event; the session lives
    │   │       └── TooCostly
    │   ├── Unauthenticated            401
    │   ├── OriginRefused              403
    │   ├── UnknownModel               404
    │   ├── UnknownDeployment          404
    │   ├── UpgradeRequired            426
    │   ├── GroupFull                  429
    │   ├── TooManySessions            429: of one address
    │   └── TooManyOpens               429: of one address within a minute
    ├── UpstreamError                  the provider's fault
    │   ├── DialError                  one attempt failed before its first accepted event
    │   │   ├── UpstreamUnreachable
    │   │   ├── DialTimedOut
    │   │   ├── OutOfFiles             no fault of the provider's, nor of any other
    │   │   ├── HandshakeRefused
    │   │   ├── FirstEventRefused
    │   │   └── CredentialUnavailable
    │   ├── AllUpstreamsFailed         503, or 429 where every one of them said so
    │   ├── GroupDown                  503: everybody failed of late, so nobody is dialled
    │   ├── GroupRateLimited           429: everybody has told us to wait
    │   └── UpstreamLost               an accepted one went away without a word
    ├── DownstreamClosed               nobody's fault: the client left
    ├── ShuttingDown                   503: the gateway is going away
    ├── Overloaded                     503: the gateway is full
    ├── SlowConsumer                   one peer stopped reading
    ├── TooFast                        a client sends more than it may
    ├── SessionEnded                   a library session is over
    └── InternalError                  ours

Each member carries its own answer: an HTTP status for before the upgrade, a close code and an ``error``
event for after it, a hint for the reader. No text that reaches a client holds an upstream address or a key.
"""

from realtime_lb.errors.configuration import ConfigError, ConfigProblem, MissingExtra
from realtime_lb.errors.endings import (
    DownstreamClosed,
    InternalError,
    Overloaded,
    SessionEnded,
    ShuttingDown,
    SlowConsumer,
    TooFast,
)
from realtime_lb.errors.refusals import (
    GroupFull,
    InvalidEvent,
    InvalidRequest,
    OriginRefused,
    RequestRefused,
    TooCostly,
    TooManyOpens,
    TooManySessions,
    Unauthenticated,
    UnknownDeployment,
    UnknownModel,
    UpgradeRequired,
)
from realtime_lb.errors.root import RealtimeError
from realtime_lb.errors.upstream import (
    AllUpstreamsFailed,
    CredentialUnavailable,
    DialError,
    DialTimedOut,
    FirstEventRefused,
    GroupDown,
    GroupRateLimited,
    HandshakeRefused,
    OutOfFiles,
    UpstreamError,
    UpstreamLost,
    UpstreamUnreachable,
)

__all__ = [
    "AllUpstreamsFailed",
    "ConfigError",
    "ConfigProblem",
    "CredentialUnavailable",
    "DialError",
    "DialTimedOut",
    "DownstreamClosed",
    "FirstEventRefused",
    "GroupDown",
    "GroupFull",
    "GroupRateLimited",
    "HandshakeRefused",
    "InternalError",
    "InvalidEvent",
    "InvalidRequest",
    "MissingExtra",
    "OriginRefused",
    "OutOfFiles",
    "Overloaded",
    "RealtimeError",
    "RequestRefused",
    "SessionEnded",
    "ShuttingDown",
    "SlowConsumer",
    "TooCostly",
    "TooFast",
    "TooManyOpens",
    "TooManySessions",
    "Unauthenticated",
    "UnknownDeployment",
    "UnknownModel",
    "UpgradeRequired",
    "UpstreamError",
    "UpstreamLost",
    "UpstreamUnreachable",
]
