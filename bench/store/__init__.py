"""The store: results in Parquet, whole at any moment.

`Store` writes and reads one folder, `merge` brings in another one, `publish` publishes it, `load`
gives an ablation's tidy view.
"""

from bench.store.load import View, load, planned_ablations
from bench.store.marks import Entry
from bench.store.merging import Merging, merge
from bench.store.places import PUBLISHED, result_folders, results_folder
from bench.store.publishing import Publication, publish
from bench.store.schema import SCHEMAS
from bench.store.store import NO_EPISODES, NO_UPDATES, Store

__all__ = [
    "NO_EPISODES",
    "NO_UPDATES",
    "PUBLISHED",
    "SCHEMAS",
    "Entry",
    "Merging",
    "Publication",
    "Store",
    "View",
    "load",
    "merge",
    "planned_ablations",
    "publish",
    "result_folders",
    "results_folder",
]
