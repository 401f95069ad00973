"""Every check of the code location."""

from collections.abc import Mapping

import dagster as dg

from image_assets.orchestration.checks.classifier import classifier_checks
from image_assets.orchestration.checks.conservation import conservation_checks
from image_assets.orchestration.checks.duplicates import duplicate_checks
from image_assets.orchestration.checks.erasures import erasure_check
from image_assets.orchestration.checks.files import file_checks
from image_assets.orchestration.checks.identity import identity_checks
from image_assets.orchestration.checks.originals import originals_check
from image_assets.orchestration.checks.schema import schema_checks, vector_check


def all_checks(encoder: str, enrichment: Mapping[str, str]) -> list[dg.AssetChecksDefinition]:
    """Every check of tables and files; all but label conflicts stop what follows in the run.

    Args:
        encoder: whose vectors are in use.
        enrichment: by table of a model's answers, the table whose every image it has.
    """
    return [
        *schema_checks(),
        *conservation_checks(encoder, enrichment),
        *file_checks(),
        *duplicate_checks(),
        erasure_check(),
        originals_check(),
        *identity_checks(),
        vector_check(encoder),
        *classifier_checks(encoder),
    ]
