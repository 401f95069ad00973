"""Keys of assets, groups and pools that no table names and more than one module knows."""

from enum import StrEnum

DAILY_REPORT = "daily_report"
VECTOR_INDEX = "vector_index"
VECTOR_MAP = "vector_map"
POSTGRES_GOLD = "postgres_gold"
DELTA_GOLD = "delta_gold"
GPU_POOL = "gpu"


class Group(StrEnum):
    """What the UI shows together."""

    LANDING = "landing"
    BRONZE = "bronze"
    SILVER = "silver"
    EMBEDDINGS = "embeddings"
    ENRICHMENT = "enrichment"
    MODELS = "models"
    GOLD = "gold"
    SERVING = "serving"
    UPKEEP = "upkeep"
