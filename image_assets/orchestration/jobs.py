"""Jobs by name, and what the UI says of them."""

DAILY_JOB = "daily_images"
DAILY_JOB_DESCRIPTION = "From landing to gold for the chosen days; only what is missing or out of date is computed."
WAREHOUSE_JOB = "warehouse_refresh"
WAREHOUSE_JOB_DESCRIPTION = "Warehouse and vector index over all days; unchanged inputs are left alone."
MORNING_JOB = "morning_checks"
MORNING_JOB_DESCRIPTION = "Is yesterday complete, and was no day left failed?"
HOUSEKEEPING_JOB = "housekeeping"
HOUSEKEEPING_JOB_DESCRIPTION = (
    "Files against rows, a share of them read whole, leftovers of killed runs, old runs in Dagster's memory."
)
TRAIN_JOB = "train"
TRAIN_JOB_DESCRIPTION = "Training set, label issues, a new classifier, and its promotion if it beats the champion."
