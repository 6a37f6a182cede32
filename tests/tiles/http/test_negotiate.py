"""What requests wish, beside the examples of RFC 9110 and brute force."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiles.http.negotiate import byte_range, codings, header_map, matches

OURS = ("br", "gzip")


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        (None, ("identity",)),
        (b"", ("identity",)),
        (b"gzip, deflate, br, zstd", ("br", "gzip", "identity")),
        (b"br;q=0.5, gzip", ("gzip", "br", "identity")),
        (b"GZIP;Q=0.5", ("gzip", "identity")),
        (b"br;q=0, gzip", ("gzip", "identity")),
        (b"*", ("br", "gzip", "identity")),
        (b"*;q=0.1, br;q=0", ("gzip", "identity")),
        (b"identity, br;q=0.5", ("identity", "br")),
        (b"identity;q=0", ()),
        (b"identity;q=0, gzip", ("gzip",)),
        (b"*;q=0", ()),
        (b"*;q=0, identity;q=0.1", ("identity",)),
        (b"*;q=0, gzip;q=x", ()),
        (b"gzip;q=-1, br;q=2", ("identity",)),
        (b"deflate", ("identity",)),
    ],
)
def test_codings(header, taken):
    assert codings(header, OURS) == taken


def test_entity_tags():
    assert matches(b"*", b'"a"')
    assert matches(b'W/"a", "b"', b'"a"')
    assert matches(b'"a"', b'"a"')
    assert not matches(b'"ab"', b'"a"')


@pytest.mark.parametrize(
    ("asked", "sent"),
    [  # of 10,000 bytes: RFC 9110, 14.1.2
        (b"bytes=0-499", (0, 500)),
        (b"bytes=500-999", (500, 1000)),
        (b"bytes=-500", (9500, 10000)),
        (b"bytes=9500-", (9500, 10000)),
        (b"bytes=9999-20000", (9999, 10000)),
        (b"Bytes = 0-0", (0, 1)),
        (b"bytes=-20000", (0, 10000)),
        (b"bytes=10000-", (10000, 10000)),
        (b"bytes=-0", (10000, 10000)),
        (b"bytes=5-4", None),
        (b"bytes=0-0,-1", None),
        (b"bytes=-", None),
        (b"lines=0-4", None),
        (b"bytes=a-b", None),
        (b"", None),
    ],
)
def test_ranges(asked, sent):
    assert byte_range({b"range": asked}, 10_000, b'"t"') == sent


@given(st.integers(0, 40), st.integers(0, 50), st.one_of(st.none(), st.integers(0, 50)))
def test_a_range_is_a_slice(size, first, last):
    content = bytes(range(size))
    found = byte_range({b"range": f"bytes={first}-{'' if last is None else last}".encode()}, size, b'"t"')
    if last is not None and last < first:
        assert found is None
    else:
        assert found is not None
        assert content[found[0] : found[1]] == content[first : None if last is None else last + 1]


def test_a_range_of_another_state_is_answered_with_the_whole():
    asked = {b"range": b"bytes=0-4", b"if-range": b'"old"'}
    assert byte_range(asked, 10, b'"new"') is None
    assert byte_range(asked, 10, b'"old"') == (0, 5)
    assert byte_range(asked | {b"if-range": b'W/"new"'}, 10, b'"new"') is None  # weak tags do not count here (13.1.5)
    assert byte_range(asked | {b"if-range": b"Fri, 20 Nov 2026 12:00:00 GMT"}, 10, b'"new"') is None


def test_headers_given_twice_are_one_list():
    assert header_map([(b"a", b"1"), (b"b", b"2"), (b"a", b"3")]) == {b"a": b"1,3", b"b": b"2"}
