"""Installing the patches: which moto they accept, and that they are removed again."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from modelwatch.local import LocalStackError, moto_patches
from modelwatch.local.moto_patches.hooks import Hooks


def test_a_moto_of_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    moto_patches.check_version()
    monkeypatch.setattr(moto_patches, "version", lambda _: "5.2.6")
    with pytest.raises(LocalStackError, match=r"needs moto 5\.2\.5, but moto 5\.2\.6 is installed") as caught:
        moto_patches.check_version()
    assert caught.value.code == "WrongEmulator"


def test_every_replaced_attribute_is_restored() -> None:
    def nothing(*_: Any) -> None:
        return None

    hooks: Any = Hooks(*[nothing] * len(fields(Hooks)))
    places = [(owner, name) for owner, name, *_ in moto_patches.all_replacements(hooks)]
    new = {(each.owner, each.attribute) for each in moto_patches.all_replacements(hooks) if each.is_new}
    before = [owner.__dict__.get(name) for owner, name in places]
    with moto_patches.installed(hooks):
        during = [owner.__dict__[name] for owner, name in places]
    assert all(original is not patched for original, patched in zip(before, during, strict=True))
    assert [owner.__dict__.get(name) for owner, name in places] == before
    assert {(owner, name) for owner, name in places if name not in owner.__dict__} == new
