"""What survives: a published recipe computed as published and corrected, one fault at a time.

`recipe` reads the TOML, `published` holds the formulas as published, `procedure` orders the corrections, `auditing`
runs them and `verdicts` judges; `truth` does the same on synthetic networks of which the answer is known. The command
line stands in `verb`, what the page says in `contents`, and how in `page` and `markdown`.
"""

from __future__ import annotations

from geomsim_audit.auditing import Audit as Audit
from geomsim_audit.auditing import audit_recipe as audit_recipe
from geomsim_audit.recipe import Recipe as Recipe
from geomsim_audit.recipe import read_recipe as read_recipe
from geomsim_audit.verdicts import Verdict as Verdict

__all__ = ["Audit", "Recipe", "Verdict", "audit_recipe", "read_recipe"]
