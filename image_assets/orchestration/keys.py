"""Keys of assets and pools that no table names and more than one module knows."""

LANDING = "landing"
IMAGE_EMBEDDINGS = "image_embeddings"
DAILY_REPORT = "daily_report"
VECTOR_INDEX = "vector_index"
GPU_POOL = "gpu"
