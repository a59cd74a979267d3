"""A POST to the service itself is refused, not stumbled over."""

import pytest

from jinyun.share.sensorthings import NotAllowed, Writer


def test_nothing_is_created_at_the_service_itself():
    writer = Writer(None, None, "x")  # type: ignore[arg-type]  # nothing is asked before the path is looked at
    with pytest.raises(NotAllowed, match="POST to Observations"):
        writer.post("", {})
