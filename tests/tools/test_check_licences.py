"""Which licences are agreed to."""

import runpy
from pathlib import Path

import pytest

refused = runpy.run_path(str(Path(__file__).parent.parent.parent / "tools" / "check_licences.py"))["refused"]


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("MIT", []),
        ("Apache Software License", []),
        ("Apache-2.0 AND BSD-2-Clause", []),
        ("GPL-3.0-only OR MIT", []),
        ("(GPL-3.0-only OR MIT) AND BSD-3-Clause", []),
        ("Apache Software License; BSD License", []),
        ("GPL-3.0-only", ["GPL-3.0-only"]),
        ("MIT AND GPL-3.0-only", ["GPL-3.0-only"]),
        ("MIT License; GNU General Public License v3 (GPLv3)", ["GNU General Public License v3 (GPLv3)"]),
        ("AGPL-3.0-only OR LicenseRef-Commercial", ["AGPL-3.0-only", "LicenseRef-Commercial"]),
        ("UNKNOWN", ["UNKNOWN"]),
        ("", [""]),
    ],
)
def test_a_licence_is_refused_unless_agreed_to(licence, expected):
    """One side of an OR is enough, every part of an AND counts, and silence is no licence."""
    assert refused(licence) == expected
