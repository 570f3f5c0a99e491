"""Shows the values behind a contract test that fails."""

import pytest

pytest.register_assert_rewrite("segue.contract")
