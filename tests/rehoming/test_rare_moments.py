"""Moments that only chance finds. ``test_conversations.py`` looks for more of them."""

from realtime_lb.typing import Dialect
from tests.rehoming.stage import Session, said


def test_what_is_added_while_an_announced_answer_is_made_again_stands_where_the_upstream_has_it() -> None:
    """The upstream takes the user's item before it begins the answer: nothing precedes it there."""
    session = Session(Dialect.GA)
    session.begin(Dialect.GA)
    session.send("response.create")
    session.work(4)
    session.deliver(4)
    (announced,) = session.view.items
    session.cut(Dialect.GA)
    session.send("conversation.item.create", item=said("hello", id="msg_1"))
    session.drain()
    assert [seen.id for seen in session.view.items] == ["msg_1", announced.id]
    session.cut(Dialect.GA)
    session.drain()
    session.check_equal()
