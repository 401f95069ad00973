CREATE TABLE image_tags (
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    tag text NOT NULL,
    kind text NOT NULL,
    confidence_ratio real NOT NULL,
    PRIMARY KEY (image_id, tag)
);

CREATE INDEX image_tags_tag ON image_tags (tag);

COMMENT ON TABLE image_tags IS 'What images show: terms of the vocabulary that a model is sure of.';
COMMENT ON COLUMN image_tags.kind IS 'product, colour, … as the vocabulary has it.';
