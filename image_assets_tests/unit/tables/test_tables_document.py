import re
from pathlib import Path

from image_assets.tables.catalogue import TABLES
from image_assets.tables.documentation import document_tables

DOCUMENT = Path(__file__).parents[3] / "docs" / "tables.md"


def test_the_document_in_the_repository_is_what_the_schemas_say() -> None:
    assert DOCUMENT.read_text() == document_tables() + "\n", "run `make tables`"


def test_every_table_has_a_section_with_its_columns_in_order() -> None:
    sections = dict(section.split("\n", 1) for section in document_tables().split("\n## ")[1:])
    named = {table.name: re.findall(r"^\| `(\w+)`", sections[table.name], re.MULTILINE) for table in TABLES}
    assert named == {table.name: table.schema.column_names() for table in TABLES}


def test_keys_and_nulls_are_marked() -> None:
    lines = document_tables().splitlines()
    assert next(line for line in lines if line.startswith("| `image_id` | String | key |"))
    assert next(line for line in lines if line.startswith("| `label` | String | may be null |"))
