from __future__ import annotations

import pytest

from secureload.errors import LimitError
from secureload.formats.item_count import ItemCount
from secureload.limits import Limits


def test_as_many_as_allowed_pass_and_one_more_is_a_limit_with_its_name() -> None:
    count = ItemCount(Limits(structure_items=10))
    count.add(4)
    count.add(5)
    count.add()
    assert count.seen == 10
    with pytest.raises(LimitError) as caught:
        count.add()
    assert (caught.value.fields["limit"], caught.value.fields["seen"]) == ("structure_items", 11)
