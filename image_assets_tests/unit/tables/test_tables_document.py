from pathlib import Path

import pytest

from image_assets.tables.catalogue import TABLES
from image_assets.tables.documentation import document_tables
from image_assets.tables.table import Table

DOCUMENT = Path(__file__).parents[3] / "docs" / "tables.md"


def test_the_document_in_the_repository_is_what_the_schemas_say() -> None:
    assert DOCUMENT.read_text() == document_tables() + "\n", "run `make tables`"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_has_a_section_with_its_columns_in_order(table: Table) -> None:
    section = document_tables().split(f"\n## {table.name}\n")[1].split("\n## ")[0]
    named = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
    assert named == table.schema.column_names()


def test_keys_and_nulls_are_marked() -> None:
    lines = document_tables().splitlines()
    assert next(line for line in lines if line.startswith("| `image_id` | String | key |"))
    assert next(line for line in lines if line.startswith("| `label` | String | may be null |"))
