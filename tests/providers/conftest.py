"""Failed asserts of the shared contract are explained like those of any test."""

import pytest

pytest.register_assert_rewrite("providers.contract")
