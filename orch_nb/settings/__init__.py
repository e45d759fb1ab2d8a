"""The settings of a session: one order of precedence, checked as a whole."""

from orch_nb.settings.endpoint import OFFICIAL, SERVERS
from orch_nb.settings.home import user_home, working_folder
from orch_nb.settings.keys import remove_key, store_key, stored_key, stored_names, stored_where
from orch_nb.settings.loading import load
from orch_nb.settings.schema import (
    BreakerSettings,
    BudgetSettings,
    CacheSettings,
    Limits,
    ModelSettings,
    PriceSettings,
    ProviderSettings,
    Settings,
    Weights,
)
from orch_nb.settings.stack import SettingsStack

__all__ = [
    "OFFICIAL",
    "SERVERS",
    "BreakerSettings",
    "BudgetSettings",
    "CacheSettings",
    "Limits",
    "ModelSettings",
    "PriceSettings",
    "ProviderSettings",
    "Settings",
    "SettingsStack",
    "Weights",
    "load",
    "remove_key",
    "store_key",
    "stored_key",
    "stored_names",
    "stored_where",
    "user_home",
    "working_folder",
]
