CREATE TABLE published_days (
    day date PRIMARY KEY,
    images integer NOT NULL,
    encoder text NOT NULL,
    vectors_version text NOT NULL,
    published_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE published_days IS 'What was last put in of each day.';
COMMENT ON COLUMN published_days.vectors_version IS 'Of the file of vectors in the lake that the day was read from.';
