"""What a library imports and we never call is left out, and nothing is lost by it."""

import importlib
import sys

import pytest

from agent.system.light_imports import leaving_out

HEAVY = """
import sys
sys.heavy_was_imported = True

def work(number):
    return number + 1

class Base:
    pass

other = "real"
"""


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A library that imports something heavy, and something that need not be installed."""
    (tmp_path / "heavy_thing.py").write_text(HEAVY)
    (tmp_path / "extra_thing.py").write_text("")
    (tmp_path / "some_library.py").write_text(
        "import heavy_thing\n"
        "from heavy_thing import Base, work\n"
        "class Derived(Base): pass\n"
        "try:\n    import extra_thing\n    extra = True\nexcept ImportError:\n    extra = False\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "heavy_was_imported", False, raising=False)
    yield "some_library"
    for name in ("heavy_thing", "extra_thing", "some_library"):
        sys.modules.pop(name, None)


def light(library):
    with leaving_out({"heavy_thing": ["Base", "work"]}, absent=["extra_thing"]):
        return importlib.import_module(library)


def test_what_is_left_out_is_not_imported(library):
    light(library)
    assert not sys.heavy_was_imported
    assert "heavy_thing" not in sys.modules


def test_what_is_absent_is_not_installed_for_the_library_and_is_there_for_others(library):
    assert not light(library).extra
    assert importlib.import_module("extra_thing")


def test_whoever_calls_what_was_left_out_calls_the_real_thing(library):
    assert light(library).work(1) == 2
    assert sys.heavy_was_imported


def test_whatever_else_is_asked_of_it_the_real_module_answers(library):
    assert light(library).heavy_thing.other == "real"
    assert importlib.import_module("heavy_thing").other == "real"


def test_a_class_that_derives_from_what_was_left_out_says_so_when_it_is_used(library):
    with pytest.raises(TypeError, match=r"Derived derives from heavy_thing\.Base, which was left out"):
        light(library).Derived()


def test_what_is_imported_already_stays_as_it_is(library):
    real = importlib.import_module("heavy_thing")
    assert light(library).work is real.work
    assert sys.modules["heavy_thing"] is real


def test_submodules_of_a_package_that_is_left_out_can_be_imported(tmp_path, monkeypatch):
    (tmp_path / "heavy_package").mkdir()
    (tmp_path / "heavy_package/__init__.py").write_text("")
    (tmp_path / "heavy_package/part.py").write_text("value = 1")
    monkeypatch.syspath_prepend(tmp_path)
    with leaving_out({"heavy_package": ()}):
        assert importlib.import_module("heavy_package.part").value == 1
    for name in ("heavy_package", "heavy_package.part"):
        sys.modules.pop(name, None)
