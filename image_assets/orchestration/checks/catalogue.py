"""Every check of the code location."""

import dagster as dg

from image_assets.orchestration.checks.classifier import classifier_checks
from image_assets.orchestration.checks.conservation import conservation_checks
from image_assets.orchestration.checks.duplicates import label_conflicts_check
from image_assets.orchestration.checks.erasures import erasure_check
from image_assets.orchestration.checks.files import file_checks
from image_assets.orchestration.checks.identity import identity_checks
from image_assets.orchestration.checks.originals import originals_check
from image_assets.orchestration.checks.schema import schema_checks, vector_check
from image_assets.tables.chain import Chain


def all_checks(partitions: dg.DailyPartitionsDefinition, encoder: str, chain: Chain) -> list[dg.AssetChecksDefinition]:
    """Every check of tables and files; all but label conflicts stop what follows in the run.

    Args:
        partitions: the days, each with a result of its own.
        encoder: whose vectors are in use.
        chain: of whose images each table has every one.
    """
    return [
        *schema_checks(partitions),
        *conservation_checks(partitions, encoder, chain),
        *file_checks(partitions),
        label_conflicts_check(partitions),
        erasure_check(partitions),
        originals_check(partitions),
        *identity_checks(partitions),
        vector_check(partitions, encoder),
        *classifier_checks(partitions),
    ]
