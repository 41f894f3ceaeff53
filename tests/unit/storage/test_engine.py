"""What engines answer with."""

import pytest

from gnomon.storage.engine import Result


def test_a_result_without_rows_has_empty_columns_even_where_the_engine_tells_no_names() -> None:
    assert list(Result((), ()).column("lines")) == []


def test_a_column_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        Result(("lines",), ([1],)).column("other")
