"""May we say it? Pure functions over a pandas frame that is handed in; policy reads no database and no clock.

Here are the words and settings that everybody needs; `segue.policy.judge` is for whoever has a frame.
"""

from segue.policy.law import Law, load_law
from segue.policy.reasons import Reason, Verdict
from segue.policy.rules import Rules

__all__ = ["Law", "Reason", "Rules", "Verdict", "load_law"]
