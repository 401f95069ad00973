CREATE TABLE images (
    image_id uuid PRIMARY KEY,
    day date NOT NULL,
    user_id text,
    uploaded_at timestamptz NOT NULL,
    raw_name text NOT NULL,
    cleansed_url text,
    thumbnail_url text,
    preview_url text,
    caption text,
    text text,
    label text,
    label_source text,
    predicted_label text,
    confidence_ratio real,
    model_version text,
    needs_review boolean,
    policy text,
    state text NOT NULL,
    canonical_id uuid,
    is_duplicate boolean,
    format text NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    original_width integer NOT NULL,
    original_height integer NOT NULL,
    original_size_bytes bigint NOT NULL,
    sha256 text NOT NULL,
    phash text NOT NULL,
    blur real NOT NULL,
    brightness_ratio real NOT NULL,
    exif jsonb NOT NULL,
    encoder text,
    vector_version text,
    version text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    vector_key bigint NOT NULL GENERATED ALWAYS AS IDENTITY
) WITH (fillfactor = 85, toast_tuple_target = 1024);
-- Long vectors lie apart: what else there is of a row is read, and changed in its page, without them.

CREATE INDEX images_day ON images (day);
CREATE UNIQUE INDEX images_vector_key ON images (vector_key);
-- A query finds it by the same expression: to_tsvector('english', coalesce(caption, '')) @@ websearch_to_tsquery('english', …)
CREATE INDEX images_caption ON images USING gin (to_tsvector('english', coalesce(caption, '')));

COMMENT ON TABLE images IS 'One row per image that is fit for use, as gold_images has it; embedding is added with its dimension.';
COMMENT ON COLUMN images.cleansed_url IS 'Upright, sRGB, at most 512 px, no metadata; null when blocked, as the other addresses.';
COMMENT ON COLUMN images.state IS 'embedded: complete; processing; error: a later stage rejected it; blocked: may not be shown.';
COMMENT ON COLUMN images.canonical_id IS 'Earliest image of the same photo, mostly itself; may be of another day.';
COMMENT ON COLUMN images.exif IS 'Camera, exposure and time; no place, no serial numbers: those stay in the lake.';
COMMENT ON COLUMN images.encoder IS 'Whose vector it is, with its weights; only vectors of one encoder can be compared.';
COMMENT ON COLUMN images.version IS 'Hash of all that the row is made from; a row is written again when it differs.';
COMMENT ON COLUMN images.created_at IS 'When the row was first published; updated_at: when it was last written.';
