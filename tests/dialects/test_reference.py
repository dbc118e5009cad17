"""The reference page says what the translator does."""

from tests.dialects.reference import PAGE, put_into


def test_the_page_holds_the_tables_of_the_code() -> None:
    """``python -m tests.dialects.reference`` renews them."""
    assert PAGE.read_text() == put_into(PAGE.read_text())
