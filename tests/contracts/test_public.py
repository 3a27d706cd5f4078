"""Public names are there, and only when asked for."""

from __future__ import annotations

import pytest

import residuum


def test_public_names_resolve():
    assert set(residuum.__all__) == set(residuum._PUBLIC)
    for name in residuum.__all__:
        assert getattr(residuum, name).__name__ == name
    assert set(residuum.__all__) <= set(dir(residuum))


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'discovr'"):
        residuum.discovr  # noqa: B018
