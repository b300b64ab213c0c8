"""Prints how well redaction does: of planted secrets how many come out, and of real harmless lines how many are altered.

Both once with the shipped line templates and once with every line let out, so that the rules behind the templates stand alone.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from redaction_corpus import SHAPES, altered, forms, harmless, open_templates, planted_leaks, redactor


def main() -> None:
    """Print the figures as a table for docs/consent.md; fail when a planted secret comes out."""
    planted, shapes = len(list(forms())), sum(map(len, SHAPES.values()))
    lines = harmless()
    leaked = 0
    print(
        f"| line templates | come out, of {planted} planted forms in {shapes} places | harmless lines that leave | altered |"
    )
    print("|---|---|---|---|")
    for name, templates in (("as shipped", None), ("every line let out", open_templates())):
        found = planted_leaks(redactor(templates))
        counts = [altered(redactor(templates), layout, source) for layout, source in lines.items()]
        all_in, out, changed = map(sum, zip(*counts, strict=True))
        print(f"| {name} | {len(found)} | {out:,} of {all_in:,} | {changed} ({changed / out:.1%}) |")
        leaked += len(found)
    sys.exit(1 if leaked else 0)


if __name__ == "__main__":
    main()
