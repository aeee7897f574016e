"""Every kind of exit once in Firefox and WebKit: ``python -m tests.attack exit`` has more."""

import pytest

from tests.attack.exits import carry_out, missing
from tests.attack.leaving import WAYS


@pytest.mark.parametrize("name", ["firefox", "webkit"])
def test_nobody_sees_the_chat_after_leaving(name: str) -> None:
    if how := missing(name):
        pytest.skip(f"{name} is not here: {how}")
    assert carry_out(len(WAYS), [name])["missed"] == []
