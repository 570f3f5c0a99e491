"""May we say it? Pure functions over a pandas frame that is handed in; policy reads no database and no clock."""

from segue.policy.judge import judge
from segue.policy.law import Law, load_law
from segue.policy.reasons import Reason, Verdict
from segue.policy.rules import Rules

__all__ = ["Law", "Reason", "Rules", "Verdict", "judge", "load_law"]
